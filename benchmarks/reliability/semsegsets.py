"""Draws small folders of label maps, and counts and scores them again with numpy alone.

The formulas are mmsegmentation's (intersect_and_union, total_area_to_metrics) and those of Documentation/Metrics.md.
"""
import os
import struct
import zlib

import numpy as np

ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


class SemsegSet:
    def __init__(self, seed):
        random = self.random = np.random.default_rng([202, seed])
        self.ade = self.chance(.1)
        self.classes = 150 if self.ade else int(self.one_of([1, 2, 3, 8, 19, 150, 255, 300, 1000]))
        self.reduces = self.ade or self.chance(.4)
        self.first = int(self.reduces)
        beyond = [self.first + self.classes, 255, 65535] + ([0] if self.reduces else [])
        allowed = [v for v in beyond if not self.first <= v < self.first + self.classes]
        self.ignore = 0 if self.ade else int(self.one_of(allowed)) if self.chance(.7) else None
        self.boundary, self.confusion = self.chance(.4), self.chance(.5)
        self.label_size = int(random.integers(1, 40)) if self.chance(.2) else None
        self.fault = self.one_of(["value", "size"]) if self.chance(.04) else None
        present = random.permutation(self.classes)[:random.integers(1, min(self.classes, 12) + 1)] + self.first
        self.unscored = sorted(({0} if self.reduces else set()) | ({self.ignore} - {None}))
        self.pairs = [self.pair(present) for _ in range(random.integers(1, 13))]
        if self.fault:
            self.spoil(int(random.integers(len(self.pairs))))

    def chance(self, share):
        return bool(self.random.random() < share)

    def one_of(self, values):
        return values[self.random.integers(len(values))]

    def map(self, present, height, width):
        """Regions, stripes, noise, one class, or nothing that is scored."""
        form = self.random.integers(5)
        if form == 4 and self.unscored and self.chance(.5):
            return np.full((height, width), self.one_of(self.unscored))
        if form == 3:
            return np.full((height, width), self.one_of(present))
        values = np.concatenate([present, self.unscored, []]).astype(int)
        if form == 2:
            return values[self.random.integers(0, len(values), (height, width))]
        if form == 1:
            return np.resize(values, (height, width))
        cell = int(self.random.integers(2, 9))
        coarse = values[self.random.integers(0, len(values), (-(-height // cell), -(-width // cell)))]
        return coarse.repeat(cell, 0).repeat(cell, 1)[:height, :width]

    def pair(self, present):
        height, width = (int(v) for v in self.random.integers(1, self.one_of([2, 10, 60, 130]), 2))
        label = self.map(present, height, width)
        found = self.map(present, height, width) if self.chance(.4) else label.copy()
        if self.chance(.6):
            found = np.roll(found, self.random.integers(-3, 4, 2), (0, 1))
        if self.chance(.3):
            hit = self.random.random(found.shape) < .1
            found[hit] = self.random.integers(self.first, self.first + self.classes, hit.sum())
        return label.astype(np.int64), found.astype(np.int64)

    def spoil(self, index):
        label, found = self.pairs[index]
        if self.fault == "size":
            self.pairs[index] = label, np.concatenate([found, found[:1]])
            return
        bad = next(v for v in [self.first + self.classes, self.first + self.classes + 1, 65534]
                   if v not in self.unscored)
        target = [label, found][self.random.integers(2)]
        target[self.random.integers(target.shape[0]), self.random.integers(target.shape[1])] = bad
        if self.label_size:
            self.label_size = None

    def write(self, folder):
        for side, name in enumerate(("labels", "predictions")):
            os.makedirs(os.path.join(folder, name))
            for index, maps in enumerate(self.pairs):
                with open(os.path.join(folder, name, f"{index:02}.png"), "wb") as file:
                    file.write(png(maps[side], self.random))

    def arguments(self, folder):
        found = ["--gt", os.path.join(folder, "labels"), "--pred", os.path.join(folder, "predictions")]
        if self.ade:
            found += ["--dataset", "ade20k"]
        else:
            found += ["--classes", str(self.classes)] + ["--reduce-zero-label"] * self.reduces
            found += ["--ignore-label", str(self.ignore)] if self.ignore is not None else []
        found += ["--boundary"] * self.boundary + ["--confusion"] * self.confusion
        return found + (["--label-size", str(self.label_size)] if self.label_size else [])

    def class_of(self, values):
        """0 to K - 1, and -1 where a value names no class."""
        inside = (values >= self.first) & (values < self.first + self.classes)
        return np.where(inside, values - self.first, -1)

    def resized(self, values):
        height, width = values.shape
        if not self.label_size or min(height, width) <= self.label_size:
            return values
        factor = self.label_size / min(height, width)
        sides = [max(1, int(side * factor + .5)) for side in (height, width)]
        rows, columns = ([(2 * i + 1) * old // (2 * new) for i in range(new)]
                         for old, new in zip((height, width), sides))
        return values[np.ix_(rows, columns)]

    def expected(self):
        """Integers of the tables, and each metric with the number of values in its mean."""
        counts = [counted(self.class_of(a), self.class_of(b), self.classes)
                  for a, b in ((self.resized(a), self.resized(b)) for a, b in self.pairs)]
        confusion = sum(c for c, _ in counts)
        areas = [(np.diag(c), c.sum(0), c.sum(1) + lost) for c, lost in counts]
        bands = [band_areas(self.resized(a), self.resized(b), self) for a, b in self.pairs] if self.boundary else None
        return {"confusion": confusion, "areas": [sum(part) for part in zip(*areas)],
                "metrics": metrics(areas, self.classes, bands)}


def counted(label, found, classes):
    """Pixels by true and predicted class; pixels of each true class that are predicted as none."""
    both = (label >= 0) & (found >= 0)
    pairs = np.zeros((classes, classes), np.int64)
    np.add.at(pairs, (label[both], found[both]), 1)
    return pairs, np.bincount(label[(label >= 0) & (found < 0)], minlength=classes)


def band(values, distance):
    """True where another value or the end of the picture lies within `distance` rows and columns."""
    padded = np.pad(values, distance, constant_values=-9)
    side = 2 * distance + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return (windows != values[:, :, None, None]).any((2, 3))


def band_areas(label, found, drawn):
    distance = max(1, round(.02 * (label.shape[0] ** 2 + label.shape[1] ** 2) ** .5))
    true, guess = drawn.class_of(label), drawn.class_of(found)
    at_label, at_found = band(label, distance) & (true >= 0), band(found, distance) & (true >= 0) & (guess >= 0)
    def areas(mask, values):
        return np.bincount(values[mask], minlength=drawn.classes)
    return areas(at_label & at_found & (true == guess), true), areas(at_found, guess), areas(at_label, true)


def mean(values):
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    return (None, 0) if values.size == 0 else (float(values.mean()), values.size)


def metrics(areas, classes, bands):
    with np.errstate(divide="ignore", invalid="ignore"):
        inter, pred, label = (sum(part).astype(float) for part in zip(*areas))
        union = pred + label - inter
        iou = inter / union
        own = [np.where(p + l - i > 0, i / (p + l - i), np.nan) for i, p, l in areas]
        total = label.sum()
        found = {
            "mIoU": mean(iou), "mIoU_gtclasses": mean(iou[label > 0]), "mIoU_pairs": mean(np.concatenate(own)),
            "mIoU_images": mean([v for v in (mean(row)[0] for row in own) if v is not None]),
            "mIoU_official150": (float((inter / (2.**-52 + union)).sum() / classes), classes) if total else (None, 0),
            "fwIoU": (float((label / total * iou)[label > 0].sum()), classes) if total else (None, 0),
            "aAcc": (float(inter.sum() / total), 0) if total else (None, 0),
            "mAcc": mean(np.where(label > 0, inter / label, np.nan)), "mDice": mean(2 * inter / (pred + label))}
        found["mIoU_images"] = found["mIoU_images"][0], len(areas) + classes
        if bands:
            inter, pred, label = (sum(part).astype(float) for part in zip(*bands))
            found["mIoU_boundary"] = mean(inter / (pred + label - inter))
    return found


def png(values, random):
    """A grey or palette PNG of the smallest or a larger depth, with drawn row filters, interlaced at times."""
    depths = [d for d in (1, 2, 4, 8, 16) if values.max() < 1 << d]
    depth = depths[0] if random.random() < .3 else int(random.choice([d for d in depths if d >= 8] or depths))
    palette, interlaced = depth <= 8 and random.random() < .3, random.random() < .1
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = b"".join(filtered(values[y::dy, x::dx], depth, random) for y, x, dy, dx in passes)
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, 3 if palette else 0, 0, 0, int(interlaced))
    colours = chunk(b"PLTE", bytes(random.integers(0, 256, 3 << depth, dtype=np.uint8))) if palette else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + colours + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def filtered(part, depth, random):
    if part.size == 0:
        return b""
    if depth == 16:
        lines = part.astype(">u2").view(np.uint8).reshape(part.shape[0], -1)
    else:
        bits = (part[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
        lines = np.packbits(bits.reshape(part.shape[0], -1).astype(np.uint8), axis=1)
    step = 2 if depth == 16 else 1
    lines = lines.astype(np.int64)
    above, out = np.zeros(lines.shape[1], np.int64), []
    for line in lines:
        left = np.concatenate([np.zeros(step, np.int64), line[:-step]])[:len(line)]
        corner = np.concatenate([np.zeros(step, np.int64), above[:-step]])[:len(line)]
        guess = left + above - corner
        near = [abs(guess - left), abs(guess - above), abs(guess - corner)]
        paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], above, corner))
        kind = int(random.integers(5))
        out.append(bytes([kind]) + bytes((line - [0, left, above, (left + above) // 2, paeth][kind]).astype(np.uint8)))
        above = line
    return b"".join(out)
