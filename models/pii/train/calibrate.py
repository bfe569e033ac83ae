"""Static activation ranges: per dense layer the clip that changes its output least, on sample texts."""
import tempfile

import numpy as np
import onnx

import bert_onnx
import tagger


class Spy(bert_onnx.FloatDense):
    """Remembers which tensor feeds each dense layer."""

    def __init__(self):
        self.inputs = {}

    def __call__(self, g, x, name, w, b):
        self.inputs[name] = x
        return super().__call__(g, x, name, w, b)


def activations(weights, rows, texts_ids, keep):
    """Per dense layer some of its input rows, and the extremes of all."""
    spy = Spy()
    model = bert_onnx.build(weights, spy)
    names = sorted(set(spy.inputs.values()))
    model.graph.output.extend(onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in names)
    with tempfile.TemporaryDirectory() as d:
        onnx.save(model, f"{d}/spy.onnx")
        s = tagger.session(f"{d}/spy.onnx")
    sample = {n: [] for n in names}
    for ids in texts_ids:
        feed = {"input_ids": ids[None], "attention_mask": np.ones((1, len(ids)), np.int64)}
        for n, x in zip(names, s.run(names, feed)):
            sample[n].append(x[0][rows.choice(len(ids), min(keep, len(ids)), replace=False)])
    sample = {n: np.concatenate(x) for n, x in sample.items()}
    return {name: sample[n] for name, n in spy.inputs.items()}


def ranges(weights, texts_ids, keep=6):
    """{dense layer: (low, high)} for quantise.IntDense."""
    out = {}
    for name, x in activations(weights, np.random.default_rng(0), texts_ids, keep).items():
        w, best = weights[name + "_w"], None
        low, high = float(x.min()), float(x.max())
        for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3):
            lo, hi = low * share, high * share
            step = (hi - lo) / 255
            zero = np.clip(np.round(-lo / step), 0, 255)
            error = (np.clip(np.round(x / step) + zero, 0, 255) - zero) * step - x
            error = float(((error @ w) ** 2).sum())
            if best is None or error < best[0]:
                best = error, lo, hi
        out[name] = best[1:]
    return out
