"""Gold sentences with names: Broad Twitter Corpus, WNUT-17 and WikiGold, their labels put onto ours."""
import re

from values import CITIES
from dev import columns

TIGHT = re.compile(r" ([,.;:!?%)\]}]|n't|'s|'re|'m|'ll|'ve|'d)(?= |$)|([(\[{$#]|@(?= \w)) ")
STATES = set("alabama alaska arizona california colorado connecticut delaware florida georgia idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana nebraska nevada ohio oklahoma oregon pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming bavaria saxony ontario quebec queensland".split())
PLACES = {c.lower() for c in CITIES}
COUNTRIES = set("germany france england uk usa us u.s. america china japan india brazil spain italy russia canada mexico australia ireland scotland israel iran iraq syria europe africa asia egypt turkey poland sweden".split())


def sentences(folder):
    """(text, spans); a span's label may be '?': nobody knows, so nothing is learnt there."""
    files = ["btc/btc.train", "btc/btc.dev", "wnut17/wnut17train.conll", "wnut17/emerging.dev.conll", "wikigold/wikigold.conll.txt"]
    for f in files:
        for text, gold in columns(folder / f):
            yield f.split("/")[0], text, list(relabel(text, gold))


def relabel(text, gold):
    taken = []
    for a, b, kind in gold:
        kind = kind.upper()
        if kind in ("PER", "PERSON"):
            if text[:a].rstrip()[-1:] == "@" or text[a] == "@":
                a = text.rindex("@", 0, a + 1)
                taken.append((a, b))
                yield a, b, "USERNAME"
                continue
            cut = text.rfind(" ", a, b)
            taken.append((a, b))
            if cut > 0:
                yield a, cut, "GIVEN_NAME"
                yield cut + 1, b, "SURNAME"
            else:
                yield a, b, "NAME"
        elif kind in ("LOC", "LOCATION"):
            taken.append((a, b))
            word = text[a:b].lower()
            if word not in COUNTRIES:
                yield a, b, "CITY" if word in PLACES else "STATE" if word in STATES else "?"
        elif kind in ("ORG", "CORPORATION"):
            taken.append((a, b))
            yield a, b, "ORGANIZATION"
        elif kind in ("GROUP", "CREATIVE-WORK", "CREATIVE_WORK"):
            taken.append((a, b))
            yield a, b, "?"
    for m in re.finditer(r"(?<!\S)@\w+", text):
        if not any(a < m.end() and b > m.start() for a, b in taken):
            yield m.start(), m.end(), "USERNAME"


def tighten(text, spans):
    """Undo the corpora's spaces around punctuation."""
    keep = [True] * len(text)
    for m in TIGHT.finditer(text):
        keep[m.end() - 1 if m.group(2) else m.start()] = False
    place, n = [], 0
    for k in keep:
        place.append(n)
        n += k
    place.append(n)
    return "".join(c for c, k in zip(text, keep) if k), [(place[a], place[b], t) for a, b, t in spans]


def swap_names(text, spans, values):
    """The same sentence with invented people in it."""
    pieces, at, locale = [], 0, values.locale()
    for a, b, t in sorted(spans):
        pieces.append((text[at:a], None))
        new = {"GIVEN_NAME": values.given, "SURNAME": values.surname}.get(t)
        if t == "NAME":
            t, new = values.r.choice([("GIVEN_NAME", values.given), ("SURNAME", values.surname)])
        pieces.append((new(locale) if new else text[a:b], t))
        at = b
    return pieces + [(text[at:], None)]
