"""Draws a picture and what timm's RandAugment changes make of it, one below the other, in one PNG.

    pip install timm==1.0.31 pillow==13.0.0
    python3 make_augment.py changes.png

Rows of 24 pixels: the picture first, then each case of `cases()` in order. The test lists the same cases.
"""
import sys

import numpy as np
from PIL import Image
from timm.data import auto_augment as aa

HEIGHT, WIDTH = 24, 21
PLAIN = ["AutoContrast", "Equalize", "Invert", "PosterizeIncreasing", "SolarizeIncreasing", "SolarizeAdd"]
ENHANCE = ["ColorIncreasing", "ContrastIncreasing", "BrightnessIncreasing", "SharpnessIncreasing"]
GEOMETRY = ["Rotate", "ShearX", "ShearY", "TranslateXRel", "TranslateYRel"]


def picture():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.RandomState(7).randint(0, 40, (HEIGHT, WIDTH, 3))
    waves = np.stack([90 + 60 * np.sin(x / 3.0), 120 + 50 * np.cos(y / 4.0), 30 + 5.0 * (x + y)], 2)
    return Image.fromarray(np.clip(waves + noise, 0, 255).astype(np.uint8))


def cases():
    for name in PLAIN:
        for level in (4.0, 9.0):
            yield name, level, False, Image.Resampling.BILINEAR
    for name in ENHANCE:
        for level in (4.0, 9.0):
            for negated in (False, True):
                yield name, level, negated, Image.Resampling.BILINEAR
    for name in GEOMETRY:
        for level in (3.7, 9.0):
            for negated in (False, True):
                for resample in (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC):
                    yield name, level, negated, resample


def changed(name, level, negated, resample):
    # timm draws the sign where it turns a level into an argument.
    aa._randomly_negate = lambda value: -value if negated else value
    to_argument = aa.LEVEL_TO_ARG[name]
    arguments = to_argument(level, {}) if to_argument else ()
    return aa.NAME_TO_OP[name](picture(), *arguments, fillcolor=(124, 116, 104), resample=resample)


rows = [picture()] + [changed(*case) for case in cases()]
Image.fromarray(np.concatenate([np.asarray(row) for row in rows])).save(sys.argv[1], optimize=True)
