"""Builds the default embedder: teacher's vectors of the corpus, table, fit, int8 graph, figures. Resumes where it stopped.

    models/embed/default/distil/build.sh [--threads 1]
"""
import argparse
import hashlib
import json
import os
import random
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

import corpus  # noqa: E402
import evaluate  # noqa: E402
import rowwise  # noqa: E402
import student  # noqa: E402
from packages import unpack  # noqa: E402
from teacher import Teacher, build  # noqa: E402

HERE = Path(__file__).resolve().parent
CHUNK = 8192


def say(*words):
    print(time.strftime("%H:%M:%S"), *words, file=sys.stderr, flush=True)


def tokenizer(source, out):
    """MiniLM's tokenizer without its truncation and padding: the engine cuts texts itself."""
    loaded = Tokenizer.from_file(str(source))
    loaded.no_truncation()
    loaded.no_padding()
    loaded.save(str(out), pretty=False)
    return loaded


def vectors(teacher, texts, folder):
    """The teacher's vectors, a chunk a file, named by the chunk's texts."""
    folder.mkdir(exist_ok=True)
    parts = []
    for at in range(0, len(texts), CHUNK):
        chunk = texts[at : at + CHUNK]
        path = folder / (hashlib.sha256("\0".join(chunk).encode()).hexdigest()[:24] + ".npy")
        if not path.exists():
            np.save(path.with_suffix(".part.npy"), teacher.embed(chunk).astype(np.float16))
            path.with_suffix(".part.npy").rename(path)
            say(f"teacher: {at + len(chunk)} of {len(texts)} texts")
        parts.append(np.load(path).astype(np.float32))
    return student.unit(np.concatenate(parts))


def single_tokens(teacher):
    rows = []
    for at in range(0, student.VOCAB, 256):
        token = np.arange(at, min(student.VOCAB, at + 256))
        ids = np.stack([np.full_like(token, 101), token, np.full_like(token, 102)], 1)
        rows.append(teacher.session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0])
    return np.concatenate(rows)


def distil(teacher, texts, args):
    target = vectors(teacher, texts, args.work / "vectors")
    # Not centred: the projection is to keep inner products, not variances.
    projection = np.linalg.svd(target[:50_000], full_matrices=False)[2][: args.dimensions].T
    say(f"projection keeps {np.mean(((target @ projection) ** 2).sum(1)):.3f} of a vector's squared length")
    bag = student.bags(teacher.ids(texts))
    table = student.start(single_tokens(teacher), projection, np.asarray(bag.sum(0)).ravel())
    table /= np.linalg.norm(table, axis=1).mean()
    return student.tune(table, bag, student.unit(target @ projection), args.epochs, args.rate, log=say)


def embedder(session, loaded):
    """texts -> vectors by the finished file, one text a run."""
    def embed(texts):
        rows = []
        for text in texts:
            ids = np.array([loaded.encode(text).ids[: student.MAX_TOKENS]])
            rows.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
        return np.stack(rows)
    return embed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE.parent)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--count", type=int, default=13 * CHUNK, help="texts to learn from; the corpus has 227,853, in random order")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--texts", type=Path, help="JSON file {name: [texts]} to measure agreement on besides the held-out texts")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    minilm, dictionary = unpack("minilm", args.work), unpack("wordnet", args.work)
    loaded = tokenizer(minilm / "tokenizer.json", args.out / "tokenizer.json")
    full, small = args.work / "minilm-fp32.onnx", args.work / "minilm-int8.onnx"
    build(minilm / "model.safetensors", full)
    rowwise.quantise(full, small)
    texts = corpus.texts(dictionary, unpack("dialogue", args.work), unpack("prose", args.work))[: args.count]
    say(f"{len(texts)} texts")
    table = distil(Teacher(small, loaded, args.threads), texts, args)
    student.graph(*student.quantise(table), args.out / "model.onnx")
    measure(args, full, loaded, corpus.held_out(dictionary))


def measure(args, full, loaded, held_out):
    import onnxruntime
    session = onnxruntime.InferenceSession(str(args.out / "model.onnx"), providers=["CPUExecutionProvider"])
    sets = {"held-out WordNet": random.Random(1).sample(held_out, 1200)}
    if args.texts:
        sets |= json.loads(args.texts.read_text())
    evaluate.report({"minilm": Teacher(full, loaded, args.threads).embed, "default": embedder(session, loaded)}, sets)
    for name in ("model.onnx", "tokenizer.json"):
        data = (args.out / name).read_bytes()
        print(name, len(data), hashlib.sha256(data).hexdigest())


main()
