"""Writes texts.jsonl and the reference vectors beside this file. See README.md."""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[2] / "models" / "embed"
LIMIT = 256

WORDS = ("The committee met on Monday to discuss the budget, the new warehouse and the delayed shipment of spare parts. "
         "Nobody objected when the chair proposed to postpone the vote until the auditors had finished their report. ")
TEXTS = [
    "", " ", "\n\t", "a", "I", "?", "...", "0", "42", "3.14159", "2024-02-29", "hello", "Hello", "HELLO", "hello world", "Hello, world!",
    "refund", "Where is my order?", "I was charged twice for the same order, please refund one of the payments.",
    "Card ending in 1111 was declined.", "The app crashes when I open the settings page on Android 14.", "naïve café résumé", "naive cafe resume",
    "Straße in München, Größe 42", "Der Hund schläft im Garten.", "Le colis n'est jamais arrivé.", "¿Dónde está la biblioteca?",
    "A encomenda chegou com três dias de atraso.", "La fattura non è corretta.", "Zażółć gęślą jaźń", "Где моя посылка?", "Πού είναι το δέμα μου;",
    "איפה החבילה שלי?", "أين طردي؟", "मेरा पार्सल कहाँ है?", "我的包裹在哪里？", "荷物はどこですか？", "소포가 어디에 있나요?", "พัสดุของฉันอยู่ที่ไหน",
    "😀", "Great service 😀👍🏽", "👩‍👩‍👧‍👦 family day 🎉🎉", "e\u0301 and \u00e9", "zero\u200bwidth and soft\u00adhyphen", "non\u00a0breaking\u2003space",
    "line one\nline two\r\nline three", "tab\tseparated\tvalues", "<p>Hello <b>there</b></p>", '{"id": 7, "note": "call back"}', "SELECT * FROM users WHERE id = 1;",
    "https://example.com/a/b?c=d&e=f#g", "jane.doe+test@example.com", "+1 (555) 010-9999", "C:\\Program Files\\App\\run.exe --flag", "snake_case camelCase kebab-case",
    "don't can't won't it's", "[CLS] [SEP] [MASK] [PAD] [UNK]", "Donaudampfschifffahrtsgesellschaftskapitän", "x" * 99, "x" * 101,
    WORDS.strip(), (WORDS * 3).strip(), (WORDS * 8).strip(), "很长的中文句子。" * 60,
]


def load(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def embed(session, ids):
    """One text at a time: the mean of the last layer's tokens, or the graph's own vector, at unit length."""
    feed = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64), "token_type_ids": np.zeros((1, len(ids)), np.int64)}
    out = session.run(None, {i.name: feed[i.name] for i in session.get_inputs()})[0]
    vector = (out[0].mean(0) if out.ndim == 3 else out[0]).astype(np.float64)
    return (vector / max(np.linalg.norm(vector), 1e-12)).astype("<f4")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fp32", type=Path, required=True, help="target/embed-default/minilm-fp32.onnx, a product of models/embed/default/distil/build.sh")
    parser.add_argument("--int8", type=Path, required=True, help="the model.onnx of models/embed/minilm/manifest.yaml")
    parser.add_argument("--precise", type=Path, required=True, help="the model.onnx of models/embed/minilm-precise/manifest.yaml")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(MODELS / "default" / "tokenizer.json"))
    if len(TEXTS) != 64:
        sys.exit(f"{len(TEXTS)} texts, not 64")
    whole = [tokenizer.encode(text).ids for text in TEXTS]
    ids = [row if len(row) <= LIMIT else row[: LIMIT - 1] + row[-1:] for row in whole]
    with open(HERE / "texts.jsonl", "w", encoding="utf-8") as file:
        for text, row, full in zip(TEXTS, ids, whole):
            file.write(json.dumps({"text": text, "tokens": len(full), "ids": row}, ensure_ascii=False) + "\n")
    models = {"default": MODELS / "default" / "model.onnx", "minilm-fp32": args.fp32, "minilm": args.int8, "minilm-precise": args.precise}
    for name, path in models.items():
        session = load(path)
        np.stack([embed(session, row) for row in ids]).tofile(HERE / f"{name}.f32")


if __name__ == "__main__":
    main()
