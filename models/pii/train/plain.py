"""Values that are no personal data, and the columns they stand in."""
from values import letters

WORDS = {
    "product": "Wireless Mouse|Leather Wallet|Running Shoes|Espresso Machine|Garden Hose|Yoga Mat|Office Chair|Phone Case|Desk Lamp|Steel Bottle|Winter Jacket|Gaming Headset|Cotton Shirt|Baby Stroller|Air Fryer|Rice Cooker|Mountain Bike|Paper Towels|LED Strip|Solar Panel|Toaster|Backpack|Sunglasses|Kettle|Notebook|Smart Watch|Ledertasche|Kaffeemaschine|Cadeira de escritório|Chaussures de course",
    "car": "Corolla|Civic|Golf|Passat|Model 3|Mustang|Silverado 1500|Wrangler|Impreza|Astra|Clio|Focus|Fiesta|Polo|Octavia|Prius|Camry LE|Altima|Sierra|Outback|Escalade|Charger|Avalon|Mercedes|Lincoln|Chevrolet|Toyota|Renault|Peugeot|Dodge|Porsche|Tesla|Volvo|Skoda|Kia|x5|a4 quattro|f-150 xlt|crv ex-l|sprinter",
    "room": "Deluxe double|Twin room|King suite|Studio|Shared dorm|Private room|Entire flat|Family room|Penthouse|Cottage|Bed and breakfast|Houseboat|Cabin|Loft|Garden view|Economy single",
    "status": "active|inactive|pending|closed|open|new|in progress|on hold|cancelled|shipped|delivered|paid|refunded|verified|unverified|unconfirmed|draft|published|archived|approved|rejected|failed|success|trialing|past_due|subscribed|unsubscribed|bounced|queued|done|won|lost|true|false|yes|no|enabled|disabled|offen|erledigt|pendente|aberto|en attente|abierto",
    "language": "English|German|Spanish|French|Portuguese|Italian|Dutch|Swahili|Tamil|Basque|Icelandic|Maltese|Welsh|Kurdish|Nepali|Somali|Zulu|Catalan|Sign language|de|en-US|pt_BR|fr",
    "country": "Germany|Brazil|Portugal|France|Spain|Italy|Netherlands|United Kingdom|UK|USA|United States|Canada|Mexico|India|China|Japan|Georgia|Jordan|Chad|Deutschland|Brasil|España|Österreich|Schweiz|DE|US|BR|GB|deu|usa",
    "continent": "Europe|Asia|Africa|South America|North America|Oceania|EMEA|APAC|LATAM|DACH|Nordics|Midwest|north|south|east coast|global",
    "job": "Manager|Engineer|Sales Associate|Nurse|Teacher|Developer|Accountant|Cook|Driver|Architect|Lawyer|Mechanic|Scientist|Journalist|Musician|Writer|Entrepreneur|Doctor|VP Marketing|Head of Operations|CEO|Account Executive|Data Analyst II|Vertriebsleiter|Gerente de contas|Chef de projet|Desarrollador|Laborer|Core staff|Cleaner|Secretary|Waiter|Barber|Farmer|Carpenter|Pharmacist|Paralegal|Professor",
    "department": "Sales|Marketing|Finance|HR|Human Resources|IT|Legal|Operations|Support|R&D|Engineering|Procurement|Logistics|Customer Success|Product|Quality|Training|Vertrieb|Einkauf|Compras|Contabilidad|Ventes",
    "category": "Electronics|Home & Garden|Books|Toys|Beauty|Sports|Groceries|Pet Supplies|Automotive|Travel|Billing|Technical issue|Feature request|Bug|Question|Complaint|Spam|Uncategorized|Fraud|Returns|Premium|Gold|Silver|Basic|Standard|Enterprise|Free|Pro|Starter|small|medium|large|compact|mid-size|Low|High|Critical|A|B|C|P1|tier 2|poor|fair|excellent|like new|salvage",
    "colour": "red|blue|green|black|white|silver|grey|navy|teal|burgundy|olive|Amber|Rose|Ruby|Violet|Hazel|Sienna|Jade|Ivory|Coral|Saffron|Indigo",
    "pay": "visa|mastercard|amex|Discover|debit|credit|Debit (Prepaid)|paypal|sepa|cash|bank transfer|invoice|Kreditkarte|Lastschrift|boleto|pix|apple_pay|net 30|monthly|annual|per seat",
    "family": "single|married|divorced|widowed|separated|male|female|m|f|other|non-binary|Mr|Mrs|Ms|Dr|Herr|Frau|Sr.|parent|child|spouse|emergency|primary|secondary|work|home|mobile|billing|shipping|owner|tenant|guest|member|admin|viewer|editor|with parents|rented|house",
    "skill": "Project Management|Public Speaking|Java|Python|SQL|Photoshop|Six Sigma|Welding|Payroll|AutoCAD|Gel Electrophoresis|Budgeting|Negotiation|Cisco|Kubernetes|Excel|Fundraising|Salesforce|React|Machine Learning|Event Planning|First Aid|Nursing|Bloomberg|Tally|Maya|Ruby|Julia|Ada",
    "education": "High school|Bachelor|Master|PhD|Secondary|Vocational|Some college|Higher education|Graduate|Primary school|Abitur|Bacharelado|Licence",
    "weather": "Rain|Snow|Storm|Fog|Sunny|Heatwave|Landslide|Flood|Earthquake|Mudslide|Wildfire|Drought|Hail|Downpour|Tropical cyclone|Unknown|Complex|Rockfall",
    "thing": "Loan|Mortgage|Auto Loan|Student Loan|Personal Loan, Auto Loan|Checking account|Savings|Refinance|Policy A|Claim|Deposit|Withdrawal|Transfer|Fee|Tax|Discount|Gift card|Coupon|Subscription renewal|Order placed|Page viewed|Clicked|Email opened|Sign up|Login|Logout|Password reset|Welcome series|Newsletter|Summer Sale|Black Friday|Spring campaign|Onboarding|Q3 webinar|Abandoned cart|Lead form|Contact form|Homepage|Landing page|Blog|iOS|Android|Windows 10|Chrome|Safari|Firefox|Googlebot|Linux|macOS",
    "disease": "Diabetes|Asthma|Hypertension|Migraine|Fracture|Influenza|Parkinson|Alzheimer|Crohn|Anemia|Arthritis|Ibuprofen|Aspirin|Metformin|Amoxicillin|Paracetamol|Lisinopril|Penicillin allergy|none known|O+|A-",
    "work": "The Great Gatsby|Hamlet|Toy Story|Star Wars|Abbey Road|Thriller|Chess|Football|Tennis|Rock|Jazz|Hip hop|Drama|Comedy|Sci-Fi|Thai|Mexican|Vegan|Pizza|Margherita|Caesar salad|Earl Grey|Caprese|Red wine|Chardonnay|Merlot|Burger|Sushi|Baking|Poker",
    "animal": "Labrador|Beagle|Persian|Siamese|Golden Retriever|Salmon|Crab|Eagle|Oak|Maple|Rose|Lily|Daisy|Iris|Jasmine|Basil|Sage|Olive|Setosa|Quercus robur",
    "null": "n/a|N/A|none|None|null|NULL|-|--|unknown|Unknown|NaN|nan|not specified|Not provided|not available|undefined|TBD|tbd|?|test|xxx|empty|keine Angabe|não informado|sin datos|inconnu|redacted|[removed]|hidden|private|anonymous|various|same as above|see notes|default|other|misc|___|0|false",
}
WORDS = {k: v.split("|") for k, v in WORDS.items()}
COLUMNS = {
    "product": "product|product name|item|item name|name|title|article|sku name|line item title|produkt|produto|artikel|producto|goods|variant|asset name|listing name|offer",
    "car": "model|make|car|vehicle|car model|manufacturer|brand|trim|vehicle name|modell|marca|modelo|fahrzeug|name",
    "room": "room type|room|accommodation|property type|type|housing type|listing type|name|unit type",
    "status": "status|state|order status|lead status|payment status|email status|phone verified|is active|email verified|has address|address verified|identity verified|stage|lifecycle stage|user status|account status|subscription status|name verified|opt in|instant|flag|host response|title status|estado|situação|zustand|workflow state|fulfillment status|contact status|customer state",
    "language": "language|lang|locale|preferred language|native language|spoken languages|sprache|idioma|user language|interface language|name",
    "country": "country|country code|country name|nationality|billing country|address country|citizenship|land|país|pays|country of origin|origin|market|destination|birth country",
    "continent": "continent|region|sales region|territory|zone|market|area|direction|wind|hemisphere|segment",
    "job": "job title|title|occupation|position|role|profession|designation|job|beruf|cargo|profissão|puesto|poste|function|user title|contact title|job name",
    "department": "department|team|division|group|abteilung|departamento|business unit|owner team|group name|cost center|assigned team|queue",
    "category": "category|type|tag|tags|label|class|subcategory|segment|tier|plan|plan name|priority|severity|condition|size|grade|rating|level|topic|reason|ticket type|customer type|customer segment|user type|group name|name|list name|credit score|credit mix|risk|behaviour",
    "colour": "color|colour|farbe|cor|couleur|paint color|hair color|eye color|variant|option|option1|name",
    "pay": "payment method|card type|card brand|cc type|payment type|billing cycle|zahlungsart|forma de pagamento|card network|account type|bank account type|credit card type|payment terms",
    "family": "marital status|gender|sex|salutation|title|name title|name prefix|prefix|anrede|relationship|contact type|address type|phone type|email type|family status|name family status|user role|guest type|number type|geschlecht|estado civil|person type",
    "skill": "skill|skills|expertise|linkedin skill|competence|course|subject|certification|technology|interest|hobby|name",
    "education": "education|degree|education type|name education type|school level|qualification|escolaridade",
    "weather": "event|event type|cause|trigger|weather|hazard type|conditions|incident type|disaster|name|summary",
    "thing": "event name|campaign|campaign name|name|subject|action|activity|source|lead source|utm campaign|channel|type of loan|loan type|transaction type|description|platform|os|browser|page title|form name|segment name|medium|list|reason|first page seen|file|last campaign|device name",
    "disease": "diagnosis|condition|medication|allergy|drug name|blood type|name|treatment|indication|prescription",
    "work": "book|movie|album|genre|song|cuisine|dish|sport|favourite food|title|name|menu item|game|hobby",
    "animal": "species|breed|plant|animal|pet type|variety|class|name|kind",
}
COLUMNS = {k: v.split("|") for k, v in COLUMNS.items()}
NOUN = "user customer account order contact invoice ticket deal lead campaign product item session device event payment subscription listing host employee vendor shipment message company address email phone card bank person patient booking".split()
NUMBER = ["{} id", "{} count", "number of {}s", "num {}s", "total {}s", "{} score", "{} index", "{}s per month", "{} age days", "{} amount", "{} balance", "{} price", "{} number", "{} key", "{} ref", "{} version", "{} level", "{} size", "{} flag", "{} length", "is {}", "has {}", "{} enabled"]
MEASURE = ("price|amount|total|cost|fee|salary|annual income|income|balance|quantity|qty|age|year|construction year|birth year|birth month|month|day|height|weight|length|diameter|distance|duration|score|rating|discount|tax|percent|"
           "latitude|lat|longitude|lng|temperature|credit limit|debt|odometer|mileage|population|area|rooms|bedrooms|minimum nights|cvv|pin|floor|capacity|rank|votes|views|clicks|impressions|interest rate|stock|port|epoch|interval|hours|loss|days employed").split("|")
CODE = ("id|uuid|key|code|sku|barcode|ean|hash|token|external id|reference|ref|order number|invoice number|tracking number|ticket|serial|vin|guid|etag|checksum|session id|device id|request id|transaction id|customer id|user id|owner id|host id|account id|"
        "contact id|gclid|promo code|coupon|batch|lot|isbn|icd code|flight|license plate|model number|part number|employee id|bestellnummer|numero pedido|commit|gender code|flag own car|booking reference|member number|policy number|case number").split("|")
DATES = "created at|updated at|created|modified|last login|last seen|order date|due date|expires|expiry|start date|end date|signup date|hire date|posted|timestamp|date|datum|data|fecha|time|last review|acct open date|closed at|delivered at|valid until|card expiry|trial ends|first purchase|member since|month|year|check in|departure".split("|")


def number(r):
    u = r.random()
    if u < 0.35:
        return str(r.choice([r.randrange(10), r.randrange(100), r.randrange(10**4), r.randrange(10**5), r.randrange(10**9), r.randrange(10**10)]))
    if u < 0.6:
        return f"{r.choice(['', '-'])}{r.random() * 10 ** r.randrange(6):.{r.choice([1, 2, 2, 4, 6, 8, 12, 14, 15])}f}"
    if u < 0.8:
        return r.choice(["$", "€", "£", "R$ ", "US$ ", ""]) + f"{r.randrange(10**6) / 100:,.2f}" + r.choice(["", "", " EUR", " USD", "%", " CHF"])
    if u < 0.9:
        return f"${r.randrange(100000)}"
    return f"{r.randrange(1, 500)} {r.choice('kg cm miles hours days nights GB ms cylinders years stars points pcs km/h m² seats'.split())}"


def code(r, f):
    u = r.random()
    if u < 0.2:
        return f.uuid4()
    if u < 0.3:
        return f"{r.getrandbits(r.choice([16, 64, 128, 160])):x}"
    return letters(r, r.choice(["??-#####", "???_0x####", "ORD-2024-#####", "INV-######", "#########", "###########", "0x##?#", "??##??##", "1Z##?#?#########", "###-#######-#######", "cus_^#^^#^#^^##^", "00?#?000001?#??", "?#####", "??? ###", "SKU-####-?",
                                    "#############", "978-#-##-######-#", "TCK#####", "v#.#.##", "???-####", "?########", "^^^-^^^-##", "##/####", "CUS#######", "?##.#", "??-??-####", "#?##??######", "AB## CDE", "###-##-###", "#-###-###"]))


def technical(r, f):
    """(column, value) of machine-made text."""
    host = f"{r.choice(['web', 'db', 'api', 'worker', 'cache', 'ip-10-0', 'prod', 'node', 'martin', 'laptop', 'thor', 'athena'])}-{r.randrange(100):02d}"
    return r.choice([
        ("url", f.url() + f.uri_path()), ("website", f.domain_name()), ("image url", f"https://cdn.{f.domain_name()}/{r.getrandbits(64):x}.jpg"), ("user agent", f.user_agent()), ("file name", f.file_name()), ("path", f.file_path()),
        ("mime type", f.mime_type()), ("host", host), ("hostname", host + "." + r.choice(["eu-west-1.compute.internal", "local", "example.net", "svc.cluster.local"])), ("server", host), ("timezone", f.timezone()), ("currency", f.currency_code()), ("currency name", f.currency_name()),
        ("ip address", f.ipv4()), ("ip", f.ipv4()), ("mac address", f.mac_address()), ("geolocation", f"({f.latitude()}, {f.longitude()})"), ("coordinates", f"{f.latitude()},{f.longitude()}"), ("color code", f.hex_color()),
        ("event", r.choice(["user_signed_up", "order.created", "page_view", "contact.updated", "email_sent", "addressChanged"])), ("object", r.choice(["customer", "list", "charge", "event", "user", "Account", "Contact", "address"])),
        ("domain", f.domain_name()), ("slug", f.slug()), ("version", f"{r.randrange(9)}.{r.randrange(30)}.{r.randrange(9)}"), ("payload", '{"id": %d, "ok": true, "n": %d}' % (r.randrange(10**6), r.randrange(99))), ("cron", "0 */6 * * *"), ("query", f"SELECT id FROM {f.word()}s WHERE {f.word()} > {r.randrange(100)}"),
        ("error", r.choice(["Connection refused", "NullPointerException at com.acme.Main.run(Main.java:%d)" % r.randrange(999), "timeout after %d ms" % r.randrange(9999), "404 Not Found"])), ("duration", f"PT{r.randrange(60)}M"), ("schedule", r.choice(["Mon-Fri 9:00-17:00", "weekends", "24/7", "mornings"])),
        ("history age", f"{r.randrange(40)} years and {r.randrange(12)} months"), ("card number", "**** **** **** " + letters(r, "####")), ("last4", letters(r, "####")), ("phone", "***-***-" + letters(r, "####")), ("email hash", f"{r.getrandbits(128):032x}"), ("email domain", f.domain_name()), ("phone country code", "+" + str(r.randrange(1, 99))),
        ("size", f"{r.randrange(9)}x{r.randrange(9)} cm"), ("mask", f"__{r.randrange(10**5)}__"), ("permissions", "read,write"), ("encoding", "utf-8"), ("bio", f.sentence()), ("description", f.paragraph(2)), ("summary", f.catch_phrase()), ("slogan", f.bs()), ("comment", f.sentence()), ("title", f.sentence(4).rstrip("."))])


def plain_cell(r, f):
    """(column, value)"""
    u = r.random()
    if u < 0.46:
        kind = r.choice(list(COLUMNS))
        column = r.choice(COLUMNS[kind]) if r.random() < 0.9 else f"{r.choice(NOUN)} {r.choice(COLUMNS[kind])}"
        value = r.choice(WORDS[kind])
        v = r.random()
        if kind == "job" and v < 0.5:
            value = f.job()
        elif kind == "product" and v < 0.6:
            value = f"{f.word().capitalize()} {value}" + (f" {r.randrange(100)}{r.choice(['ml', 'cm', 'GB', ' pack', ''])}" if v < 0.2 else "")
        elif kind == "colour" and v < 0.4:
            value = f.color_name()
        elif kind == "language" and v < 0.4:
            value = f.language_name()
        elif kind == "country" and v < 0.4:
            value = f.country()
        elif kind in ("thing", "category") and v < 0.25:
            value = " ".join(f.words(r.randrange(1, 4))).capitalize()
        if r.random() < 0.08:
            value += r.choice([", ", " / ", "; "]) + r.choice(WORDS[kind])
        if r.random() < 0.15:
            value = value.replace(" ", "_")
        return column, value
    if u < 0.62:
        return (r.choice(MEASURE) if r.random() < 0.5 else r.choice(NUMBER).format(r.choice(NOUN))), number(r)
    if u < 0.74:
        return r.choice(CODE), code(r, f)
    return technical(r, f)
