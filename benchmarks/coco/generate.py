"""Draws a COCO-format truth with boxes, masks and poses, and results for each, at the scale of val2017.

    python3 generate.py OUT [--images 5000] [--boxes 100] [--masks 20] [--poses 20] [--seed 1]

Writes truth.json, poses_truth.json, boxes.json, masks.json, masks_with_boxes.json and poses.json. Same arguments, same bytes.
"""
import argparse
import json
import math
import os

import numpy as np

CLASSES = 80
SIZES = [(480, 640), (640, 480), (427, 640), (375, 500), (640, 640)]
# A standing figure, x and y as shares of its box.
FIGURE = np.array([
    (.50, .07), (.54, .05), (.46, .05), (.58, .07), (.42, .07), (.64, .21), (.36, .21), (.73, .37), (.27, .37), (.77, .51),
    (.23, .51), (.59, .53), (.41, .53), (.61, .73), (.39, .73), (.62, .94), (.38, .94)])
POINTS = ["nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
          "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
          "right_ankle"]


class Blob:
    """A shape with one stretch of pixels in each column: an ellipse with a wavy rim."""

    def __init__(self, random, box):
        self.box = box
        self.waves = random.integers(2, 6, 2)
        self.phases = random.uniform(0, 2 * math.pi, 2)

    def rims(self, x):
        """Upper and lower rim at columns x."""
        left, top, width, height = self.box
        u = np.clip((x - left) / width * 2 - 1, -1, 1)
        half = np.sqrt(np.maximum(0, 1 - u * u)) * height / 2
        middle = top + height / 2
        wave = [1 - .12 * (1 + np.sin(w * math.pi * u + p)) for w, p in zip(self.waves, self.phases)]
        return middle - half * wave[0], middle + half * wave[1]

    def polygon(self, vertices):
        x = self.box[0] + self.box[2] * (1 - np.cos(np.linspace(0, math.pi, vertices // 2 + 1))) / 2
        upper, lower = self.rims(x)
        outline = np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1][1:-1]])
        return outline.round(2)

    def runs(self, height, width):
        """COCO's run lengths: down the columns, background first."""
        first, last = max(0, math.ceil(self.box[0])), min(width, math.floor(self.box[0] + self.box[2]))
        if last <= first:
            return [height * width]
        columns = np.arange(first, last)
        upper, lower = self.rims(columns + .5)
        start = np.clip(np.ceil(upper), 0, height).astype(np.int64)
        end = np.clip(np.ceil(lower), 0, height).astype(np.int64)
        full = end > start
        edges = np.stack([columns[full] * height + start[full], columns[full] * height + end[full]], 1).ravel()
        # A stretch that begins where the last one ends is one stretch.
        joined = np.flatnonzero(edges[1:-1:2] == edges[2::2])
        edges = np.delete(edges, np.concatenate([2 * joined + 1, 2 * joined + 2]))
        return np.diff(np.concatenate([[0], edges, [height * width]])).tolist()


def packed(runs, known={}):
    """COCO's text form of run lengths: five bits a character; from the fourth on, differences to the run before last."""
    text = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        if value not in known:
            rest, characters, more = value, "", True
            while more:
                bits, rest = rest & 31, rest >> 5
                more = rest != (-1 if bits & 16 else 0)
                characters += chr(48 + bits + (32 if more else 0))
            known[value] = characters
        text.append(known[value])
    return "".join(text)


def moved(random, box, size, spread):
    dx, dy, dw, dh = random.normal(0, spread, 4)
    return kept((box[0] + dx * box[2], box[1] + dy * box[3], box[2] * math.exp(dw), box[3] * math.exp(dh)), size)


def anywhere(random, size):
    height, width = size
    w, h = np.exp(random.normal(3.9, 1, 2))
    w, h = min(w, .95 * width), min(h, .95 * height)
    return kept((random.uniform(0, width - w), random.uniform(0, height - h), w, h), size)


def kept(box, size):
    """The part of a box inside the picture, at least two pixels wide and high."""
    height, width = size
    x, y = min(max(box[0], 0), width - 2), min(max(box[1], 0), height - 2)
    return x, y, min(max(box[2], 2), width - x), min(max(box[3], 2), height - y)


def rounded(values, digits):
    return [round(float(value), digits) for value in values]


def pose(random, box, spread):
    x, y, width, height = box
    return FIGURE * [width, height] + [x, y] + random.normal(0, spread, (17, 2)) * [width, height]


def truths(options, random):
    shares = 1 / np.arange(1, CLASSES + 1)
    shares /= shares.sum()
    images, objects, number = [], [], 1000
    for index in range(options.images):
        size = SIZES[random.integers(len(SIZES))]
        images.append({"id": 7 * index + 11, "file_name": f"{index:06d}.jpg", "height": size[0], "width": size[1]})
        present = random.choice(CLASSES, 3, p=shares)
        for _ in range(min(int(random.geometric(1 / 8.4)) - 1, 60)):
            number += int(random.integers(1, 30))
            box = anywhere(random, size)
            crowd = bool(random.uniform() < .01)
            blob = Blob(random, box)
            runs = blob.runs(*size)
            shape = {"size": list(size), "counts": runs} if crowd else [
                blob.polygon(int(random.integers(10, 61))).ravel().tolist()]
            record = {"id": number, "image_id": images[-1]["id"], "category_id": int(present[random.integers(3)]) + 1,
                      "bbox": rounded(box, 2), "area": float(sum(runs[1::2])), "iscrowd": int(crowd), "segmentation": shape}
            points = None
            if record["category_id"] == 1:
                points = pose(random, box, .02).round().astype(int)
                seen = random.choice([0, 1, 2], 17, p=[.25, .2, .55])
                if crowd or record["area"] < 900:
                    seen[:] = 0
                record["keypoints"] = [value for (x, y), v in zip(points.tolist(), seen.tolist())
                                       for value in ((x, y, v) if v else (0, 0, 0))]
                record["num_keypoints"] = int((seen > 0).sum())
            objects.append((index, record, box, blob))
    return images, objects


def results(options, key, images, objects, count, only=None):
    """`count` detections a picture: copies of its objects that are off by a little, and others anywhere."""
    random = np.random.default_rng([options.seed, key])
    here = [[] for _ in images]
    for index, record, box, blob in objects:
        if only is None or record["category_id"] == only:
            here[index].append((record, box, blob))
    for index, image in enumerate(images):
        size = (image["height"], image["width"])
        for _ in range(count):
            found = here[index] and random.uniform() < .45
            if found:
                record, box, blob = here[index][random.integers(len(here[index]))]
                spread = abs(random.normal(.04, .06))
                category = record["category_id"] if only or random.uniform() < .85 else int(random.integers(CLASSES)) + 1
                score = min(max(.95 - 3 * spread - abs(random.normal(0, .25)), .001), 1)
                box, blob = moved(random, box, size, spread), blob
            else:
                spread, blob, box = .05, None, anywhere(random, size)
                category = only or int(random.integers(CLASSES)) + 1
                score = min(random.exponential(.06) + .001, .9)
            yield random, size, blob, spread, box, {
                "image_id": image["id"], "category_id": category, "score": round(float(score), 5)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--boxes", type=int, default=100)
    parser.add_argument("--masks", type=int, default=20)
    parser.add_argument("--poses", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)

    def write(name, value):
        with open(os.path.join(options.out, name), "w") as file:
            json.dump(value, file)

    images, objects = truths(options, np.random.default_rng(options.seed))
    records = [record for _, record, _, _ in objects]
    categories = [{"id": i, "name": f"class{i:02d}"} for i in range(1, CLASSES + 1)]
    write("truth.json", {"images": images, "annotations": records, "categories": categories})
    write("poses_truth.json", {
        "images": images, "annotations": [r for r in records if r["category_id"] == 1],
        "categories": [{"id": 1, "name": "person", "keypoints": POINTS, "skeleton": []}]})
    write("boxes.json", [
        {**record, "bbox": rounded(box, 3)}
        for _, _, _, _, box, record in results(options, 1, images, objects, options.boxes)])
    plain, boxed = [], []
    for random, size, blob, _, box, record in results(options, 2, images, objects, options.masks):
        shape = Blob(random, box)
        if blob:
            shape.waves, shape.phases = blob.waves, blob.phases
        record["segmentation"] = {"size": list(size), "counts": packed(shape.runs(*size))}
        plain.append(record)
        boxed.append({**record, "bbox": rounded(box, 2)})
    write("masks.json", plain)
    write("masks_with_boxes.json", boxed)
    write("poses.json", [
        {**record, "keypoints": [value for x, y in pose(random, box, spread).round(2).tolist() for value in (x, y, 1)]}
        for random, _, _, spread, box, record in results(options, 3, images, objects, options.poses, only=1)])


if __name__ == "__main__":
    main()
