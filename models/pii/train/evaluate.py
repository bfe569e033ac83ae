"""Figures of tagger files on the development sets, side by side.

usage: evaluate.py --data DIR MODEL.onnx [MODEL.onnx ...]      DIR holds pii/dev; tokenizer.json lies beside this folder
"""
import argparse
import pathlib
import time

import dev
import tagger

HERE = pathlib.Path(__file__).resolve().parent


def figures(model, data, tokenizer, verbose=False):
    """{name of figure: value} of one file."""
    t = tagger.Tagger(str(model), str(tokenizer))
    out, start = {}, time.process_time()
    sets = {"presidio": dev.presidio(data / "presidio-research/synth_dataset_v2.json"), "uner": dev.columns(data / "uner-ewt/en_ewt-dev.iob2", True),
            "wnut": dev.columns(data / "wnut17/emerging.test.annotated"), "btc": dev.columns(data / "btc/btc.test"), **{l: dev.bracketed(HERE / "heldout_de_pt.txt", l) for l in ("de", "pt")}}
    for name, rows in sets.items():
        spans = t.spans(["text: " + text for text, _ in rows])
        spans = [[(a - 6, b - 6, k, c) for a, b, k, c in s if a >= 6] for s in spans]
        found = [dev.with_patterns(text, s) for (text, _), s in zip(rows, spans)]
        if name == "btc":
            found = [[(a, b, "PERSON" if k == "USERNAME" else k) for a, b, k in s] for s in found]
        s = dev.text_scores(rows, found, dev.MICRO if name == "presidio" else ["PERSON", "LOCATION"])
        if name == "presidio":
            out["presidio MICRO F50"], out["presidio MICRO strict"] = s["MICRO"][2], s["MICRO"][3]
            out.update({f"presidio {k} F50": s[k][2] for k in dev.MICRO})
        else:
            out[f"{name} PERSON P"], out[f"{name} PERSON R"], out[f"{name} PERSON F50"] = s["PERSON"][:3]
    for label, gate, header in (("cells", True, True), ("cells, no gate", False, True), ("cells, no header", True, False)):
        f, false, missed = dev.cell_scores(data / "records/records.jsonl", t.spans, gate, header)
        out.update({f"{label} {k}": v for k, v in f.items() if k != "by type" and (label == "cells" or k in ("typed", "false", "F1"))})
        if label == "cells":
            out.update({f"cells {k} typed": v for k, v in f["by type"].items()})
            if verbose:
                print("false:", *false.most_common(40), sep="\n  ")
                print("missed:", *missed.most_common(40), sep="\n  ")
    out["CPU seconds"] = time.process_time() - start
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, default=HERE.parent / "tokenizer.json")
    parser.add_argument("--verbose", action="store_true", help="print false and missed cells of the development tables")
    args = parser.parse_args()
    columns = [figures(m, args.data / "pii/dev", args.tokenizer, args.verbose) for m in args.models]
    print(f"{'':28}" + "".join(f"{m.stem[-14:]:>16}" for m in args.models))
    for name in columns[0]:
        print(f"{name:28}" + "".join(f"{c[name]:16.4f}" for c in columns))


if __name__ == "__main__":
    main()
