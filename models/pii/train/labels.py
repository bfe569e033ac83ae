"""The tagger's labels and how the base model's labels fall on them."""
TYPES = ("GIVEN_NAME SURNAME STREET_ADDRESS CITY STATE POSTCODE GOVERNMENT_ID BANK_ACCOUNT CREDIT_CARD DATE_OF_BIRTH "
         "USERNAME EMAIL PHONE ORGANIZATION").split()
LABELS = ["O"] + [f"{p}-{t}" for t in TYPES for p in "BI"]
INDEX = {l: i for i, l in enumerate(LABELS)}

BASE_TYPE = {"TAX_ID": "GOVERNMENT_ID", "PASSPORT": "GOVERNMENT_ID", "DRIVERS_LICENSE": "GOVERNMENT_ID",
             "BUILDING_NUMBER": "STREET_ADDRESS", "STREET_NAME": "STREET_ADDRESS", "SECONDARY_ADDRESS": "STREET_ADDRESS",
             "ROUTING_NUMBER": "BANK_ACCOUNT", "ZIP_CODE": "POSTCODE", "URL": None}


def base_groups(base_labels):
    """For each of our labels the base's labels that mean it; empty for the kinds the base does not know."""
    groups = [[] for _ in LABELS]
    for i, name in enumerate(base_labels):
        if name == "O":
            groups[0].append(i)
            continue
        prefix, kind = name.split("-")
        kind = BASE_TYPE.get(kind, kind)
        groups[INDEX[f"{prefix}-{kind}"] if kind else 0].append(i)
    return groups
