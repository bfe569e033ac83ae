"""Measures a sentence model against MiniLM and on labelled texts; prints one table.

Agreement: how the model orders pairs and neighbours of texts that it never saw, compared with MiniLM.
Labels: tickets and products by category, paraphrases; written by hand for this purpose (eval/*.tsv).
"""
import csv
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

EVAL = Path(__file__).parent / "eval"
CATEGORIES = {
    "billing": "billing, invoices and payments", "shipping": "shipping and delivery of parcels",
    "login": "login, passwords and account access", "bug": "software errors and bugs",
    "feature": "feature requests and suggestions", "cancellation": "cancelling a subscription or contract",
    "returns": "returns, exchanges and replacements", "hiring": "jobs, applications and interviews",
    "kitchen": "kitchen and cooking utensils", "clothing": "clothing and fashion", "electronics": "electronics and computers",
    "garden": "garden and plants", "toys": "toys and games", "sports": "sports and fitness", "books": "books and literature",
    "health": "health and personal care", "furniture": "furniture", "automotive": "car parts and accessories",
    "pets": "pet supplies",
}


def read(name):
    with open(EVAL / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def agreement(ours, teacher):
    """Spearman of pair cosines (random pairs; pairs among MiniLM's 20 nearest) and recall of its ten neighbours."""
    a, b = ours @ ours.T, teacher @ teacher.T
    np.fill_diagonal(a, -2), np.fill_diagonal(b, -2)
    i, j = np.triu_indices(len(a), 1)
    pick = np.random.default_rng(3).choice(len(i), min(len(i), 200_000), replace=False)
    near = np.argsort(-b, axis=1, kind="stable")[:, :20]
    mine = np.argsort(-a, axis=1, kind="stable")[:, :10]
    rows = np.arange(len(a))[:, None]
    recall = np.mean([len(set(x) & set(y)) / 10 for x, y in zip(mine, near[:, :10])])
    within = np.mean([spearmanr(a[r, n], b[r, n])[0] for r, n in zip(rows[:, 0], near)])
    first = np.mean([n in set(m) for m, n in zip(mine, near[:, 0])])
    return {"pairs": spearmanr(a[i[pick], j[pick]], b[i[pick], j[pick]])[0], "near pairs": spearmanr(a[rows, near].ravel(), b[rows, near].ravel())[0],
            "within 20": within, "recall@10": recall, "top-1 in 10": first}


def labelled(embed, name):
    """Nearest category by its description, and by the mean of the category's other texts (leave one out)."""
    items = read(name)
    names = sorted({item["category"] for item in items})
    label = np.array([names.index(item["category"]) for item in items])
    x, described = embed([item["text"] for item in items]), embed([CATEGORIES[n] for n in names])
    sums = np.stack([x[label == c].sum(0) for c in range(len(names))])
    hits = 0
    for vector, own in zip(x, label):
        centres = sums.copy()
        centres[own] -= vector
        hits += int(np.argmax(centres / np.linalg.norm(centres, axis=1, keepdims=True) @ vector) == own)
    return {"by description": np.mean(np.argmax(x @ described.T, axis=1) == label), "by examples": hits / len(items)}


def paraphrases(embed):
    """A query's paraphrase first among all 50 and among 50 plus every ticket and product."""
    pairs = read("paraphrases.tsv")
    q, m = embed([p["query"] for p in pairs]), embed([p["match"] for p in pairs])
    crowd = embed([t["text"] for n in ("tickets.tsv", "products.tsv") for t in read(n)])
    own = (q * m).sum(1)
    others = np.concatenate([m, crowd, q])
    scores = q @ others.T
    count = len(pairs)
    scores[np.arange(count), np.arange(count)] = -2
    scores[np.arange(count), scores.shape[1] - count + np.arange(count)] = -2
    rank = (scores > own[:, None]).sum(1)
    return {"first": np.mean(rank == 0), "MRR": np.mean(1 / (rank + 1))}


def report(models, sets, log=print):
    """models: name -> embed(texts); the first is the teacher. sets: name -> texts."""
    reference = next(iter(models.values()))
    for name, texts in sets.items():
        teacher = reference(texts)
        for model, embed in list(models.items())[1:]:
            figures = agreement(embed(texts), teacher)
            log(f"{name:18} {len(texts):5} {model:14}", "  ".join(f"{k} {v:.3f}" for k, v in figures.items()))
    for model, embed in models.items():
        for file in ("tickets.tsv", "products.tsv"):
            log(f"{file:24} {model:14}", "  ".join(f"{k} {v:.3f}" for k, v in labelled(embed, file).items()))
        log(f"{'paraphrases.tsv':24} {model:14}", "  ".join(f"{k} {v:.3f}" for k, v in paraphrases(embed).items()))
