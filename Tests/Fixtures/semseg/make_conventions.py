#!/usr/bin/env python3
"""Writes conventions.json: one prediction under every named mean, from independent implementations.

    pip install numpy==2.2.6 scikit-learn==1.9.1 torch==2.15.0 torchmetrics==1.9.0
    python3 make_conventions.py

Four maps of ADE20K's coding (0 other, 1...150) are built by formula, of a few classes each; the prediction gives every 16x16
patch its commonest class, as a probe with one label a patch could at best. Nothing but the means is stored.
"""
import json
import pathlib

import numpy as np
import sklearn
import torch
import torchmetrics
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, jaccard_score
from torchmetrics.segmentation import MeanIoU

HEIGHT, WIDTH, PATCH = 96, 128, 16


def label(m):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    cell = y // (17 + m) * 7 + x // (23 + 2 * m)
    classes = 1 + (cell * 37 + m * 11) % (9 - 2 * m) * 16
    classes = np.where((x - 40) ** 2 + (y - 50 + 3 * m) ** 2 < (9 + m) ** 2, 150 - m, classes)
    return np.where((x * x + y * y + 31 * m) % 97 < 3, 0, classes)


def oracle(label):
    found = np.zeros_like(label)
    for y in range(0, HEIGHT, PATCH):
        for x in range(0, WIDTH, PATCH):
            part = label[y:y + PATCH, x:x + PATCH]
            found[y:y + PATCH, x:x + PATCH] = np.bincount(part[part > 0], minlength=151).argmax()
    return found


labels = [label(m) for m in range(4)]
predictions = [oracle(one) for one in labels]
scored = [one > 0 for one in labels]
truth = np.concatenate([one[s] for one, s in zip(labels, scored)])
found = np.concatenate([one[s] for one, s in zip(predictions, scored)])
matrix = confusion_matrix(truth, found, labels=np.arange(1, 151)).astype(np.float64)
inter, union = np.diag(matrix), matrix.sum(0) + matrix.sum(1) - np.diag(matrix)

# torchmetrics has no ignore label: pixels without a class are taken out of both maps, and the pictures stay apart.
pairs = MeanIoU(num_classes=151, per_class=False, input_format="index", include_background=False)
values, images = [], []
for one, other, s in zip(labels, predictions, scored):
    pair = torch.tensor(one[s])[None, None], torch.tensor(other[s])[None, None]
    per_class = MeanIoU(num_classes=151, per_class=True, input_format="index", include_background=False)
    per_class.update(pair[1], pair[0])
    row = per_class.compute()
    row = row[row >= 0]
    values += row.tolist()
    images.append(row.double().mean().item())

out = {
    "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__,
                 "torchmetrics": torchmetrics.__version__},
    "mIoU_official150": float((inter / (np.spacing(1) + union)).sum() / 150),
    "mIoU": float(jaccard_score(truth, found, average="macro")),
    "mIoU_pairs": float(np.mean(values)),
    "mIoU_images": float(np.mean(images)),
    "fwIoU": float((matrix.sum(1)[union > 0] * inter[union > 0] / union[union > 0]).sum() / matrix.sum()),
    "aAcc": float((truth == found).mean()),
    "mAcc": float(balanced_accuracy_score(truth, found)),
    "mDice": float(f1_score(truth, found, average="macro")),
}
(pathlib.Path(__file__).parent / "conventions.json").write_text(json.dumps(out, indent=1) + "\n")
