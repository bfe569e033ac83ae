"""Cases small enough to count by hand, for the alignment and the scoring.

    python3 -m unittest discover benches/detection
"""
import pathlib
import random
import tempfile
import unittest

import align
import data
import kinds
import scoring
import zero_config


class Alignment(unittest.TestCase):
    def lay(self, before, after, found, how="exact"):
        """`found` holds the texts that were replaced, with their kinds."""
        spans, surely = align.spans(before, after)
        self.assertEqual([(before[start:end], kind) for start, end, kind in spans], found)
        self.assertEqual(surely, how)

    def test_nothing_changed(self):
        self.lay("a <EMAIL> b", "a <EMAIL> b", [], "same")

    def test_whole_value(self):
        self.lay("Ann Lee", "<PERSON>", [("Ann Lee", "PERSON")])

    def test_in_a_sentence(self):
        self.lay("Mail bob@x.org or call 555 1234.", "Mail <EMAIL> or call <PHONE>.",
                 [("bob@x.org", "EMAIL"), ("555 1234", "PHONE")])

    def test_a_literal_that_stands_inside_a_span(self):
        self.lay("call 555 or 1 or 777 or 2 now", "call <PHONE> or 2 now", [("555 or 1 or 777", "PHONE")])

    def test_kinds_decide_where_to_cut(self):
        self.lay("Ann Maria Lee 555 12 34", "<PERSON> <PHONE>", [("Ann Maria Lee", "PERSON"), ("555 12 34", "PHONE")])
        self.lay("555 12 34 Ann Lee", "<PHONE> <PERSON>", [("555 12 34", "PHONE"), ("Ann Lee", "PERSON")])

    def test_nothing_between_placeholders(self):
        self.lay("bob@x.org(555)1234", "<EMAIL><PHONE>", [("bob@x.org", "EMAIL"), ("(555)1234", "PHONE")])

    def test_words_are_not_cut(self):
        self.lay("a man and Ann an other", "a man and <PERSON> an other", [("Ann", "PERSON")])
        self.lay("Jo, Joanna, x", "<PERSON>, <PERSON>, x", [("Jo", "PERSON"), ("Joanna", "PERSON")])

    def test_the_texts_own_brackets(self):
        self.lay("reply to <EMAIL>: bob@x.org", "reply to <EMAIL>: <EMAIL>", [("bob@x.org", "EMAIL")])
        self.lay("From: Bob <bob@x.org>", "From: Bob <<EMAIL>>", [("bob@x.org", "EMAIL")])

    def test_several_ways_are_reported(self):
        spans, how = align.spans("Ann Lee Kim", "<PERSON> <PERSON>")
        self.assertEqual(how, "tied")
        self.assertEqual((spans[0][0], spans[-1][1], len(spans)), (0, 11, 2))

    def test_far_apart(self):
        secret = "x" * 5000
        self.lay(f"key {secret} end", "key <PRIVATE_KEY> end", [(secret, "PRIVATE_KEY")])

    def test_no_way_fits(self):
        self.lay("call 555 1234 now", "call ######## now", [("555 1234", "UNKNOWN")], "guessed")

    def test_what_is_recovered_gives_the_text_again(self):
        """Random spans of random words: laid back, they give exactly the text after; most are found to the letter."""
        words = ["Ann", "Lee", "5551234", "bob@x.org", "or", "and", "(", "<PHONE>", "a", "12 34", "Bonn,", "Zoë"]
        kinds_of = {"Ann": "PERSON", "Lee": "PERSON", "Zoë": "PERSON", "5551234": "PHONE", "12 34": "PHONE",
                    "bob@x.org": "EMAIL", "Bonn,": "CITY"}
        dice, right, all_of_them = random.Random(7), 0, 0
        for _ in range(2000):
            chosen = dice.choices(words, k=dice.randrange(1, 14))
            before, after, true = "", "", []
            for word in chosen:
                if word in kinds_of and dice.random() < 0.6:
                    true.append((len(before), len(before) + len(word), kinds_of[word]))
                    after += f"<{kinds_of[word]}> "
                else:
                    after += word + " "
                before += word + " "
            found, how = align.spans(before, after)
            self.assertNotEqual(how, "guessed")
            for start, end, kind in reversed(found):
                before = before[:start] + f"<{kind}>" + before[end:]
            self.assertEqual(before, after)
            right += found == true
            all_of_them += 1
        self.assertGreater(right / all_of_them, 0.95)

    def test_unicode(self):
        self.lay("Grüße, Zoë 🙂 zoe@x.org", "Grüße, <PERSON> 🙂 <EMAIL>", [("Zoë", "PERSON"), ("zoe@x.org", "EMAIL")])


class Sentences(unittest.TestCase):
    def score(self, text, gold, found, kind="PERSON"):
        return scoring.sentences([data.Sentence(text, gold)], [found], [kind])[kind]

    def test_neighbours_are_one(self):
        row = self.score("Ann Lee went", [(0, 7, "PER")], [(0, 3, "PERSON"), (4, 7, "PERSON")])
        self.assertEqual((row["found"], row["strict"], row["f50"]), (1, 1, 1.0))

    def test_other_types_are_not_joined(self):
        row = self.score("a@x.org b@x.org", [(0, 7, "EMAIL_ADDRESS"), (8, 15, "EMAIL_ADDRESS")], [(0, 7, "EMAIL")], "EMAIL")
        self.assertEqual((row["gold"], row["found"], row["r50"], row["p50"]), (2, 1, 0.5, 1.0))

    def test_half_counts_less_does_not(self):
        gold = [(0, 10, "PER")]
        self.assertEqual(self.score("abcdefghij klm", gold, [(0, 5, "PERSON")])["r50"], 1.0)
        self.assertEqual(self.score("abcdefghij klm", gold, [(0, 4, "PERSON")])["r50"], 0.0)
        self.assertEqual(self.score("abcdefghij klm", gold, [(0, 4, "PERSON")])["p50"], 1.0)

    def test_masked_characters_of_any_type(self):
        row = self.score("Ann Lee", [(0, 7, "PER")], [(0, 3, "EMAIL")])
        self.assertEqual((row["characters"], row["masked"], row["f50"]), (6, 3, 0.0))

    def test_micro_is_over_all_spans(self):
        sentences = [data.Sentence("Ann 10.0.0.1", [(0, 3, "PERSON"), (4, 12, "IP_ADDRESS")])]
        row = scoring.sentences(sentences, [[(4, 12, "IP"), (0, 1, "IP")]], ["PERSON", "IP"])["MICRO"]
        self.assertEqual((row["gold"], row["found"], row["p50"], row["r50"]), (2, 2, 0.5, 0.5))


class Cells(unittest.TestCase):
    RECORDS = [
        data.Record("s", {"name": "Ann Lee", "job": "nurse", "city": "Rome", "mail": "a@x.org"},
                    {"name": "PERSON", "job": "NONE", "city": "PLACE", "mail": "EMAIL"}),
        data.Record("s", {"name": "Bo", "job": "cook", "city": "Bonn", "mail": ""},
                    {"name": "PERSON", "job": "NONE", "city": "PLACE", "mail": "EMAIL"}),
    ]
    FOUND = [
        {"name": [(0, 3, "PERSON"), (5, 7, "LOCATION")], "city": [(0, 4, "LOCATION")], "mail": [(0, 3, "EMAIL")]},
        {"job": [(0, 1, "LOCATION")]},
    ]

    def setUp(self):
        self.cells = scoring.cells(self.RECORDS, self.FOUND)

    def test_recall_and_false_alarms(self):
        total = scoring.score_cells(self.cells)["all"]
        # Three cells: `Ann Lee` is 3 of 7 typed and 5 of 7 covered, `a@x.org` 3 of 7, `Bo` nothing. `cook` is an alarm.
        self.assertEqual((total["cells"], total["typed"], total["any"]), (3, 0, 1 / 3))
        self.assertEqual((total["plain"], total["false"], total["precision"]), (2, 1, 0.5))

    def test_soft_labels_are_not_scored(self):
        self.assertEqual(scoring.score_cells(self.cells)["types"]["ADDRESS"]["cells"], 0)
        self.assertNotIn("s.city", scoring.score_cells(self.cells)["worst"])

    def test_confusion_takes_the_main_kind(self):
        table = scoring.score_cells(self.cells)["confusion"]
        self.assertEqual(table["PERSON"], {"PERSON": 1, "-": 1})
        self.assertEqual(table["NONE"], {"-": 1, "ADDRESS": 1})

    def test_worst_columns(self):
        table = scoring.score_cells(self.cells)["worst"]
        self.assertEqual((table["s.name"]["misses"], table["s.job"]["false"]), (2, 1))

    def test_overlapping_findings_count_once(self):
        record = data.Record("s", {"a": "abcdef"}, {"a": "PERSON"})
        cell = scoring.cells([record], [{"a": [(0, 2, "PERSON"), (0, 2, "PERSON"), (1, 2, "PHONE")]}])[0]
        self.assertFalse(scoring.typed(cell))
        self.assertFalse(scoring.half(cell, cell.found))

    def test_columns_vote(self):
        result = scoring.score_columns(self.cells)
        # name: one of two cells; job: one of two, falsely; mail: the empty cell has no vote.
        self.assertEqual((result["personal"], result["plain"], result["flagged"]), (2, 1, 2))
        self.assertEqual(result["false"], {"s.job": "ADDRESS"})
        self.assertEqual(result["recall"], 1.0)
        self.assertAlmostEqual(result["precision"], 2 / 3)

    def test_kinds_without_a_common_name(self):
        self.assertEqual(kinds.coarse([(0, 1, "JWT"), (1, 2, "CITY")], kinds.MIDFLIGHT),
                         [(0, 1, "other:JWT"), (1, 2, "LOCATION")])
        record = data.Record("s", {"a": "abc"}, {"a": "NONE"})
        total = scoring.score_cells(scoring.cells([record], [{"a": [(0, 3, "other:JWT")]}]))["all"]
        self.assertEqual((total["false"], total["false_any_kind"]), (0, 1))


class Readers(unittest.TestCase):
    def read(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, name)
            path.write_text(text, encoding="utf8")
            return data.load(folder)

    def test_words_and_tags(self):
        _, sets = self.read("btc.test", "@\tB-PER\ncolgo\tB-PER\nhey\tO\n\nin\tO\nNew\tB_LOC\nYork\tI_LOC\n")
        self.assertEqual(sets["btc"], [("@ colgo hey", [(0, 1, "PER"), (2, 7, "PER")]),
                                       ("in New York", [(3, 11, "LOC")])])
        self.assertEqual(scoring.merge("@ colgo hey", [(0, 1, "PERSON"), (2, 7, "PERSON")]), [(0, 7, "PERSON")])

    def test_universal(self):
        _, sets = self.read("x_ewt.iob2", "# text = Ann's dog\n1\tAnn\tB-PER\t-\n2\t's\tO\t-\n3\tdog\tO\t-\n\n")
        self.assertEqual(sets["uner-ewt"], [("Ann's dog", [(0, 3, "PER")])])

    def test_records(self):
        records, _ = self.read("r.jsonl", '{"stream": "s", "record": {"a": "1"}, "pii": {"a": "NONE"}}\n')
        self.assertEqual(records, [("s", {"a": "1"}, {"a": "NONE"})])


class ByColumn(unittest.TestCase):
    def test_nested_values_and_numbers(self):
        before = {"id": 7, "to": {"mail": "a@x.org", "tags": ["Ann", "b"]}, "note": "", "gone": "x", "year": 1999}
        after = {"id": 7, "to": {"mail": "<EMAIL>", "tags": ["<PERSON>", "b"]}, "note": "", "year": "<DATE_OF_BIRTH>"}
        columns = zero_config.compare([("s", before, after)], {"s.to.mail": "EMAIL"}.get)
        self.assertEqual({name: (c.values, c.masked, dict(c.kinds)) for name, c in columns.items()}, {
            "s.id": (1, 0, {}), "s.to.mail": (1, 1, {"EMAIL": 1}), "s.to.tags": (2, 1, {"PERSON": 1}),
            "s.gone": (1, 1, {"removed": 1}), "s.year": (1, 1, {"DATE_OF_BIRTH": 1})})
        self.assertEqual(columns["s.to.mail"].label, "EMAIL")


if __name__ == "__main__":
    unittest.main()
