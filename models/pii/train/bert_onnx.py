"""Weights -> ONNX graph of the tagger: inputs input_ids and attention_mask [batch, seq], output logits [batch, seq, labels].

How a dense layer is written is left to a `dense` object, so the fp32 graph and the int8 graphs of quantise.py are one
piece of code. Rows (tokens) never meet outside attention, and attention never crosses texts: a text's logits do not
depend on its neighbours as long as `dense` works row by row.
"""
import numpy as np
from onnx import TensorProto, helper as h, numpy_helper as nh

HEADS, EPS = 12, 1e-12


class Graph:
    """Nodes and constants under construction; every method returns the name of its output."""

    def __init__(self):
        self.nodes, self.consts, self.n = [], {}, 0

    def const(self, name, value):
        self.consts.setdefault(name, nh.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind, *inputs, outputs=1, domain="", **attrs):
        self.n += 1
        names = [f"{kind}_{self.n}" + (f"_{k}" if outputs > 1 else "") for k in range(outputs)]
        self.nodes.append(h.make_node(kind, list(inputs), names, name=f"{kind}_{self.n}", domain=domain, **attrs))
        return names if outputs > 1 else names[0]


class FloatDense:
    """x @ w + b in fp32."""

    def __call__(self, g, x, name, w, b):
        return g.op("Add", g.op("MatMul", x, g.const(name + "_w", w)), g.const(name + "_b", b))

    def table(self, g, ids, name, w):
        return g.op("Gather", g.const(name, w), ids)


def gelu(g, x):
    return g.op("Gelu", x, domain="com.microsoft")


def norm(g, x, skip, name, w):
    """LayerNorm(x + skip). Sum instead of Add keeps ONNX Runtime from fusing the two into an operator seven times slower."""
    return g.op("LayerNormalization", g.op("Sum", x, skip), g.const(name + "_g", w[name + "_g"]), g.const(name + "_b", w[name + "_b"]), axis=-1, epsilon=EPS)


def attention(g, qkv, mask, size):
    """Softmax attention over a packed query-key-value row; the scores' scale is in the weights already."""
    head = size // HEADS
    packed = g.op("Transpose", g.op("Reshape", qkv, g.const("packed", np.array([0, 0, 3, HEADS, head]))), perm=[2, 0, 3, 1, 4])
    q, k, v = g.op("Split", packed, outputs=3, axis=0, num_outputs=3)
    one = g.const("one_axis", np.array([0]))
    q, k, v = (g.op("Squeeze", t, one) for t in (q, k, v))
    scores = g.op("Add", g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2])), mask)
    context = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
    return g.op("Reshape", g.op("Transpose", context, perm=[0, 2, 1, 3]), g.const("joined", np.array([0, 0, size])))


def build(w, dense, groups=None):
    """The tagger of weights `w`. With `groups`, head rows of one label are joined by log-sum-exp."""
    g = Graph()
    size = w["word"].shape[1]
    layers = sum(k.endswith("qkv_w") for k in w)
    first, axis = g.const("first", np.array([0])), g.const("seq_axis", np.array([1]))
    seq = g.op("Slice", g.op("Shape", "input_ids"), axis, g.const("second", np.array([2])))
    x = g.op("Add", dense.table(g, "input_ids", "word", w["word"]), g.op("Slice", g.const("pos", w["pos"]), first, seq, first))
    x = g.op("LayerNormalization", x, g.const("emb_g", w["emb_g"]), g.const("emb_b", w["emb_b"]), axis=-1, epsilon=EPS)
    seen = g.op("Cast", g.op("Unsqueeze", "attention_mask", g.const("mask_axes", np.array([1, 2]))), to=TensorProto.FLOAT)
    mask = g.op("Mul", g.op("Sub", seen, g.const("one_f", np.float32(1))), g.const("far", np.float32(1e4)))
    for i in range(layers):
        p = f"{i}."
        qkv = dense(g, x, p + "qkv", w[p + "qkv_w"], w[p + "qkv_b"])
        out = dense(g, attention(g, qkv, mask, size), p + "out", w[p + "out_w"], w[p + "out_b"])
        x = norm(g, out, x, p + "ln1", w)
        up = gelu(g, dense(g, x, p + "up", w[p + "up_w"], w[p + "up_b"]))
        x = norm(g, dense(g, up, p + "down", w[p + "down_w"], w[p + "down_b"]), x, p + "ln2", w)
    logits = FloatDense()(g, x, "head", w["head_w"], w["head_b"])
    labels = w["head_w"].shape[1]
    if groups:
        wide = max(map(len, groups))
        none = g.op("Pad", logits, g.const("pads", np.array([0, 0, 0, 0, 0, 1])), g.const("low", np.float32(-1e4)))
        pick = np.array([m + [labels] * (wide - len(m)) for m in groups])
        logits, labels = g.op("ReduceLogSumExp", g.op("Gather", none, g.const("groups", pick), axis=2), g.const("last", np.array([-1])), keepdims=0), len(groups)
    g.nodes.append(h.make_node("Identity", [logits], ["logits"]))
    value = h.make_tensor_value_info
    graph = h.make_graph(g.nodes, "tagger", [value(n, TensorProto.INT64, ["batch", "seq"]) for n in ("input_ids", "attention_mask")],
                         [value("logits", TensorProto.FLOAT, ["batch", "seq", labels])], list(g.consts.values()))
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 18), h.make_opsetid("com.microsoft", 1)], ir_version=10)
