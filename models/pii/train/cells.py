"""Record cells and whole records: `column words: value` with the value's labels."""
import csv
import json
import re

from dev import column_words
from plain import NOUN, WORDS, number, plain_cell

PEOPLE = "customer user contact owner employee patient guest host client member author agent student driver tenant recipient buyer seller billing shipping ship_to bill_to primary secondary emergency manager lead account vendor candidate applicant traveller sender requester assignee reporter".split()
NAMES = {
    "given": "first name|firstname|fname|given name|forename|vorname|prénom|prenom|nombre|nome|primeiro nome|voornaam|first|middle name|preferred name|name first|nickname|known as|host name|imię|förnamn|fornavn",
    "surname": "last name|lastname|lname|surname|family name|nachname|nom|nom de famille|apellido|apellidos|sobrenome|cognome|achternaam|maiden name|last|second surname|name last|birth name|familienname|nazwisko|efternamn|etternavn|apelido",
    "name": "name|name|full name|fullname|display name|contact|contact name|contact person|person|owner|assignee|reporter|created by|updated by|author|user|employee|manager|sales rep|account owner|patient|guest|recipient|cardholder|name on card|kunde|ansprechpartner|cliente|contato|titulaire|intestatario|naam|real name|approved by|driver|teacher|doctor|physician|beneficiary|payee|signatory|attendee|participant|speaker|tenant|landlord|buyer|seller|sold by|to name|from name|requester|submitter|customer|client|player|winner|passenger|next of kin|parent|spouse|nome completo|nombre completo|nom complet|vollständiger name|name des kunden|mitarbeiter|responsável|responsable|bearbeiter|reviewer|instructor|witness|candidate|applicant|borrower|holder|account holder|artist|director",
    "street": "address|address|street|street address|address line 1|address line1|addr1|address1|address 1|line1|mailing address|billing address|shipping address|home address|work address|straße|strasse|anschrift|adresse|rue|dirección|calle|endereço|logradouro|morada|indirizzo|via|adres|straat|delivery address|billing street|mailing street|residence|property address|ship to address|addr|location address|store address|hausanschrift|adres ulica",
    "street_name": "street name|streetname|road|rue|straßenname|calle|via|thoroughfare|street",
    "house": "house number|street number|hausnummer|numero civico|building number|huisnummer|house no",
    "unit": "address line 2|address2|addr2|apartment|unit|suite|apt|complemento|line2|zusatz|address 2",
    "full_address": "address|full address|formatted address|mailing address|shipping address|billing address|location|adresse|anschrift|endereço|dirección|indirizzo|adres|deliver to|residential address|place of residence|contact details|home",
    "city": "city|town|city/town|ort|stadt|ville|ciudad|cidade|città|plaats|billing city|shipping city|address city|home town|municipality|localidade|birthplace|locality|wohnort|place",
    "state": "state|province|state/province|billing state|address state|state code|bundesland|estado|provincia|uf|region|county|shipping state|kanton|distrito",
    "postcode": "zip|zipcode|zip code|postal code|postcode|postal|plz|postleitzahl|cep|código postal|code postal|cap|billing zip|shipping postcode|address zip|pincode",
    "government": "ssn|social security number|tax id|national id|passport number|passport|driver license|drivers license number|cpf|curp|dni|nif|nie|codice fiscale|bsn|steuer id|steuernummer|personalausweis|nino|national insurance number|sin|pan|aadhaar|nhs number|identity number|id card number|rg|social insurance number|government id|license number|fiscal code|id number|pesel|personnummer|tin|medicare number|cédula|nss|insee",
    "bank": "iban|account number|bank account|bank account number|routing number|sort code|kontonummer|conta|cuenta|bankverbindung|rekening|iban number|acct no|account no|rib|payout account|debit account|beneficiary account|agência e conta",
    "card": "card number|credit card|credit card number|cc number|ccn|pan|payment card|kreditkarte|kartennummer|cartão|tarjeta|card no|cc num|debit card|carte bancaire|creditcard|card",
    "dob": "date of birth|dob|birth date|birthdate|birthday|geburtsdatum|data de nascimento|fecha de nacimiento|date de naissance|data di nascita|geboortedatum|born|born on|birth|d o b|patient dob|geb datum|nascimento|date birth|födelsedatum",
    "username": "username|user name|login|handle|twitter handle|screen name|nick|user login|github|skype|instagram|benutzername|usuário|usuario|login name|twitter|user|account|telegram|slack user|screenname|gamertag|nutzername",
    "email": "email|e mail|email address|mail|contact email|work email|user email|e-mail|correo|courriel|login|recipient|reply to|cc|owner email|username|emails|from|to",
    "phone": "phone|telephone|phone number|mobile|cell|cell phone|fax|tel|telefon|handy|telefone|celular|teléfono|móvil|portable|telefono|cellulare|telefoon|mobiel|work phone|home phone|contact number|whatsapp|mobile phone|fon|phones|primary phone|contact no|rufnummer|telemóvel|msisdn|caller",
    "org": "company|company name|organization|organisation|employer|vendor|supplier|account name|firma|unternehmen|empresa|entreprise|société|azienda|bedrijf|university|school|publisher|merchant|bank name|institution|client company|account|source name|sponsor|agency|airline|insurer|college|hospital|partner|brand owner|name|customer",
}
NAMES = {k: v.split("|") for k, v in NAMES.items()}
VAGUE = ["value", "data", "field", "field 1", "col3", "text", "info", "content", "answer", "attribute", "x", "custom field", "extra", "v", "param", "label", "key", "result", "item", "input", "", "", "", "column 7", "misc", "details", "property", "raw", "string", "object", "unnamed", "f12"]
WEIGHTS = {"given": 12, "surname": 12, "name": 20, "street": 12, "street_name": 2, "house": 1, "unit": 2, "full_address": 8, "city": 6, "state": 3, "postcode": 3, "government": 6, "bank": 4, "card": 4, "dob": 5, "username": 4, "email": 3, "phone": 6, "org": 9}
FIDES = {"user.name": "name", "user.contact.email": "email", "user.contact.phone_number": "phone", "user.contact.address.street": "street", "user.contact.address.city": "city", "user.contact.address.state": "state",
         "user.contact.address.postal_code": "postcode", "user.demographic.date_of_birth": "dob"}
PERSONISH = re.compile(r"name|user|owner|author|person|contact|customer|by$|assign|title|label|from|to$|recipient|value|address|phone|mail|note|text|body|city|state|zip|post|company|org|domain|host|login|birth|lead|agent|member|creator|sender|cc$")


def load_columns(path):
    """(kind -> column words of real schemas, column words of plain fields)."""
    kinds, plain = {}, set()
    for row in csv.DictReader(open(path)):
        words = column_words(row["field_path"].split(".")[-1])
        kind = FIDES.get(row["data_categories"])
        if kind == "name" and re.search(r"first|given", words):
            kind = "given"
        elif kind == "name" and re.search(r"last|family|sur", words):
            kind = "surname"
        if kind and row["data_type"] in ("string", "") and not re.search(r"id$|count|verified|type|quality", words):
            kinds.setdefault(kind, []).append(words)
        elif row["data_categories"] == "system.operations" and not PERSONISH.search(words):
            plain.add((words, row["data_type"]))
    return kinds, sorted(plain)


class Cells:
    def __init__(self, values, columns=None):
        self.v, self.r = values, values.r
        self.kinds, self.plain_columns = columns or ({}, [])

    def value(self, kind, locale):
        """Pieces (text, label) of a value of one kind."""
        v = self.v
        one = {"given": (v.given, "GIVEN_NAME"), "surname": (v.surname, "SURNAME"), "street": (v.street, "STREET_ADDRESS"), "street_name": (v.street_name, "STREET_ADDRESS"), "city": (v.city, "CITY"),
               "state": (v.state, "STATE"), "postcode": (v.postcode, "POSTCODE"), "government": (v.government, "GOVERNMENT_ID"), "bank": (v.bank, "BANK_ACCOUNT"), "username": (v.username, "USERNAME"),
               "email": (v.email, "EMAIL"), "phone": (v.phone, "PHONE"), "org": (v.company, "ORGANIZATION")}
        if kind in one:
            return [(one[kind][0](locale), one[kind][1])]
        if kind == "name":
            return v.name(locale)
        if kind == "full_address":
            return v.address(locale)
        if kind == "house":
            return [(str(self.r.randrange(1, 9999)) + self.r.choice(["", "", "a", "B", "-7"]), "STREET_ADDRESS")]
        if kind == "unit":
            return [(v.unit(), "STREET_ADDRESS")]
        return [(v.card(), "CREDIT_CARD")] if kind == "card" else [(v.date(old=True), "DATE_OF_BIRTH")]

    def column(self, kind):
        r = self.r
        if kind in self.kinds and r.random() < 0.25:
            return r.choice(self.kinds[kind])
        name = r.choice(NAMES[kind])
        u = r.random()
        if u < 0.22:
            name = r.choice(PEOPLE).replace("_", " ") + " " + name
        elif u < 0.27:
            name = name + " " + str(r.randrange(1, 5))
        elif u < 0.30:
            name = r.choice(["str ", "txt ", "c ", "x ", "cust ", "usr ", "p ", "tbl ", "field "]) + name
        return name

    def case(self, pieces):
        """Casing noise; the tagger is uncased, but the engine's word bounds are not."""
        u = self.r.random()
        f = str.upper if u < 0.08 else str.lower if u < 0.22 else None
        return [(f(t), l) for t, l in pieces] if f else pieces

    def pii(self, kind=None):
        """(column, pieces) of a personal cell; sometimes the column says little."""
        r = self.r
        kind = kind or r.choices(list(WEIGHTS), WEIGHTS.values())[0]
        pieces = self.case(self.value(kind, self.v.locale()))
        column = self.column(kind)
        if kind in ("given", "surname", "name") and column not in ("name", "host", "title", "user", "account") and r.random() < 0.10:
            return column, self.case(self.v.word_name() if kind == "name" else [(self.v.en.word().capitalize(), "GIVEN_NAME" if kind == "given" else "SURNAME")])
        if r.random() < 0.17 and kind in ("name", "street", "full_address", "email", "phone", "bank", "given", "surname", "org", "card", "city", "unit"):
            column = r.choice(VAGUE)
        elif r.random() < 0.04 and kind in ("name", "street", "full_address", "email", "phone"):
            column = r.choice(r.choice(list(NAMES.values())))
        if r.random() < 0.03:
            pieces = pieces + [(r.choice([", ", "; ", " / "]), None)] + self.case(self.value(kind, self.v.locale()))
        return column, pieces

    def plain(self):
        """(column, pieces) without personal data, some of them below a column that promises it."""
        r = self.r
        u = r.random()
        if u < 0.10:
            return self.column(r.choice(list(NAMES))), [(r.choice(WORDS["null"]), None)]
        if u < 0.16:
            name = f"{r.choice(NOUN)} {r.choice(['verified', 'type', 'status', 'id', 'count', 'label', 'optin', 'quality', 'hash', 'source', 'flag', 'valid', 'length', 'format', 'created at', 'list', 'group', 'stage'])}"
            return name, [(plain_cell(r, self.v.en)[1], None)]
        if u < 0.19:
            return f"{r.choice(['income per', 'sales by', 'average', 'total', 'revenue', 'per capita', 'amount', 'max', 'price per', 'num'])} {self.column(r.choice(list(NAMES)))}", [(number(r), None)]
        if u < 0.25:
            return r.choice(["date", "created at", "updated at", "order date", "due date", "last login", "expires", "timestamp", "posted at", "start", "end", "hired", "datum", "fecha", "data", "last purchase", "valid until", "acct open date", "signup", "", "value"]), [(self.v.date(), None)]
        column, value = plain_cell(r, self.v.en)
        if r.random() < 0.13:
            column = r.choice(VAGUE)
        elif self.plain_columns and r.random() < 0.2:
            column = r.choice(self.plain_columns)[0]
        return column, self.case([(value, None)])

    def record(self):
        """A whole record as one text."""
        r = self.r
        locale = self.v.locale()
        fields = [(self.column(k), self.value(k, locale)) for k in r.sample(list(WEIGHTS), r.randrange(1, 5))]
        fields += [self.plain() for _ in range(r.randrange(1, 6))]
        r.shuffle(fields)
        style = r.randrange(5)
        out = []
        for k, (column, pieces) in enumerate(fields):
            if len("".join(t for t, _ in pieces)) > 120:
                continue
            column = column or "field"
            if style == 0:
                out += [(f"{', ' if out else ''}{column}: ", None), *pieces]
            elif style == 1:
                out += [(f"{', ' if out else '{'}{json.dumps(column.replace(' ', '_'))}: \"", None), *pieces, ('"', None)]
            elif style == 2:
                out += [(f"{' | ' if out else ''}{column.replace(' ', '_')}=", None), *pieces]
            elif style == 3:
                out += ([("; " if style == 3 and r.random() < 0.5 else ", ", None)] if out else []) + pieces
            else:
                out += [("\n" if out else "", None), (f"{column.title()}: ", None), *pieces]
        return r.choice(["payload", "raw", "data", "record", "json", "text", "line", "", "body", "message"]), out
