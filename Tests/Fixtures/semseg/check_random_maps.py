#!/usr/bin/env python3
"""Scores random pairs of label maps with dmt and with two independent references; run by hand, nothing is stored.

    pip install numpy==2.4.6 scikit-learn==1.9.1 pillow==13.0.0
    python3 check_random_maps.py PATH_OF_DMT [--pairs 5000] [--seed 3]

The references are scikit-learn's confusion_matrix and three histograms of NumPy, as the scene parsing benchmark counts. All
integers of all classes, the confusion matrix and each image's own mIoU have to be equal.
"""
import argparse
import csv
import json
import os
import subprocess
import tempfile

import numpy as np
from PIL import Image
from sklearn.metrics import confusion_matrix

CODINGS = [(150, ["--dataset", "ade20k"], 1, 0, np.uint8), (19, ["--classes", "19", "--ignore-label", "255"], 0, 255, np.uint8),
           (300, ["--classes", "300", "--ignore-label", "65535"], 0, 65535, np.uint16)]


def draw(rng, classes, first, ignored, kind):
    """A map of runs, blocks or noise, and a prediction that is partly right."""
    height, width = rng.integers(1, 40, 2)
    values = rng.integers(first, first + classes, rng.integers(1, 12))
    style = rng.integers(0, 3)
    if style == 0:
        label = rng.choice(values, (height, width))
    elif style == 1:
        label = np.repeat(rng.choice(values, (height, -(-width // 5))), 5, 1)[:, :width]
    else:
        label = np.full((height, width), values[0])
        label[height // 3:, width // 2:] = values[-1]
    found = np.where(rng.random((height, width)) < rng.choice([0, 0.1, 1]), rng.integers(first, first + classes, (height, width)), label)
    label = np.where(rng.random((height, width)) < 0.1, ignored, label)
    # No class is a prediction too.
    found = np.where(rng.random((height, width)) < 0.02, ignored, found)
    return label.astype(kind), found.astype(kind)


def save(array, path):
    Image.fromarray(array if array.dtype == np.uint8 else array.astype(np.uint16)).save(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dmt")
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    for number, (classes, words, first, ignored, kind) in enumerate(CODINGS):
        count = options.pairs // 3 + (number < options.pairs % 3)
        with tempfile.TemporaryDirectory() as folder:
            for part in ("gt", "pred"):
                os.mkdir(os.path.join(folder, part))
            matrix = np.zeros((classes, classes), np.int64)
            histograms = np.zeros((3, classes), np.int64)
            own = {}
            for index in range(count):
                label, found = draw(np.random.default_rng([options.seed, number, index]), classes, first, ignored, kind)
                name = f"{index:05}.png"
                save(label, os.path.join(folder, "gt", name))
                save(found, os.path.join(folder, "pred", name))
                l, p = label[label != ignored].astype(int) - first, found[label != ignored].astype(int)
                p = np.where(p == ignored, -1, p - first)
                every = list(range(-1, classes))
                pairs = confusion_matrix(l, p, labels=every) if l.size else np.zeros((classes + 1, classes + 1), int)
                matrix += pairs[1:, 1:]
                edges = np.arange(classes + 1)
                parts = [np.histogram(x, edges)[0] for x in (l[l == p], p[p >= 0], l)]
                # NumPy's last bin holds its right end too.
                histograms += parts
                union = parts[1] + parts[2] - parts[0]
                own[name] = float(np.mean(parts[0][union > 0] / union[union > 0])) if l.size and union.any() else None
            out = os.path.join(folder, "out")
            done = subprocess.run(
                [options.dmt, "score", "semseg", "--gt", os.path.join(folder, "gt"), "--pred", os.path.join(folder, "pred"),
                 "--json", "--confusion", "--out", out] + words, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            answer = json.loads(done.stdout)
            assert np.array_equal(np.array(answer["confusion"]), matrix), "confusion matrix"
            table = np.array([[row[key] for row in answer["class_table"]] for key in (
                "intersection_pixels", "predicted_pixels", "labelled_pixels")])
            assert np.array_equal(table, histograms), "histograms"
            with open(os.path.join(out, "per_image.csv")) as file:
                for row in csv.DictReader(file):
                    value = float(row["mIoU"]) if row["mIoU"] else None
                    expected = own[row["image"]]
                    assert value == expected or abs(value - expected) < 1e-14, (row, expected)
        print(f"{count} pairs, {classes} classes, {np.dtype(kind).name}: equal")


if __name__ == "__main__":
    main()
