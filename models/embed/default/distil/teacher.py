"""all-MiniLM-L6-v2's weights as an ONNX graph: ids and mask in, the mean of the last layer's tokens out, unit length.

The graph is written operator by operator from the safetensors file, so that neither torch nor a downloaded export is
needed. Q, K and V are one matrix, 1/sqrt(head) is folded into Q, the token-type row into the positions.
"""
import json

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

HEADS, WIDTH, LAYERS = 12, 384, 6


def read_safetensors(path):
    """Name -> float32 array. The format is a length, a JSON header and raw little-endian data."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    weights = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            weights[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return weights


class Graph:
    """Nodes and initializers under construction; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def const(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def op(self, kind, *inputs, output=None, **attributes):
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, x, weight, bias):
        return self.op("Add", self.op("MatMul", x, self.const(weight.T)), self.const(bias))

    def norm(self, x, w, prefix):
        gain, bias = self.const(w[f"{prefix}.weight"]), self.const(w[f"{prefix}.bias"])
        return self.op("LayerNormalization", x, gain, bias, axis=-1, epsilon=1e-12)


def attention(g, h, bias, w, prefix):
    parts = [f"{prefix}.self.{name}" for name in ("query", "key", "value")]
    weight = np.concatenate([w[f"{p}.weight"] for p in parts])
    offset = np.concatenate([w[f"{p}.bias"] for p in parts])
    scale = np.ones(3 * WIDTH, np.float32)
    scale[:WIDTH] = (WIDTH // HEADS) ** -0.5
    qkv = g.linear(h, weight * scale[:, None], offset * scale)
    split = g.op("Reshape", qkv, g.const(np.array([0, 0, 3, HEADS, WIDTH // HEADS])))
    turned = g.op("Transpose", split, perm=[2, 0, 3, 1, 4])
    q, k, v = (g.op("Gather", turned, g.const(np.array(i)), axis=0) for i in range(3))
    scores = g.op("Add", g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2])), bias)
    mixed = g.op("Transpose", g.op("MatMul", g.op("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
    joined = g.op("Reshape", mixed, g.const(np.array([0, 0, WIDTH])))
    return g.linear(joined, w[f"{prefix}.output.dense.weight"], w[f"{prefix}.output.dense.bias"])


def layer(g, h, bias, w, prefix):
    h = g.norm(g.op("Add", attention(g, h, bias, w, f"{prefix}.attention"), h), w, f"{prefix}.attention.output.LayerNorm")
    up = g.linear(h, w[f"{prefix}.intermediate.dense.weight"], w[f"{prefix}.intermediate.dense.bias"])
    erf = g.op("Add", g.op("Erf", g.op("Div", up, g.const(np.float32(2**0.5)))), g.const(np.float32(1)))
    gelu = g.op("Mul", g.op("Mul", up, erf), g.const(np.float32(0.5)))
    down = g.linear(gelu, w[f"{prefix}.output.dense.weight"], w[f"{prefix}.output.dense.bias"])
    return g.norm(g.op("Add", down, h), w, f"{prefix}.output.LayerNorm")


def build(safetensors, out):
    w, g = read_safetensors(safetensors), Graph()
    one = g.const(np.array([1]))
    places = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
    length = g.op("Slice", g.op("Shape", "input_ids"), one, g.const(np.array([2])))
    rows = g.op("Slice", g.const(places), g.const(np.array([0])), length, g.const(np.array([0])))
    words = g.op("Gather", g.const(w["embeddings.word_embeddings.weight"]), "input_ids")
    h = g.norm(g.op("Add", words, rows), w, "embeddings.LayerNorm")
    mask = g.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    hidden = g.op("Mul", g.op("Sub", g.const(np.float32(1)), mask), g.const(np.float32(-10000)))
    bias = g.op("Unsqueeze", hidden, g.const(np.array([1, 2])))
    for i in range(LAYERS):
        h = layer(g, h, bias, w, f"encoder.layer.{i}")
    total = g.op("Squeeze", g.op("MatMul", g.op("Unsqueeze", mask, one), h), one)
    mean = g.op("Div", total, g.op("ReduceSum", mask, one, keepdims=1))
    length = g.op("Max", g.op("ReduceL2", mean, axes=[1], keepdims=1), g.const(np.float32(1e-12)))
    g.op("Div", mean, length, output="sentence_embedding")
    tensor, shape = helper.make_tensor_value_info, ["batch", "seq"]
    inputs = [tensor(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")]
    output = tensor("sentence_embedding", TensorProto.FLOAT, ["batch", WIDTH])
    graph = helper.make_graph(g.nodes, "minilm", inputs, [output], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, out)


class Teacher:
    """Embeds texts by the graph, batches of equal token count, 256 tokens at most as sentence-transformers does."""

    def __init__(self, model, tokenizer, threads=1):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.tokenizer = tokenizer

    def ids(self, texts):
        return [e.ids if len(e.ids) <= 256 else e.ids[:255] + [102] for e in self.tokenizer.encode_batch(texts)]

    def embed(self, texts, batch=16):
        ids = self.ids(texts)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out, at = np.zeros((len(ids), WIDTH), np.float32), 0
        while at < len(order):
            end = at
            while end < len(order) and end - at < batch and len(ids[order[end]]) == len(ids[order[at]]):
                end += 1
            block = np.array([ids[i] for i in order[at:end]])
            out[order[at:end]] = self.session.run(None, {"input_ids": block, "attention_mask": np.ones_like(block)})[0]
            at = end
        return out
