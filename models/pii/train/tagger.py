"""A tagger file at work: text in, spans (start, end, type, confidence) out. The engine's Rust does the same."""
import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from labels import TYPES

PERSON = ("GIVEN_NAME", "SURNAME")
KINDS = ["O", "PERSON"] + [t for t in TYPES if t not in PERSON]
FOLD = np.zeros((1 + 2 * len(TYPES), len(KINDS)), np.float32)
FOLD[0, 0] = 1
for _i, _t in enumerate(TYPES):
    FOLD[1 + 2 * _i : 3 + 2 * _i, KINDS.index("PERSON" if _t in PERSON else _t)] = 1


def session(model):
    """One thread, as in the engine."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Tagger:
    """`thresholds` maps a type to the confidence its spans need; `default` serves the others."""

    def __init__(self, model, tokenizer, thresholds=None, default=0.5, batch=8, max_tokens=256):
        self.session, self.tokenizer = session(model), Tokenizer.from_file(tokenizer)
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.thresholds, self.default, self.batch, self.max = thresholds or {}, default, batch, max_tokens

    def probabilities(self, texts):
        """Per text (encoding, probabilities of KINDS per token); texts of equal token count share a batch."""
        encodings = self.tokenizer.encode_batch(texts)
        for e in encodings:
            e.truncate(self.max)
        out = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        while order:
            n = len(encodings[order[0]].ids)
            take = [i for i in order[: self.batch] if len(encodings[i].ids) == n]
            order = order[len(take) :]
            ids = np.array([encodings[i].ids for i in take], np.int64)
            x = self.session.run(["logits"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
            x = np.exp(x - x.max(-1, keepdims=True))
            p = (x / x.sum(-1, keepdims=True)) @ FOLD
            for k, i in enumerate(take):
                out[i] = (encodings[i], p[k])
        return out

    def spans(self, texts):
        return [self.decode(e, p) for e, p in self.probabilities(texts)]

    def decode(self, encoding, p):
        """Pieces of a word share their mean; neighbouring words of one type are one span, its confidence the mean."""
        words, out = [], []
        for k, (a, b) in enumerate(encoding.offsets):
            if b <= a:
                continue
            if words and encoding.tokens[k].startswith("##"):
                words[-1][1] = b
                words[-1][2].append(p[k])
            else:
                words.append([a, b, [p[k]]])
        last = None
        for a, b, pieces in words:
            mean = np.mean(pieces, 0)
            best = int(mean.argmax())
            if best and last == best:
                out[-1][1] = b
                out[-1][3].append(mean[best])
            elif best:
                out.append([a, b, KINDS[best], [mean[best]]])
            last = best
        spans = [(a, b, t, float(np.mean(c))) for a, b, t, c in out]
        return [s for s in spans if s[3] >= self.thresholds.get(s[2], self.default)]
