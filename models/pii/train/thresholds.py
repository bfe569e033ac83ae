"""What a confidence is worth: precision and recall of each kind at several thresholds on the development sets.

usage: thresholds.py --data DIR MODEL.onnx
"""
import argparse
import collections
import pathlib

import dev
import tagger

STEPS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
HERE = pathlib.Path(__file__).resolve().parent


def text_rows(t, rows):
    """(kind, confidence, right) of every find, and the number of gold spans a kind."""
    finds, gold_count = [], collections.Counter()
    for (text, gold), spans in zip(rows, t.spans(["text: " + text for text, _ in rows])):
        gold = [(a, b, dev.GOLD.get(k)) for a, b, k in gold]
        gold_count.update(k for *_, k in gold if k)
        for a, b, kind, c in spans:
            if a >= 6:
                ours = dev.OURS.get(kind, kind)
                finds.append((kind, c, dev.covered((a - 6, b - 6, ""), [g for g in gold if g[2] == ours])))
    return finds, gold_count


def cell_rows(t, path):
    """Figures of the cells at each threshold."""
    for threshold in STEPS:
        t.default = threshold
        yield threshold, dev.cell_scores(path, t.spans)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    args = parser.parse_args()
    folder = args.data / "pii/dev"
    t = tagger.Tagger(str(args.model), str(HERE.parent / "tokenizer.json"), default=0.0)
    sets = {"synth": dev.presidio(folder / "presidio-research/synth_dataset_v2.json"), "prose": dev.columns(folder / "uner-ewt/en_ewt-dev.iob2", True)}
    for name, rows in sets.items():
        finds, gold = text_rows(t, rows)
        for kind in sorted({k for k, *_ in finds}):
            mine = [(c, ok) for k, c, ok in finds if k == kind]
            shown = [f"{s}: {sum(ok for c, ok in mine if c >= s)}/{sum(c >= s for c, _ in mine)}" for s in STEPS]
            print(f"{name:6} {kind:15} right/found at", "  ".join(shown), f" gold {gold[dev.OURS.get(kind, kind)]}")
    for s, f in cell_rows(t, folder / "records/records.jsonl"):
        print(f"cells  at {s}: typed {f['typed']:.4f} false {f['false']:.4f} F1 {f['F1']:.4f}", {k: round(v, 3) for k, v in f["by type"].items()})


if __name__ == "__main__":
    main()
