"""Draws label maps and predictions in ADE20K's coding (1 to 150 are classes, 0 is not scored), as PNG pairs.

    python3 generate.py OUT [--images 2000] [--seed 1]

Writes OUT/labels and OUT/predictions. About 25 regions a picture of a dozen classes with a long tail; in predictions some
regions have another class and all borders are moved a little. Same arguments, same bytes.
"""
import argparse
import os

import numpy as np
from PIL import Image

HEIGHT, WIDTH, CLASSES, CELL = 512, 683, 150, 4


def regions(random, count):
    """A map of the nearest of `count` sites, drawn on cells of four pixels."""
    rows, columns = -(-HEIGHT // CELL), -(-WIDTH // CELL)
    y, x = np.mgrid[0:rows, 0:columns]
    sites = random.uniform([0, 0], [rows, columns], (count, 2))
    stretch = random.uniform(0.5, 2, count)
    distance = (y[None] - sites[:, 0, None, None]) ** 2 * stretch[:, None, None] + (x[None] - sites[:, 1, None, None]) ** 2
    nearest = distance.argmin(0).astype(np.uint8)
    return nearest.repeat(CELL, 0).repeat(CELL, 1)[:HEIGHT, :WIDTH]


def pair(random):
    shares = 1 / np.arange(1, CLASSES + 1) ** 1.1
    present = random.choice(np.arange(1, CLASSES + 1), 12, replace=False, p=shares / shares.sum())
    count = int(random.integers(15, 35))
    nearest = regions(random, count)
    classes = present[random.integers(0, 12, count)].astype(np.uint8)
    found = np.where(random.random(count) < 0.2, random.integers(1, CLASSES + 1, count), classes).astype(np.uint8)
    classes[random.random(count) < 0.07] = 0
    moved = np.roll(nearest, random.integers(-3, 4, 2), (0, 1))
    return classes[nearest], found[moved]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for folder in ("labels", "predictions"):
        os.makedirs(os.path.join(options.out, folder), exist_ok=True)
    for index in range(options.images):
        for folder, values in zip(("labels", "predictions"), pair(np.random.default_rng([options.seed, index]))):
            Image.fromarray(values).save(os.path.join(options.out, folder, f"{index:05}.png"))


if __name__ == "__main__":
    main()
