"""The texts that the student learns from: WordNet, technical prose, dialogue, short business texts, made-up people and noise.

Every text is drawn with a fixed seed, so the same packages give the same list. One synset in twenty is held out:
`held_out` returns those, for measuring only.
"""
import random
import re
from datetime import datetime
from pathlib import Path

from faker import Faker

HELD_OUT = 20
LAST_DAY = datetime(2026, 1, 1)  # not today: the texts must not depend on when they are made
PHRASES = Path(__file__).parent / "phrases.txt"


def synsets(folder):
    """(number, lemmas, definition, examples) of every synset, in file order."""
    number = 0
    for part in ("noun", "verb", "adj", "adv"):
        for line in (Path(folder) / f"data.{part}").read_text("utf-8", "replace").splitlines():
            if line.startswith("  "):
                continue
            fields, _, gloss = line.partition(" | ")
            fields = fields.split()
            count = int(fields[3], 16)
            lemmas = [re.sub(r"\(\w+\)$", "", w).replace("_", " ") for w in fields[4 : 4 + 2 * count : 2]]
            definition = gloss.split('; "')[0].strip()
            yield number, lemmas, definition, re.findall(r'"([^"]{12,})"', gloss)
            number += 1


def of_synset(draw, lemmas, definition, examples):
    yield from examples
    if draw.random() < 0.5:
        yield definition
    elif draw.random() < 0.3:
        yield f"{draw.choice(lemmas)}: {definition}"
    if draw.random() < 0.3:
        yield draw.choice(lemmas)


def wordnet(folder, draw, held_out):
    for number, lemmas, definition, examples in synsets(folder):
        chosen = list(of_synset(draw, lemmas, definition, examples))
        if (number % HELD_OUT == 0) == held_out:
            yield from chosen


def dialogue(folder):
    """Lines of the English dialogue files; the format is a list of lists, one line an item."""
    for path in sorted(Path(folder).glob("*.yml")):
        for line in path.read_text("utf-8").splitlines():
            if path.stem != "coding" and line.startswith(("- -", "  -")) and len(line) > 12:
                yield line.strip("'\" -")


def prose(folder):
    """Sentences of reStructuredText pages: plain paragraphs only, markup reduced to its words."""
    for path in sorted(Path(folder).rglob("*.txt")):
        for block in re.split(r"\n\s*\n", path.read_text("utf-8")):
            if not re.match(r"[A-Z]", block) or "::" in block or re.search(r"[=~\-^]{4}", block):
                continue
            text = re.sub(r":[\w:]+:`~?!?([^`<]+?)(?: <[^`]*)?`|``?([^`]+?)(?:\s<[^`]*)?``?_*", r"\1\2", " ".join(block.split()))
            text = re.sub(r":\w+:|<[^>]*>|\*", "", text)
            for sentence in re.split(r"(?<=[.!?]) (?=[A-Z])", text):
                if 4 <= len(sentence.split()) <= 60:
                    yield sentence


def business(draw, count):
    lists, patterns = {}, []
    for line in PHRASES.read_text("utf-8").splitlines():
        name, mark, rest = line.partition(" = ")
        if mark:
            lists[name] = [item.strip() for item in rest.split("|")]
        elif line.strip() and not line.startswith("#"):
            patterns.append(line.strip())
    for _ in range(count):
        yield re.sub(r"\{(\w+)\}", lambda match: draw.choice(lists[match.group(1)]), draw.choice(patterns))


def people(count):
    """Names, firms, jobs and places, so that the table knows the pieces they are written with."""
    fake = Faker("en_US")
    fake.seed_instance(7)
    shapes = [
        lambda: f"{fake.name()}, {fake.job()}", lambda: f"{fake.job()} at {fake.company()}", lambda: f"{fake.first_name()} {fake.last_name()}",
        lambda: f"{fake.name()} lives in {fake.city()}, {fake.state()}", lambda: f"{fake.company()}: {fake.catch_phrase()}",
        lambda: f"{fake.city()}, {fake.country()}", lambda: f"{fake.first_name()} from {fake.company()} called about the {fake.bs()} project",
        lambda: fake.address().replace("\n", ", "), lambda: f"{fake.color_name()} {fake.job()}", lambda: fake.bs()]
    for at in range(count):
        yield shapes[at % len(shapes)]()


def noisy(draw, texts, count):
    """A text with what real columns carry beside the words: links, handles, numbers, dates, addresses."""
    fake = Faker("en_US")
    fake.seed_instance(8)
    code = lambda n: "".join(draw.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789", k=n))
    number = lambda: str(draw.randrange(10 ** draw.randint(2, 9)))
    shapes = [
        lambda t: f"{t} https://{fake.domain_name()}/{code(10)}", lambda t: f"@{fake.user_name()} {t}", lambda t: f"{t} #{code(6)}",
        lambda t: f"Order {number()}: {t}", lambda t: f"{t} (ref. {code(8)})", lambda t: f"{fake.date(end_datetime=LAST_DAY)} {t}", lambda t: f"{t} {fake.email()}",
        lambda t: f"{fake.name()}: {t}", lambda t: f"RT @{fake.user_name()}: {t} http://{fake.domain_word()}.co/{code(9)}",
        lambda t: f"{t} ${number()}", lambda t: f"[{number()}] {t.upper()}", lambda t: f"{t} !!! {code(3)} ...", lambda t: f"<p>{t}</p>",
        lambda t: f"{fake.phone_number()} {t}", lambda t: f"{number()} {code(5)} {number()}", lambda t: f'{{"note": "{t}", "id": {number()}}}']
    for text in draw.sample(texts, count):
        yield draw.choice(shapes)(text)


def texts(dictionary, talk, pages):
    draw = random.Random(7)
    out = list(wordnet(dictionary, draw, False)) + list(dialogue(talk)) + list(prose(pages)) + list(business(draw, 25_000)) + list(people(12_000))
    out += list(noisy(draw, out, 25_000))
    out += [f"{a}. {b}" for a, b in zip(draw.sample(out, 8_000), draw.sample(out, 8_000))]
    out = sorted(set(out))
    draw.shuffle(out)
    return out


def held_out(dictionary):
    return list(dict.fromkeys(wordnet(dictionary, random.Random(7), True)))
