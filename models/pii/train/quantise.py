"""int8 dense layers for bert_onnx.py, all of which leave a text's result independent of its neighbours."""
import numpy as np
from onnx import TensorProto


def columns(w, top):
    """w as int8 with one scale a column; `top` 127 is 8 bits, 64 is 7 bits (no 16-bit overflow on CPUs without VNNI)."""
    scale = np.maximum(np.abs(w).max(0), 1e-12) / top
    return np.clip(np.round(w / scale), -top, top).astype(np.int8), scale.astype(np.float32)


class Table:
    """Embedding tables as int8 with one scale a row."""

    def table(self, g, ids, name, w):
        scale = np.maximum(np.abs(w).max(1, keepdims=True), 1e-12) / 127
        q = np.clip(np.round(w / scale), -127, 127).astype(np.int8)
        rows = g.op("Cast", g.op("Gather", g.const(name + "_q", q), ids), to=TensorProto.FLOAT)
        return g.op("Mul", rows, g.op("Gather", g.const(name + "_s", scale.astype(np.float32)), ids))


class RowDense(Table):
    """One activation scale a row: every row is divided by its own largest magnitude, then a constant scale serves."""

    def __init__(self, top=127, fused=True):
        self.top, self.fused, self.rows = top, fused, {}

    def __call__(self, g, x, name, w, b):
        q, scale = columns(w, self.top)
        unit, zero = g.const("unit_scale", np.float32(1 / 127)), g.const("u8_zero", np.uint8(128))
        if x not in self.rows:
            m = g.op("Max", g.op("ReduceMax", g.op("Abs", x), g.const("last", np.array([-1])), keepdims=1), g.const("tiny", np.float32(1e-12)))
            self.rows[x] = g.op("QuantizeLinear", g.op("Div", x, m), unit, zero), m
        u8, m = self.rows[x]
        wq = g.const(name + "_q", q)
        if self.fused:
            y = g.op("MatMulIntegerToFloat", u8, wq, unit, g.const(name + "_s", scale), zero, domain="com.microsoft")
        else:
            y = g.op("Mul", g.op("Cast", g.op("MatMulInteger", u8, wq, zero), to=TensorProto.FLOAT), g.const(name + "_s", scale / 127))
        return g.op("Add", g.op("Mul", y, m), g.const(name + "_b", b))


class StaticDense(Table):
    """One activation scale a layer, measured beforehand on sample texts."""

    def __init__(self, ranges, top=127):
        self.ranges, self.top, self.rows = ranges, top, {}

    def __call__(self, g, x, name, w, b):
        q, scale = columns(w, self.top)
        low, high = self.ranges[name]
        step = np.float32((high - low) / 255)
        s, z = g.const(name + "_as", step), g.const(name + "_az", np.uint8(np.clip(round(-low / step), 0, 255)))
        u8 = g.op("QuantizeLinear", x, s, z)
        return g.op("MatMulIntegerToFloat", u8, g.const(name + "_q", q), s, g.const(name + "_s", scale), z, "", g.const(name + "_b", b), domain="com.microsoft")


class BlockDense(Table):
    """MatMulNBits with 8-bit weights and int8 arithmetic: one scale per row and block of the activations."""

    def __init__(self, block=128, level=4):
        self.block, self.level = block, level

    def __call__(self, g, x, name, w, b):
        k, n = w.shape
        blocks = w.T.reshape(n, k // self.block, self.block)
        scale = np.maximum(np.abs(blocks).max(-1), 1e-12) / 127
        q = np.clip(np.round(blocks / scale[..., None]) + 128, 0, 255).astype(np.uint8)
        return g.op("MatMulNBits", x, g.const(name + "_q", q), g.const(name + "_s", scale.astype(np.float32)), "", "", g.const(name + "_b", b),
                    domain="com.microsoft", K=k, N=n, bits=8, block_size=self.block, accuracy_level=self.level)
