"""Invented values of every kind, in many locales, as pieces of (text, label or None)."""
import datetime
import random
import re

from faker import Faker

LOCALES = {"en_US": 9, "en_GB": 4, "en_CA": 2, "en_AU": 2, "en_IN": 2, "en_IE": 1, "en_NZ": 1, "de_DE": 5, "de_AT": 1, "de_CH": 1, "fr_FR": 4, "fr_CA": 1, "es_ES": 4, "es_MX": 3,
           "es_CO": 1, "es_AR": 1, "pt_BR": 4, "pt_PT": 2, "it_IT": 3, "nl_NL": 3, "nl_BE": 1, "pl_PL": 1, "sv_SE": 1, "da_DK": 1, "no_NO": 1, "fi_FI": 1, "cs_CZ": 1, "ro_RO": 1,
           "hu_HU": 1, "tr_TR": 1, "hr_HR": 1, "id_ID": 1, "vi_VN": 1}
LANGUAGE = {"en": "en_US en_GB en_CA en_AU en_IN en_IE", "de": "de_DE de_DE de_AT de_CH", "pt": "pt_BR pt_BR pt_PT", "es": "es_ES es_MX es_CO es_AR", "fr": "fr_FR fr_FR fr_CA",
            "it": "it_IT", "nl": "nl_NL nl_NL nl_BE"}
CITIES = ("Berlin Hamburg Munich München Cologne Frankfurt Stuttgart Dresden Leipzig Vienna Zürich Geneva Basel Paris Lyon Marseille Toulouse Lille London Manchester Leeds Bristol Glasgow Edinburgh "
          "Cardiff Belfast Dublin Cork Madrid Barcelona Valencia Sevilla Bilbao Lisbon Lisboa Porto Coimbra Braga Rome Roma Milan Milano Turin Naples Bologna Florence Amsterdam Rotterdam Utrecht "
          "Antwerp Brussels Ghent Copenhagen Stockholm Oslo Helsinki Warsaw Prague Budapest Bucharest Athens Istanbul Moscow Boston Chicago Seattle Denver Austin Dallas Houston Atlanta Detroit Phoenix "
          "Portland Philadelphia Baltimore Cleveland Pittsburgh Sacramento Oakland Tampa Orlando Nashville Memphis Toronto Montreal Vancouver Ottawa Calgary Sydney Melbourne Brisbane Perth Auckland "
          "Wellington Mumbai Delhi Bangalore Chennai Kolkata Hyderabad Singapore Tokyo Osaka Kyoto Seoul Beijing Shanghai Bangkok Jakarta Manila Hanoi Dubai Cairo Lagos Nairobi Accra Johannesburg "
          "Curitiba Salvador Recife Fortaleza Brasília Campinas Santos Bogotá Medellín Lima Quito Santiago Caracas Montevideo Córdoba Rosario Monterrey Guadalajara Puebla").split() + \
    ["New York", "Los Angeles", "San Francisco", "San Diego", "Las Vegas", "New Orleans", "Salt Lake City", "Kansas City", "St. Louis", "São Paulo", "Rio de Janeiro", "Porto Alegre", "Belo Horizonte",
     "Mexico City", "Ciudad de México", "Buenos Aires", "Cape Town", "Hong Kong", "Abu Dhabi", "Tel Aviv", "The Hague", "Den Haag", "Bad Homburg", "San José"]


def letters(r, pattern):
    """`#` a digit, `?` a capital, `^` a lower-case letter."""
    sets = {"#": "0123456789", "?": "ABCDEFGHJKLMNPQRSTUVWXYZ", "^": "abcdefghijklmnopqrstuvwxyz"}
    return "".join(r.choice(sets[c]) if c in sets else c for c in pattern)


class Values:
    def __init__(self, seed, excluded=()):
        self.r = random.Random(seed)
        self.fakers = {l: Faker(l) for l in LOCALES}
        for k, f in enumerate(self.fakers.values()):
            f.seed_instance(seed * 100 + k)
        self.en = self.fakers["en_US"]
        self.excluded = excluded

    def locale(self, language=None):
        if language:
            return self.r.choice(LANGUAGE[language].split())
        return self.r.choices(list(LOCALES), LOCALES.values())[0]

    def call(self, locale, *methods):
        """The first of the methods that the locale has."""
        for m in methods:
            f = getattr(self.fakers[locale], m, None)
            if f:
                try:
                    return str(f())
                except Exception:
                    continue
        return str(getattr(self.en, methods[0])())

    # names
    def given(self, locale):
        x = self.call(locale, "first_name")
        if self.r.random() < 0.06:
            x += self.r.choice(["-", " "]) + self.call(locale, "first_name")
        return self.noise(x)

    def surname(self, locale):
        x = self.call(locale, "last_name")
        u = self.r.random()
        if u < 0.06:
            x += self.r.choice(["-", " "]) + self.call(locale, "last_name")
        elif u < 0.10:
            x = self.r.choice(["von ", "van ", "de ", "da ", "dos ", "Mc", "Mac", "O'", "Le ", "Di ", "El "]) + x
        elif u < 0.22:
            x = self.invented()
        return self.noise(x)

    def invented(self):
        """A surname in no list: onsets and endings that European surnames are made of."""
        r = self.r
        a = r.choice("B Br C Cl Cr D Dr F Fl G Gr H J K Kl L M N P Pr R S Sch Sh St T Th Tr V W Wh Z".split())
        b = "".join(r.choice("a e i o u ai ei ou ee oo".split()) + r.choice("b ck d f g l ll m n nn nd p r rs rt s ss t tt v w x z".split()) for _ in range(r.choice([1, 1, 2])))
        return (a + b + r.choice("er man son ton ley ski sky ov ev ini elli etti eau ard ez es a o i y sen berg feld wald stein mann haus worth field ham by wick ford ic vich is".split())).capitalize()

    def noise(self, x):
        """A typing error now and then."""
        if self.r.random() < 0.02 and len(x) > 4:
            k = self.r.randrange(1, len(x))
            x = self.r.choice([x[:k] + x[k + 1 :], x[:k] + x[k] + x[k:], x + self.r.choice("aeqxz")])
        return x

    def name(self, locale=None, forms=True):
        """A whole name in one of its usual forms."""
        locale, r = locale or self.locale(), self.r
        for _ in range(5):
            g, s = self.given(locale), self.surname(locale)
            if f"{g} {s}".lower() not in self.excluded:
                break
        G, S = [(g, "GIVEN_NAME")], [(s, "SURNAME")]
        gap = [(" ", None)]
        u = r.random() if forms else 0
        if u < 0.66:
            return G + gap + S
        if u < 0.76:
            return S + [(", ", None)] + G
        if u < 0.82:
            return [(g[0] + r.choice([".", ""]), "GIVEN_NAME")] + gap + S
        if u < 0.87:
            return [(g + " " + r.choice("ABCDEFGHJKLMNPRSTW") + r.choice([".", ""]), "GIVEN_NAME")] + gap + S
        if u < 0.92:
            return [(r.choice(["Dr. ", "Mr. ", "Mrs. ", "Ms ", "Prof. ", "Herr ", "Frau ", "Sr. ", "Sra. ", "M. ", "Mme ", "Sig. ", "Dhr. "]), None)] + r.choice([G + gap + S, S])
        if u < 0.94:
            return [(s.upper(), "SURNAME")] + gap + G
        if u < 0.97:
            return r.choice([G, S])
        return G + gap + S + [(r.choice([" Jr.", " III", " PhD", " (he/him)", " - Sales", " & Co", " (manager)", " <none>"]), None)]

    def word_name(self):
        """Names that are also words, for cells whose column says they are names."""
        w = lambda: self.en.word().capitalize()
        return self.r.choice([[(w(), "GIVEN_NAME")], [(w(), "SURNAME")], [(w(), "GIVEN_NAME"), (" ", None), (self.surname("en_US"), "SURNAME")],
                              [(self.given("en_US"), "GIVEN_NAME"), (" ", None), (w(), "SURNAME")], [(w(), "GIVEN_NAME"), (" ", None), (w(), "SURNAME")]])

    # places
    def city(self, locale):
        if self.r.random() < 0.3:
            return self.r.choice(CITIES)
        return self.call(locale, "city", "city_name")

    def state(self, locale):
        return self.call(locale, "state", "province", "region", "administrative_unit", "county") if self.r.random() < 0.5 else self.call(locale, "state_abbr", "province_abbr", "estado_sigla", "state")

    def street(self, locale):
        for _ in range(5):
            x = self.call(locale, "street_address").replace("\n", ", ")
            if x.lower() not in self.excluded:
                break
        u = self.r.random()
        if u < 0.05:
            x = self.r.choice(["PO Box ", "P.O. Box ", "Postfach ", "Apartado "]) + letters(self.r, "####")
        elif u < 0.10:
            x = f"{self.r.randrange(1, 30000)} {self.r.choice(['Highway', 'Hwy', 'County Road', 'State Route', 'US-', 'FM', 'Route'])} {self.r.randrange(1, 500)}"
        elif u < 0.22:
            x = (f"{self.r.randrange(1, 9999)} {self.r.choice(['', '', 'N ', 'S. ', 'West ', 'E '])}{self.r.choice([self.surname, self.given])(locale)}"
                 f"{self.r.choice(['', '', ' Oak', ' Hill', ' Creek', ' Ridge', ' Park'])} {self.r.choice('St Street Ave Avenue Rd Road Dr Drive Ln Lane Blvd Boulevard Ct Court Pl Place Way Pkwy Terrace Circle Trail Crossing Close Row Sq'.split())}")
        if self.r.random() < 0.12:
            x += self.r.choice([" ", ", "]) + self.unit()
        return x

    def unit(self):
        return self.r.choice(["Apt ", "Apt. ", "Suite ", "Ste ", "Unit ", "#", "Floor ", "Flat ", "Apto ", "Bloco ", "2. OG ", "bât. ", "piso ", "int. "]) + letters(self.r, self.r.choice(["#", "##", "###", "#?", "?"]))

    def street_name(self, locale):
        return self.call(locale, "street_name") if self.r.random() < 0.7 else self.surname(locale)

    def postcode(self, locale):
        return self.call(locale, "postcode", "zipcode") + (letters(self.r, "-####") if locale == "en_US" and self.r.random() < 0.15 else "")

    def address(self, locale, breaks=True):
        """A whole address in the order of its country."""
        street, city, code = (self.street(locale), "STREET_ADDRESS"), (self.city(locale), "CITY"), (self.postcode(locale), "POSTCODE")
        sep = (self.r.choice([", ", ", ", ", ", "\n", " "] if breaks else [", ", ", ", " "]), None)
        country = [sep, (self.en.country() if self.r.random() < 0.5 else self.call(locale, "current_country"), None)] if self.r.random() < 0.3 else []
        if locale[:2] == "en" or locale == "pt_BR":
            tail = [city, (", ", None), (self.state(locale), "STATE"), (" ", None), code]
            if self.r.random() < 0.2:
                tail = [city, (" ", None), code]
            if self.r.random() < 0.1:
                tail = tail[:3]
        else:
            tail = [code, (" ", None), city]
        if self.r.random() < 0.08:
            tail = [city]
        return [street, sep, *tail, *country]

    # numbers and accounts
    def phone(self, locale):
        if self.r.random() < 0.5:
            return self.call(locale, "phone_number")
        return letters(self.r, self.r.choice(["###-###-####", "(###) ###-####", "+1 ### ### ####", "+49 ### #######", "+49-#####-######", "0## #######", "+44 #### ######", "0#### ######", "+351 9## ### ###", "(##) 9####-####",
                                               "+55 ## #####-####", "+33 # ## ## ## ##", "0# ## ## ## ##", "+34 ### ## ## ##", "+39 ### ### ####", "06-########", "+31 6 ########", "##########", "###.###.####", "+###########",
                                               "1-800-###-####", "###-###-#### x###", "(0##) #### ####", "+91 ##### #####", "00## ### ######"])).replace("+0", "+4")

    def email(self, locale):
        if self.r.random() < 0.55:
            return self.call(locale, "email")
        g, s = re.sub(r"\W", "", self.given(locale)).lower(), re.sub(r"\W", "", self.surname(locale)).lower()
        return self.r.choice([f"{g}.{s}", f"{g}{s}", f"{g[:1]}{s}", f"{g}_{s}{self.r.randrange(99)}", f"{s}.{g}", "info", "sales", f"{g}+news"]) + "@" + self.r.choice([self.en.domain_name(), "gmail.com", "outlook.de", "web.de", "uol.com.br", "sapo.pt", "orange.fr", "corp.internal"])

    def government(self, locale):
        u = self.r.random()
        if u < 0.35:
            return self.call(locale, "ssn")
        return letters(self.r, self.r.choice(["###-##-####", "### ## ####", "#########", "?########", "??######?", "?? ## ## ## ?", "###.###.###-##", "########?", "?#######?", "########-?", "#### #### ####", "?????####?", "??######",
                                               "?##-##-####", "?###-####-####", "## ### ### ###", "?? #######", "?#?#?#?##", "??????##?##?###?", "#.##.##.###.###.##", "########/####", "######-####", "DL-?######", "?????######??#??"]))

    def bank(self, locale):
        u = self.r.random()
        if u < 0.45:
            x = self.fakers[locale if locale in ("de_DE", "en_GB", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_PT") else "de_DE"].iban()
            return " ".join(x[i : i + 4] for i in range(0, len(x), 4)) if self.r.random() < 0.4 else x
        return letters(self.r, self.r.choice(["########", "##########", "############", "#########", "##-##-## ########", "####-####-##", "### #### ######", "####.######-#", "##-##-##"]))

    def card(self):
        x = self.en.credit_card_number() if self.r.random() < 0.7 else letters(self.r, self.r.choice(["4###############", "5###############", "3##############", "6###############"]))
        u = self.r.random()
        if u < 0.5 and len(x) == 16:
            x = self.r.choice([" ", "-"]).join(x[i : i + 4] for i in range(0, 16, 4))
        return x

    def date(self, old=False):
        d = datetime.date(2026, 1, 1) + datetime.timedelta(days=self.r.randrange(-34000, -5800) if old or self.r.random() < 0.2 else self.r.randrange(-3300, 400))
        form = self.r.choice(["%Y-%m-%d", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%B %d, %Y", "%d %b %Y", "%Y%m%d", "%b %d %Y", "%d %B %Y", "%m/%d/%y", "%Y/%m/%d"])
        return d.strftime(form) + (self.r.choice(["T00:00:00Z", " 00:00:00"]) if form == "%Y-%m-%d" and self.r.random() < 0.15 else "")

    def username(self, locale):
        r = self.r
        g, s = (re.sub(r"\W", "", f(locale)).lower() for f in (self.given, self.surname))
        w = self.en.word()
        return r.choice(["", "", "", "@"]) + r.choice([f"{g}{r.randrange(1000)}", f"{g}.{s}", f"{g[:1]}{s}", f"{g}_{s}", f"{s}{g[:2]}", f"{w}_{g}", f"{w}{r.randrange(100)}", f"x{g}x", f"{g}{w}", f"the_{s}", f"{s}{r.randrange(60, 99)}", self.en.user_name()])

    def company(self, locale):
        r = self.r
        u = r.random()
        if u < 0.5:
            return self.call(locale, "company")
        w = self.en.word().capitalize()
        return r.choice([w + r.choice(["ly", "ify", "io", "ix", "hub", "zone", "wave", "labs", "soft", "bit", "logic", "via", "tube", "drive"]), f"{w} {r.choice(['GmbH', 'Ltd', 'Inc.', 'SA', 'Ltda', 'BV', 'AG', 'LLC', 'Group', 'Bank', 'Systems', 'Energy', 'Foods', 'Media', 'Logistics'])}",
                         f"{r.choice(['University of', 'Universidade de', 'Universität', 'Université de', 'Politecnico di', 'Hospital', 'St.', 'Royal'])} {self.city(locale)}", f"{self.surname(locale)} & {self.surname(locale)}",
                         f"{self.city(locale)} {r.choice(['Times', 'News', 'Herald', 'Airlines', 'United', 'College', 'Hospital', 'Police'])}"])
