#!/usr/bin/env python3
"""Writes probes.json: what scikit-learn and PyTorch make of drawn features with the protocols of frozen probes.

    pip install numpy==2.2.6 scikit-learn==1.9.1 torch==2.15.0
    python3 make_probes.py

Features are drawn around one centre a class, so that neighbours are right most of the time; labels of patches are 4x4 pixels
of which a few belong to other classes. Initial weights are not stored: value i of the k-th parameter is 0.01 sin(0.7 i + k).
"""
import json
import math
import pathlib

import numpy as np
import sklearn
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

CLASSES, WIDTH, PIXELS, GRID, PATCH = 5, 12, 16, 6, 4
rng = np.random.default_rng(7)
torch.set_num_threads(1)


def numbers(array):
    return [float(f"{v:.9g}") for v in np.asarray(array, np.float64).reshape(-1)]


def wave(shape, k):
    return torch.tensor([0.01 * math.sin(0.7 * i + k) for i in range(math.prod(shape))]).reshape(shape).float()


def draw(count):
    """Tokens with four decimals and the labels of their pixels; the first pixel's class is the token's."""
    own = rng.integers(0, CLASSES, count)
    centres = np.random.default_rng(1).normal(0, 1, (CLASSES, WIDTH))
    tokens = np.round(centres[own] * 0.8 + rng.normal(0.3, 1, (count, WIDTH)) * np.linspace(0.5, 2, WIDTH), 4)
    pixels = np.where(rng.random((count, PIXELS)) < 0.25, rng.integers(0, CLASSES, (count, PIXELS)), own[:, None])
    return tokens.astype(np.float32), pixels


out = {"versions": {"torch": torch.__version__.split("+")[0], "scikit-learn": sklearn.__version__,
                    "numpy": np.__version__}}
pictures = 6
memory, memory_pixels = draw(pictures * GRID * GRID)
queries, query_pixels = draw(60)
out["memory"], out["queries"] = numbers(memory), numbers(queries)
out["memory_pixels"], out["query_pixels"] = memory_pixels.reshape(-1).tolist(), query_pixels.reshape(-1).tolist()


def hummingbird(k, temperature):
    """Unit memory, exact inner products, attention over the nearest with the softmax of cosine / temperature."""
    m, q = torch.tensor(memory).double(), torch.tensor(queries).double()
    m, labels = m / m.norm(dim=1, keepdim=True), F.one_hot(torch.tensor(memory_pixels), CLASSES).double().mean(1)
    index = (q @ m.T).topk(k, dim=1).indices
    attention = torch.einsum("qd,qkd->qk", F.normalize(q, dim=-1), m[index]) / temperature
    return torch.einsum("qk,qkc->qc", attention.softmax(-1), labels[index])


out["hummingbird"] = [
    {"k": k, "temperature": t, "scores": numbers(hummingbird(k, t))} for k, t in ((30, 0.02), (1, 0.02), (7, 0.1))]

# CAPI: standardised tokens; scikit-learn's classifier takes the mode of each output by itself, the smallest among equals.
scaler = StandardScaler().fit(memory.astype(np.float64))
x, y = scaler.transform(memory.astype(np.float64)), scaler.transform(queries.astype(np.float64))
out["scaled_queries"] = numbers(y)
out["capi"] = []
for k in (1, 3, 10, 30):
    for metric in ("cosine", "euclidean"):
        found = KNeighborsClassifier(k, metric=metric, algorithm="brute").fit(x, memory_pixels).predict(y)
        out["capi"].append({"k": k, "measure": metric, "pixels": found.reshape(-1).astype(int).tolist()})

majority = np.array([np.bincount(row, minlength=CLASSES).argmax() for row in memory_pixels])
out["majority"] = majority.tolist()
out["logistic"] = []
for c in (10 ** -6, 10 ** (-6 + 11 * 3 / 7), 1.0, 10.0):
    model = LogisticRegression(C=c, tol=1e-12, max_iter=100_000).fit(x, majority)
    log_probability = model.predict_log_proba(x)[np.arange(len(x)), majority]
    loss = -log_probability.mean() + (model.coef_ ** 2).sum() / (2 * c * len(x))
    out["logistic"].append({"C": c, "loss": float(loss), "predictions": model.predict(y).tolist(),
                            "coefficients": numbers(model.coef_)})


def linear_head(norm, rate, decay, steps, warmup, ignore=255):
    """All pictures in each step; logits resized to the labels, mean over all pixels, AdamW, linear warm-up and fall."""
    side = GRID * PATCH
    layers = ([torch.nn.BatchNorm2d(WIDTH)] if norm else []) + [torch.nn.Conv2d(WIDTH, CLASSES, 1)]
    head = torch.nn.Sequential(*layers)
    with torch.no_grad():
        layers[-1].weight.copy_(wave((CLASSES, WIDTH, 1, 1), 0))
        layers[-1].bias.copy_(wave((CLASSES,), 1))
    maps = torch.tensor(memory).reshape(pictures, GRID, GRID, WIDTH).permute(0, 3, 1, 2)
    labels = torch.tensor(memory_pixels).reshape(pictures, GRID, GRID, PATCH, PATCH)
    labels = labels.permute(0, 1, 3, 2, 4).reshape(pictures, side, side).clone()
    labels[:, :3, :5] = ignore
    decayed = [p for p in head.parameters() if p.ndim > 1]
    plain = [p for p in head.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}])
    losses = []
    for step in range(steps):
        factor = (step + 1) / warmup if step < warmup else 1 - (step - warmup) / (steps - warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate * factor
        optimizer.zero_grad()
        logits = F.interpolate(head(maps), size=(side, side), mode="bilinear", align_corners=False)
        loss = F.cross_entropy(logits, labels, ignore_index=ignore, reduction="none").mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    head.eval()
    with torch.no_grad():
        scores = head(torch.tensor(queries)[:, :, None, None]).reshape(-1, CLASSES)
    return {"norm": norm, "rate": rate, "decay": decay, "steps": steps, "warmup": warmup, "losses": numbers(losses),
            "scores": numbers(scores)}


out["linear_head"] = [linear_head(True, 1e-2, 1e-4, 40, 5), linear_head(False, 8e-3, 0.05, 40, 5)]


def dino_linear(rate, epochs, batch):
    """Rows in order, SGD with momentum 0.9, the rate by a cosine over epochs."""
    layer = torch.nn.Linear(WIDTH, CLASSES)
    with torch.no_grad():
        layer.weight.copy_(wave((CLASSES, WIDTH), 0))
        layer.bias.zero_()
    optimizer = torch.optim.SGD(layer.parameters(), rate * batch / 256, momentum=0.9, weight_decay=0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, eta_min=0)
    losses = []
    for _ in range(epochs):
        for start in range(0, len(memory), batch):
            optimizer.zero_grad()
            part = slice(start, start + batch)
            loss = F.cross_entropy(layer(torch.tensor(memory[part])), torch.tensor(majority[part]))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
    with torch.no_grad():
        found = layer(torch.tensor(queries)).argmax(1)
    return {"rate": rate, "epochs": epochs, "batch": batch, "losses": numbers(losses), "predictions": found.tolist()}


out["dino_linear"] = dino_linear(0.5, 6, 64)


def dino_knn(k, temperature):
    m, q = (F.normalize(torch.tensor(a).double(), dim=1) for a in (memory, queries))
    near, index = (q @ m.T).topk(k, dim=1)
    votes = F.one_hot(torch.tensor(majority)[index], CLASSES) * (near / temperature).exp()[..., None]
    return votes.sum(1).argmax(1)


out["dino_knn"] = [{"k": k, "predictions": dino_knn(k, 0.07).tolist()} for k in (1, 10, 20, 100, 200)]

folder = pathlib.Path(__file__).parent
(folder / "probes.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
