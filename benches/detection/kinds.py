"""One name for what the detectors and the labelled sets call by many."""

# Labels of the sets of sentences. What has no entry (titles, ages) is not scored.
GOLD = {
    "PERSON": "PERSON", "PER": "PERSON", "person": "PERSON",
    "STREET_ADDRESS": "LOCATION", "GPE": "LOCATION", "LOC": "LOCATION", "location": "LOCATION",
    "ZIP_CODE": "LOCATION", "ORGANIZATION": "ORG", "ORG": "ORG", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL",
    "CREDIT_CARD": "CREDIT_CARD", "IBAN_CODE": "IBAN", "US_SSN": "SSN", "IP_ADDRESS": "IP", "DATE_TIME": "DATE",
    "US_DRIVER_LICENSE": "DL", "DOMAIN_NAME": "URL", "NRP": "NRP",
}

PRESIDIO = {
    "PERSON": "PERSON", "LOCATION": "LOCATION", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL",
    "CREDIT_CARD": "CREDIT_CARD", "IBAN_CODE": "IBAN", "US_SSN": "SSN", "IP_ADDRESS": "IP", "DATE_TIME": "DATE",
    "ORGANIZATION": "ORG", "URL": "URL", "NRP": "NRP", "US_DRIVER_LICENSE": "DL",
}

MIDFLIGHT = {
    "PERSON": "PERSON", "STREET_ADDRESS": "LOCATION", "CITY": "LOCATION", "STATE": "LOCATION", "POSTCODE": "LOCATION",
    "PHONE": "PHONE", "EMAIL": "EMAIL", "CREDIT_CARD": "CREDIT_CARD", "IBAN": "IBAN", "BANK_ACCOUNT": "IBAN",
    "US_SSN": "SSN", "US_ITIN": "SSN", "GOVERNMENT_ID": "SSN", "IP_ADDRESS": "IP", "DATE_OF_BIRTH": "DATE",
    "ORGANIZATION": "ORG", "DRIVING_LICENCE": "DL",
}

# In tweets a handle is labelled as the person it stands for.
HANDLES = {**MIDFLIGHT, "USERNAME": "PERSON"}

# The types of sentences that are scored, where a set has them.
TEXT = ["PERSON", "LOCATION", "PHONE", "CREDIT_CARD", "EMAIL", "IBAN", "SSN", "IP"]

# The types of cells that are scored, and what a street address is called in sentences.
CELLS = ["PERSON", "ADDRESS", "PHONE", "EMAIL", "CREDIT_CARD", "SSN", "IP"]
IN_CELLS = {"LOCATION": "ADDRESS"}

# Labels of cells that are neither a find nor a false alarm: where, when, who by group, and what nobody labelled.
SOFT = {"PLACE", "GEO", "DATE", "ORG", "DEMOG", "SKIP"}


def coarse(found, names):
    """Spans under the common names; a kind without one keeps its own, in a space of its own."""
    return [(start, end, names.get(kind, "other:" + kind)) for start, end, kind in found]
