"""What the classifier sees of a column: hashed features of its stream, its parents and its own name.

`src/detect/column/features.rs` does the same, byte for byte; `check.tsv` is the test of that. A change here
is a change there, and a new training run.
"""

TABLE_BITS = 15

# Words that say nothing by themselves: `phones.value`. The words before them do.
EMPTY = frozenset(
    "value text raw formatted string data number nr num no field current primary main original normalized".split()
)
# Parents that only hold fields: in `customers: properties.name` the stream is whose name it is.
BOXES = frozenset(
    "attribute property field data value detail merge meta metadata record item payload info result node".split()
)
# Accented letters, and the plain one each counts as.
FOLD = {
    accented: plain
    for plain, row in [
        ("a", "àáâãäåāăą"), ("c", "çćĉċč"), ("d", "ďđ"), ("e", "èéêëēĕėęě"), ("g", "ĝğġģ"), ("h", "ĥħ"),
        ("i", "ìíîïĩīĭįı"), ("k", "ķ"), ("l", "ĺļľŀł"), ("n", "ñńņň"), ("o", "òóôõöøōŏő"), ("r", "ŕŗř"),
        ("s", "śŝşš"), ("t", "ţťŧ"), ("u", "ùúûüũūŭůűų"), ("y", "ýÿŷ"), ("z", "źżž"),
    ]
    for accented in row
}


def lower(char):
    """The small letter; a character with none, or with several, stays."""
    small = char.lower()
    return small if len(small) == 1 else char


def words(name):
    """The words of a name in small plain letters. A run of digits is the word `#`."""
    found, word, before = [], "", " "
    for at, char in enumerate(name):
        if "\u0300" <= char <= "\u036f":
            continue  # an accent on its own
        small = lower(char)
        if "0" <= char <= "9":
            sort = "0"
        elif "a" <= small <= "z" or char >= "\x80":
            sort = "a" if char == small else "A"
        else:
            sort = " "
        after = name[at + 1 : at + 2]
        begins = sort != before and (sort != "a" or before != "A") or (
            sort == "A" and before == "A" and after != "" and after.isascii() and after.islower()
        )
        if begins and word:
            found.append(word)
            word = ""
        if sort == "0":
            word = "#"
        elif sort != " ":
            word += FOLD.get(small, small)
        before = sort
    if word:
        found.append(word)
    return found


def stem(word):
    """The singular, roughly."""
    if len(word) < 4 or word.endswith("ss") or not word.endswith("s"):
        return word
    if word.endswith("sses"):
        return word[:-2]
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]


def segments(path):
    """The words of each key of a path. Keys without a letter, as the places of arrays, are left out."""
    keys = [words(key) for key in path.replace("[", ".").replace("]", ".").split(".")]
    return [key for key in keys if any(word != "#" for word in key)]


def features(stream, path):
    """The features as byte strings; one may occur several times."""
    source = [stem(word) for word in words(stream)]
    keys = segments(path) or [["#"]]
    leaf = keys[-1]
    parents = [[stem(word) for word in key] for key in keys[:-1]]
    own = [stem(word) for word in leaf]
    above = next((key for key in reversed(parents) if not all(word in BOXES for word in key)), source)
    name = own
    if all(word in EMPTY or word == "#" for word in own):
        name = above + own
    whole = "_".join(name)
    noun = above[-1] if above else ""

    out = [f"w{word}" for word in name]
    out += [f"b{one}_{two}" for one, two in zip(name, name[1:])]
    out += [f"p{word}" for key in parents for word in key]
    out += [f"s{word}" for word in source]
    out += [f"f{name[0]}", f"l{name[-1]}", f"t{own[-1]}", f"L{whole}", f"C{''.join(leaf)}"]
    out += [f"P{noun}|{whole}", f"R{noun}|{own[-1]}", f"q{noun}", f"n{min(len(name), 4)}"]
    padded = f"_{whole}_"
    for size in (3, 4, 5):
        out += [f"g{padded[at : at + size]}" for at in range(len(padded) - size + 1)]
    return [feature.encode() for feature in out]


def bucket(feature):
    """FNV-1a over the bytes, folded to the table."""
    hashed = 0x811C9DC5
    for byte in feature:
        hashed = ((hashed ^ byte) * 0x01000193) & 0xFFFFFFFF
    return (hashed ^ hashed >> TABLE_BITS) & ((1 << TABLE_BITS) - 1)
