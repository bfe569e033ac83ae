"""Checks the shipped files: hashes, size, labels, and that no text's logits depend on its neighbours in a batch.

usage: check.py [FOLDER]      exit status 1 when a check fails
"""
import hashlib
import json
import pathlib
import re
import sys

import numpy as np

import tagger
from labels import LABELS

SENTENCES = ["first name: olivia", "text: Please call Anna Schmidt on +49 30 1234567 before Friday.", "address: 12 Rue de la Paix, 75002 Paris", "status: shipped",
             "nota: O senhor Paulo Teixeira mora em Coimbra e pediu a segunda via da fatura.", "order id: ORD-2024-00017", "x: 4111 1111 1111 1111", "comment: the parcel never came"]


def differing(session, tokenizer):
    """Texts whose logits change, in any bit, when seven others of equal length share the batch."""
    pool = [i for s in SENTENCES for i in tokenizer.encode(s).ids if i > 4]
    run = lambda ids: session.run(["logits"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
    bad = 0
    for n in (3, 7, 16, 33, 64, 128, 256):
        ids = np.array([[2] + [pool[(k * 7 + j * (k + 1)) % len(pool)] for j in range(n - 2)] + [3] for k in range(8)], np.int64)
        together = run(ids)
        bad += sum(not np.array_equal(run(ids[k : k + 1])[0], together[k]) for k in range(8))
    return bad


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    text = (folder / "manifest.yaml").read_text()
    faults = []
    for line in re.findall(r"^  - (\{.*\})$", text, re.M):
        f = json.loads(line)
        data = (folder / f["name"]).read_bytes()
        if (len(data), hashlib.sha256(data).hexdigest()) != (f["bytes"], f["sha256"]):
            faults.append(f"{f['name']} is not the file of the manifest")
    if re.findall(r"^  - ([A-Z].*)$", text, re.M) != LABELS:
        faults.append("the manifest's labels are not those of labels.py")
    if (folder / "model.onnx").stat().st_size > 20_000_000:
        faults.append("model.onnx is larger than 20 MB")
    t = tagger.Tagger(str(folder / "model.onnx"), str(folder / "tokenizer.json"))
    if t.session.get_outputs()[0].shape[-1] != len(LABELS):
        faults.append("the model's logits are not as many as the labels")
    bad = differing(t.session, t.tokenizer)
    if bad:
        faults.append(f"{bad} of 56 texts depend on their neighbours")
    print("\n".join(faults) if faults else "all checks passed")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
