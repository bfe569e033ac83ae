#!/usr/bin/env python3
"""Sentence vectors of the engine beside those of Python: are they the same, and what does each cost?

    benches/embeddings/reference.py texts --messages minilm --count 1000 > texts.jsonl    always the same texts
    midflight pipe --config benches/embeddings/midflight.yaml < texts.jsonl > vectors.jsonl
    benches/embeddings/reference.py compare vectors.jsonl --model minilm                  beside fp32 and int8
    benches/embeddings/reference.py time --runs 3                   texts a CPU-second in Python, one thread

`vectors.jsonl` has one text a line, in the order of `texts`: RECORD messages with a column `vector` (other messages
are skipped), objects with a key `vector`, or plain arrays. The first run installs and fetches what it needs, below
target/embeddings.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HOME = ROOT / "target" / "embeddings"
PYTHON = HOME / "venv" / "bin" / "python"
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def install(extra):
    """Runs this script again inside its own environment."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
    marker = HOME / "venv" / "requirements.installed"
    wanted = (HERE / "requirements.txt").read_text() + "\n".join(extra)
    if not marker.exists() or marker.read_text() != wanted:
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt", *extra], check=True)
        marker.write_text(wanted)
    os.execve(PYTHON, [PYTHON, __file__, *sys.argv[1:]], {**os.environ, **ALONE})


def read_vectors(path):
    import numpy as np
    rows = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            value = json.loads(line)
            if isinstance(value, dict) and "type" in value:
                if value["type"] != "RECORD":
                    continue
                value = value["record"]["data"]
            rows.append(value if isinstance(value, list) else value["vector"])
    vectors = np.array(rows, np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def neighbours(vectors, count=10):
    import numpy as np
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -2)
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def figures(ours, theirs):
    import numpy as np
    a, b = neighbours(ours), neighbours(theirs)
    out = {}
    if ours.shape == theirs.shape:
        cosine = (ours * theirs).sum(1)
        out = {"cosine min": cosine.min(), "5th percentile": np.percentile(cosine, 5), "mean": cosine.mean()}
    out["same ten in order"] = np.mean((a == b).all(1))
    out["same ten"] = np.mean([set(x) == set(y) for x, y in zip(a, b)])
    out["overlap of ten"] = np.mean([len(set(x) & set(y)) / 10 for x, y in zip(a, b)])
    out["same first"] = np.mean(a[:, 0] == b[:, 0])
    return out


def compare(args):
    import engines
    ours = read_vectors(args.vectors)
    texts = engines.texts(len(ours))
    for name in dict.fromkeys(["minilm-fp32", "minilm", args.model]):
        theirs = engines.Onnx(name).embed(texts)
        print(f"{args.vectors.name} against {name:15}", "  ".join(f"{k} {v:.4f}" for k, v in figures(ours, theirs).items()))


def folder(_):
    """MiniLM in fp32 as a model's folder, which the engine takes by its path."""
    import hashlib
    import shutil
    import engines
    place = HOME / "minilm-fp32"
    place.mkdir(exist_ok=True)
    shutil.copyfile(engines.model_file("minilm-fp32"), place / "model.onnx")
    shutil.copyfile(ROOT / "models/embed/default/tokenizer.json", place / "tokenizer.json")
    manifest = ('name: "minilm-fp32"\nversion: "1"\ntask: "embed"\nlicence: "Apache-2.0"\npooling: "none"\ndimensions: 384\n'
                "max_tokens: 256\nindependent: true\nfiles:\n")
    for name in ("model.onnx", "tokenizer.json"):
        data = (place / name).read_bytes()
        manifest += f"  - {{name: {name}, sha256: {hashlib.sha256(data).hexdigest()}, bytes: {len(data)}}}\n"
    (place / "manifest.yaml").write_text(manifest)
    print(place)


def timing(args):
    import engines
    texts = engines.texts(args.count)
    runs = {}
    for _ in range(args.runs):  # every engine once a round, so that noise meets all alike
        for name, make in engines.all_engines(args.sentence_transformers).items():
            engine = runs.setdefault(name, [make(), []])
            engine[1].append(engines.cpu_seconds(engine[0], texts))
    print(f"{len(texts)} texts, {engines.mean_tokens(texts):.1f} tokens each; texts a CPU-second: best, all runs")
    for name, (_, seconds) in runs.items():
        print(f"{name:36} {len(texts) / min(seconds):8.0f}  ", " ".join(f"{len(texts) / s:.0f}" for s in seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("texts")
    one.add_argument("--count", type=int, default=1000)
    one.add_argument("--messages", metavar="STREAM", help="print RECORD messages of this stream")
    two = commands.add_parser("compare")
    two.add_argument("vectors", type=Path)
    two.add_argument("--model", default="minilm", choices=["default", "minilm", "minilm-precise", "minilm-fp32"])
    commands.add_parser("folder")
    three = commands.add_parser("time")
    three.add_argument("--count", type=int, default=1000)
    three.add_argument("--runs", type=int, default=3)
    three.add_argument("--sentence-transformers", action="store_true", help="this installs torch: several GB")
    args = parser.parse_args()
    if Path(sys.prefix) != HOME / "venv":
        HOME.mkdir(parents=True, exist_ok=True)
        install(["sentence-transformers==6.2.0"] if getattr(args, "sentence_transformers", False) else [])
    sys.path.insert(0, str(HERE))
    if args.command == "texts":
        import engines
        for number, text in enumerate(engines.texts(args.count)):
            row = {"id": number, "text": text}
            message = {"type": "RECORD", "record": {"stream": args.messages, "data": row, "emitted_at": 0}}
            print(json.dumps(message if args.messages else row, ensure_ascii=False))
    else:
        {"compare": compare, "folder": folder, "time": timing}[args.command](args)


main()
