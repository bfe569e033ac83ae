"""int8 for bert_onnx.py: weights with one scale a column, tables with one a row, activations as told.

A layer whose range was measured beforehand (calibrate.py) has one constant activation scale; any other takes one scale
a row, from the row's own largest magnitude. Neither looks at other rows, so a text's result does not depend on its
neighbours in the batch. ONNX Runtime's dynamic quantisation, one scale from the whole batch, would.
"""
import numpy as np
from onnx import TensorProto


def columns(w):
    """w as int8 with one scale a column.

    x86 CPUs without VNNI multiply u8 by s8 and add neighbouring pairs in 16 bits, which overflows when both weights are
    large. A column is scaled so that no pair's sum passes 128, and 128 * 255 fits: every CPU gives the same integers.
    It costs a third of a bit on average, where 7-bit weights would cost one.
    """
    first, second = w[0::2], w[1::2]
    up, down = np.maximum(first, 0) + np.maximum(second, 0), np.minimum(first, 0) + np.minimum(second, 0)
    scale = np.maximum.reduce([np.abs(w).max(0), up.max(0), -down.min(0), np.full(w.shape[1], 1e-12)]) / 127
    return np.round(w / scale).astype(np.int8), scale.astype(np.float32)


class IntDense:
    """`ranges` gives (low, high) of the activations that feed a layer."""

    def __init__(self, ranges=None):
        self.ranges, self.rows = ranges or {}, {}

    def __call__(self, g, x, name, w, b):
        return (self.static if name in self.ranges else self.by_row)(g, x, name, w, b)

    def static(self, g, x, name, w, b):
        q, scale = columns(w)
        low, high = self.ranges[name]
        step = np.float32((high - low) / 255)
        s, z = g.const(name + "_as", step), g.const(name + "_az", np.uint8(np.clip(round(-low / step), 0, 255)))
        u8 = g.op("QuantizeLinear", x, s, z)
        return g.op("MatMulIntegerToFloat", u8, g.const(name + "_q", q), s, g.const(name + "_s", scale), z, "", g.const(name + "_b", b), domain="com.microsoft")

    def by_row(self, g, x, name, w, b):
        q, scale = columns(w)
        unit, zero = g.const("unit_scale", np.float32(1 / 127)), g.const("u8_zero", np.uint8(128))
        if x not in self.rows:
            m = g.op("Max", g.op("ReduceMax", g.op("Abs", x), g.const("last", np.array([-1])), keepdims=1), g.const("tiny", np.float32(1e-12)))
            self.rows[x] = g.op("QuantizeLinear", g.op("Div", x, m), unit, zero), m
        u8, m = self.rows[x]
        y = g.op("MatMulIntegerToFloat", u8, g.const(name + "_q", q), unit, g.const(name + "_s", scale), zero, domain="com.microsoft")
        return g.op("Add", g.op("Mul", y, m), g.const(name + "_b", b))

    def table(self, g, ids, name, w):
        scale = np.maximum(np.abs(w).max(1, keepdims=True), 1e-12) / 127
        rows = g.op("Cast", g.op("Gather", g.const(name + "_q", np.round(w / scale).astype(np.int8)), ids), to=TensorProto.FLOAT)
        return g.op("Mul", rows, g.op("Gather", g.const(name + "_s", scale.astype(np.float32)), ids))
