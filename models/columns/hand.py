"""The examples written by hand: data/hand.yaml and the program's own lexicon, multiplied by their rules."""

import itertools
import random

import yaml

# How kinds of the program's lexicon count here; the others have no form that a name tells well enough.
LEXICON_KINDS = {
    "US_SSN": "GOVERNMENT_ID",
    "PASSPORT": "GOVERNMENT_ID",
    "DRIVING_LICENCE": "GOVERNMENT_ID",
    "IBAN": "BANK_ACCOUNT",
    "MAC_ADDRESS": "NONE",
    "CARD_SECURITY_CODE": "NONE",
    "API_KEY": "NONE",
}
LEXICON_LEFT_OUT = {"BANK_ROUTING", "LICENCE_PLATE", "VAT_NUMBER", "CRYPTO_ADDRESS"}


def examples(hand_file, lexicon_file, seed):
    """All examples as (stream, path, kind); the same for the same seed."""
    hand = yaml.load(hand_file.read_text(), yaml.BaseLoader)
    for rule in yaml.load(lexicon_file.read_text(), yaml.BaseLoader)["names"]:
        kind = LEXICON_KINDS.get(rule["kind"], rule["kind"])
        if kind not in LEXICON_LEFT_OUT:
            known = hand["names"][kind]
            known += [name for name in rule["columns"] if name not in known]
    dice = random.Random(seed)
    style = Style(dice)
    rows = [*plain(hand, dice), *owned(hand, dice), *nested(hand, dice), *single(hand), *meaningless(dice)]
    return [(style.write(stream), style.path(path), kind) for stream, path, kind in rows]


def plain(hand, dice):
    """Names that need no place, with words before them that change nothing, and words that make them none."""
    homes = hand["streams"] + hand["persons"] + hand["things"]
    for kind, names in hand["names"].items():
        for name in names:
            yield "", [name], kind
            yield from ((dice.choice(homes), [name], kind) for _ in range(4))
            yield dice.choice(homes), [dice.choice(hand["things"] + hand["persons"]), name], kind
            if kind == "NONE" or not name.isascii():
                continue
            for word in dice.sample(hand["qualifiers"], 5):
                yield dice.choice(homes), [f"{word} {name}"], kind
            for word in dice.sample(hand["about_last"], 10):
                yield dice.choice(homes), [f"{name} {word}"], "NONE"
            for word in dice.sample(hand["about_first"], 8):
                yield dice.choice(homes), [f"{word} {name}"], "NONE"


def owned(hand, dice):
    """Names that are a person's or a thing's, as their owner is."""
    for name, (owners, kind) in itertools.product(
        hand["person_names"], [(hand["persons"], "PERSON"), (hand["things"], "NONE")]
    ):
        for owner in owners:
            yield owner, [name], kind
            yield dice.choice(hand["streams"]), [owner, name], kind
            yield dice.choice(hand["things"]), [dice.choice(["attributes", "properties", "data"]), owner, name], kind
    for name, thing in itertools.product(hand["state_names"], hand["state_things"]):
        yield thing, [name], "NONE"
        yield dice.choice(hand["streams"]), [thing, name], "NONE"
    for stream, (kind, name) in itertools.product(hand["neutral"], hand["either"].items()):
        yield from [(stream, [name], kind), (stream, [name], "NONE")] * 2


def nested(hand, dice):
    """What stands below a parent that names the kind."""
    homes = hand["streams"] + hand["persons"] + hand["things"]
    for kind, rule in hand["under"].items():
        for parent in rule["parents"]:
            yield from ((dice.choice(homes), [parent, name], kind) for name in rule["of"] for _ in range(2))
            for name in dice.sample(hand["under_about"], 12):
                yield dice.choice(homes), [parent, name], "NONE"
    for kind, names in hand["address_fields"].items():
        for name, parent in itertools.product(names, hand["address_parents"]):
            yield dice.choice(homes), [parent, name], kind


def single(hand):
    """The ones listed one by one."""
    for rule in hand["paths"]:
        for at in rule["at"]:
            stream, path = at.split("|")
            yield stream, path.split("."), rule["kind"]


def meaningless(dice):
    """Names that mean nothing are none."""
    for _ in range(400):
        word = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.choice([1, 2, 2, 3, 3, 4, 6])))
        yield "", [word], "NONE"
        yield word, [dice.choice(["col", "column", "field", "f", "c", "var", "v", "attr", ""]) + f" {dice.randrange(99)}"], "NONE"


class Style:
    """Writes words as columns are written: home_phone, homePhone, HomePhone, home phone, HOME_PHONE, homephone."""

    def __init__(self, dice):
        self.dice = dice

    def write(self, name):
        parts = name.split()
        way = self.dice.choices(range(6), [6, 3, 1, 1, 1, 1.5])[0]
        if way == 0 or way == 4:
            return "_".join(parts).upper() if way == 4 else "_".join(parts)
        if way == 1 or way == 2:
            capitals = "".join(part.capitalize() for part in parts)
            return capitals[:1].lower() + capitals[1:] if way == 1 else capitals
        return " ".join(parts) if way == 3 else "".join(parts)

    def path(self, keys):
        return ".".join(self.write(key) for key in keys)
