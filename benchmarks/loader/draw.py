"""Draws JPEG files that are as hard to decode as photographs: noise of several sizes, grain, edges.

    python draw.py FOLDER --pictures 200 --scale 1
"""
import argparse
import os

import numpy
from PIL import Image


def noise(random, height, width, step):
    """Smooth noise of three channels whose waves are about `step` pixels long."""
    coarse = random.standard_normal((3, height // step + 3, width // step + 3)).astype(numpy.float32)
    return numpy.stack([numpy.asarray(Image.fromarray(c).resize((width, height), Image.BICUBIC)) for c in coarse], -1)


def picture(random, height, width):
    result = numpy.zeros((height, width, 3), numpy.float32)
    for step, strength in ((128, 40), (32, 25), (8, 14), (3, 9)):
        waves = noise(random, height, width, step)
        result += strength * (1.3 * waves.mean(2, keepdims=True) + 0.25 * waves)
    result += random.standard_normal((height, width, 1)).astype(numpy.float32) * random.uniform(8, 40)
    y, x = numpy.mgrid[:height, :width]
    for _ in range(14):
        row, column, radius, turn = (random.uniform(0, height), random.uniform(0, width), random.uniform(10, 90),
                                     random.uniform(0, numpy.pi))
        u = (x - column) * numpy.cos(turn) + (y - row) * numpy.sin(turn)
        v = (y - row) * numpy.cos(turn) - (x - column) * numpy.sin(turn)
        inside = (numpy.abs(u) < radius) & (numpy.abs(v) < radius * random.uniform(0.2, 1))
        result[inside] = result[inside] * 0.6 + random.uniform(-90, 90, 3)
    return numpy.clip(result + 128, 0, 255).astype(numpy.uint8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--scale", type=float, default=1, help="of both sides; 1 is about 500 x 375 pixels")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    random = numpy.random.default_rng(0)
    for number in range(options.pictures):
        sides = [(375, 500), (375, 500), (333, 500), (500, 375)][int(random.integers(4))]
        height, width = (round(side * options.scale) for side in sides)
        Image.fromarray(picture(random, height, width)).save(
            os.path.join(options.folder, f"{number:04}.jpg"), quality=90)


if __name__ == "__main__":
    main()
