"""Finds which parts of a text were replaced by placeholders such as <EMAIL>, from the text before and after.

The text after is cut into placeholders and what stands between them, and the pieces are laid on the text before in
order. Several ways of laying them often fit: `Ann Lee 5551234` may have become `<PERSON> <PHONE>` at either blank.
The cheapest way wins: a word is rarely cut in two, an e-mail address holds one @ and no blank, a telephone number
has digits. What looks like a placeholder may also be the text's own, and then costs nothing.
"""
import re

PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9_]*)>")
ADDRESS = re.compile(r"[^@]+@.*\.[A-Za-z]{2,}")
REACH = 200  # a span is first looked for within this many characters, then without a limit

ONE_WORD = {"EMAIL", "IP_ADDRESS", "MAC_ADDRESS", "URL_CREDENTIALS", "USERNAME", "API_KEY", "JWT", "CRYPTO_ADDRESS"}
WORDS = {"PERSON", "CITY", "STATE", "ORGANIZATION"}
DIGITS = {"PHONE", "CREDIT_CARD", "US_SSN", "CARD_SECURITY_CODE"}
FREE = {"STREET_ADDRESS", "PRIVATE_KEY", "BEARER_TOKEN"}


def spans(before, after):
    """([(start, end, kind)], how): how is "same", "exact", "tied" (several ways cost the same) or "guessed"."""
    if before == after:
        return [], "same"
    pieces = cut(after)
    for reach in (REACH, len(before)):
        found = Layout(before, pieces, reach).cheapest()
        if found:
            return found
    return guess(before, after)


def cut(after):
    """Literals and placeholders in turn: [(text, kind or None)], empty literals left out."""
    pieces, at = [], 0
    for match in PLACEHOLDER.finditer(after):
        if match.start() > at:
            pieces.append((after[at:match.start()], None))
        pieces.append((match.group(), match.group(1)))
        at = match.end()
    if at < len(after):
        pieces.append((after[at:], None))
    return pieces


class Layout:
    """The search for the cheapest way, one piece after another over the places it may end at."""

    def __init__(self, before, pieces, reach):
        self.text, self.pieces, self.reach = before, pieces, reach
        self.count = {name: running(before, test) for name, test in TESTS.items()}

    def cheapest(self):
        reached = [{0: (0.0, 1, None, None)}]  # place: (cost, ways of that cost, place before, span's kind)
        for index, (literal, kind) in enumerate(self.pieces):
            step = {}
            for at, (cost, ways, *_) in reached[-1].items():
                if self.text.startswith(literal, at):
                    self.offer(step, at + len(literal), cost, ways, at, None)
                if kind:
                    for end in self.ends(index, at):
                        self.offer(step, end, cost + self.cost(kind, at, end), ways, at, kind)
            if not step:
                return None
            reached.append(step)
        return self.walk_back(reached) if len(self.text) in reached[-1] else None

    @staticmethod
    def offer(step, end, cost, ways, at, kind):
        known = step.get(end)
        if known is None or cost < known[0] - 1e-9:
            step[end] = (cost, ways, at, kind)
        elif cost < known[0] + 1e-9:
            step[end] = (known[0], known[1] + ways, known[2], known[3])

    def ends(self, index, at):
        """Where a span from `at` may end: wherever the next piece can begin."""
        limit = min(len(self.text), at + self.reach)
        if index + 1 == len(self.pieces):
            return [len(self.text)] if at < len(self.text) <= limit else []
        literal, kind = self.pieces[index + 1]
        if kind:
            return range(at + 1, limit + 1)
        found, place = [], self.text.find(literal, at + 1)
        while 0 <= place <= limit:
            found.append(place)
            place = self.text.find(literal, place + 1)
        return found

    def walk_back(self, reached):
        at, found = len(self.text), []
        ways = reached[-1][at][1]
        for step in reversed(reached[1:]):
            start, kind = step[at][2:]
            if kind:
                found.append((start, at, kind))
            at = start
        return found[::-1], "exact" if ways == 1 else "tied"

    def cost(self, kind, start, end):
        """How unlike its kind a span is; 1 for one without a flaw."""
        text = self.text
        cost = 1.0
        cost += 3 * (start > 0 and text[start - 1].isalnum() and text[start].isalnum())
        cost += 3 * (end < len(text) and text[end - 1].isalnum() and text[end].isalnum())
        cost += 2 * text[start].isspace() + 2 * text[end - 1].isspace()
        cost += 0.5 * (not text[end - 1].isalnum() and text[end - 1] != ")")
        digits, letters, blanks, ats = (self.inside(name, start, end) for name in TESTS)
        if kind == "EMAIL":
            cost += 5 * abs(ats - 1) + 5 * (not ADDRESS.fullmatch(text, start, end))
        elif kind not in FREE and kind != "URL_CREDENTIALS":
            cost += 5 * ats
        if kind in ONE_WORD:
            cost += 4 * blanks
        elif kind in WORDS:
            cost += 2 * digits + 0.1 * (blanks == 0)  # of two ways alike otherwise, the one that gives a name two words
        elif kind == "STREET_ADDRESS":
            cost += digits == 0
        elif kind not in FREE:
            cost += 10 * (digits == 0) + (not text[start].isalnum() and text[start] not in "+(") + letters * (0.5 if kind in DIGITS else 0.1)
        return cost

    def inside(self, name, start, end):
        return self.count[name][end] - self.count[name][start]


TESTS = {"digits": str.isdigit, "letters": str.isalpha, "blanks": str.isspace, "ats": "@".__eq__}


def running(text, test):
    """How many of the first n characters pass the test, for every n."""
    counts, total = [0], 0
    for character in text:
        total += bool(test(character))
        counts.append(total)
    return counts


def guess(before, after):
    """No way fits: what differs in the middle counts as one span, of the first placeholder's kind."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    stop = len(before) - end
    match = PLACEHOLDER.search(after)
    if stop <= start:
        return [], "guessed"
    return [(start, stop, match.group(1) if match else "UNKNOWN")], "guessed"
