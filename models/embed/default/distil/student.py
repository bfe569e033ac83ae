"""The student: a table of one vector a token. A text's vector is the sum of its tokens' vectors, at unit length.

`start` distils the table from single tokens, `tune` fits it to the teacher's sentence vectors, `quantise` and `graph`
make the file. Numbers in the table are small integers times an integer of the row, so that sums are exact in
float32 up to 512 tokens: a text's vector cannot depend on its neighbours, on padding or on the order of addition.
"""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save
from scipy.sparse import csr_matrix

VOCAB, CLS = 30522, 101
SILENT = [0, 102, 103]  # [PAD] [SEP] [MASK]: always zero
TOP = 255  # largest factor of a row; 127 * 255 * 512 < 2**24
MAX_TOKENS = 512


def bags(ids):
    """Texts as a sparse matrix of token counts."""
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    flat = np.fromiter((t for row in ids for t in row), np.int64, lengths.sum())
    index = np.concatenate([[0], lengths.cumsum()])
    matrix = csr_matrix((np.ones(len(flat), np.float32), flat, index), shape=(len(ids), VOCAB))
    matrix.sum_duplicates()
    return matrix


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def start(tokens, projection, counts):
    """Token vectors in the student's space, weighted down by frequency (smooth inverse frequency).

    A word list in order of frequency stands in where the texts do not show a token: Zipf's law.
    """
    zipf = 1 / (np.arange(VOCAB) + 1.0)
    share = 0.5 * counts / counts.sum() + 0.5 * zipf / zipf.sum()
    weight = 1e-3 / (1e-3 + share)
    table = (tokens - tokens.mean(0)) @ projection * weight[:, None]
    table[SILENT] = 0
    table[CLS] = tokens.mean(0) @ projection
    return table.astype(np.float32)


def gradient(table, batch, target):
    """Cosine loss of a batch and its gradient by the summed vectors."""
    total = batch @ table
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-6)
    out = total / length
    cosine = (out * target).sum(1, keepdims=True)
    return float(1 - cosine.mean()), (out * cosine - target) / length


def tune(table, bag, target, epochs, rate, keep=0.9, pull=0.2, size=512, log=print):
    """Adam on the rows that a batch touches; each text loses some tokens at random, each row is pulled to its start."""
    draw, origin = np.random.default_rng(7), table.copy()
    table, m, v = table.copy(), np.zeros_like(table), np.zeros_like(table)
    seen, steps, at = np.zeros(VOCAB), epochs * -(-bag.shape[0] // size), 0
    for epoch in range(epochs):
        order, losses = draw.permutation(bag.shape[0]), []
        for begin in range(0, len(order), size):
            chosen = np.sort(order[begin : begin + size])
            batch, now = bag[chosen], rate * (1 - at / steps) + 1e-5
            batch.data = batch.data * (draw.random(len(batch.data)) < keep)
            batch.data[batch.indices == CLS] = 1
            loss, g = gradient(table, batch, target[chosen].astype(np.float32))
            losses.append(loss)
            rows = np.unique(batch.indices[batch.data > 0])
            rows = rows[~np.isin(rows, SILENT)]
            grad = batch.T.tocsr()[rows] @ g
            seen[rows] += 1
            m[rows] = 0.9 * m[rows] + 0.1 * grad
            v[rows] = 0.99 * v[rows] + 0.01 * grad**2
            first, second = 1 - 0.9 ** seen[rows, None], 1 - 0.99 ** seen[rows, None]
            step = (m[rows] / first) / (np.sqrt(v[rows] / second) + 1e-8)
            table[rows] -= (now * (step + pull * (table[rows] - origin[rows]))).astype(np.float32)
            at += 1
        log(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")
    return table


def quantise(table):
    """(int8 values, integer factor a row): row = values * factor, up to one common scale, which cosines ignore."""
    peak = np.abs(table).max(1)
    factor = np.clip(np.round(peak / peak.max() * TOP), 1, TOP)
    values = np.round(table / (factor[:, None] * (peak.max() / TOP / 127)))
    return np.clip(values, -127, 127).astype(np.int8), factor.astype(np.float32)[:, None]


def graph(values, factor, out):
    """input_ids, attention_mask -> sentence_embedding."""
    tensor, shape, node = helper.make_tensor_value_info, ["batch", "seq"], helper.make_node
    constants = [numpy_helper.from_array(values, "values"), numpy_helper.from_array(factor, "factor"),
                 numpy_helper.from_array(np.array([1]), "axis"), numpy_helper.from_array(np.array(1e-12, np.float32), "tiny")]
    nodes = [
        node("Gather", ["values", "input_ids"], ["int8"]), node("Cast", ["int8"], ["whole"], to=TensorProto.FLOAT),
        node("Gather", ["factor", "input_ids"], ["by"]), node("Squeeze", ["by", "minus"], ["by_token"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT), node("Mul", ["mask", "by_token"], ["weight"]),
        node("Unsqueeze", ["weight", "axis"], ["row"]), node("MatMul", ["row", "whole"], ["sums"]),
        node("Squeeze", ["sums", "axis"], ["sum"]), node("ReduceL2", ["sum"], ["norm"], axes=[1], keepdims=1),
        node("Max", ["norm", "tiny"], ["length"]), node("Div", ["sum", "length"], ["sentence_embedding"])]
    constants.append(numpy_helper.from_array(np.array([2]), "minus"))
    inputs = [tensor(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")]
    output = tensor("sentence_embedding", TensorProto.FLOAT, ["batch", values.shape[1]])
    model = helper.make_model(helper.make_graph(nodes, "static", inputs, [output], constants),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, out)
