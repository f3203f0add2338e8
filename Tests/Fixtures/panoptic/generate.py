"""Draws small panoptic pictures and stores panopticapi's answers beside them.

    pip install numpy==2.4.6 pillow==13.0.0 \
        git+https://github.com/cocodataset/panopticapi@7bb4655548f98f3fedc07bf37e9040a992b054b0
    python3 generate.py

Writes panoptic.json: maps as runs of [segment id, pixels] row by row, both lists of segments, and the answers of
panopticapi's own single-process counting.
"""
import contextlib
import io
import json
import os
import tempfile

import numpy as np
from PIL import Image
from panopticapi.evaluation import pq_compute_single_core
from panopticapi.utils import id2rgb

CATEGORIES = [{"id": 3, "name": "cup", "isthing": 1}, {"id": 9, "name": "grass", "isthing": 0},
              {"id": 4, "name": "ball", "isthing": 1}, {"id": 11, "name": "sky", "isthing": 0},
              {"id": 7, "name": "never", "isthing": 1}, {"id": 5, "name": "wall", "isthing": 0}]
USED = [3, 4, 9, 11, 5]


def runs(image):
    flat = image.reshape(-1)
    starts = np.concatenate([[0], np.nonzero(np.diff(flat))[0] + 1, [flat.size]])
    return [[int(flat[a]), int(b - a)] for a, b in zip(starts[:-1], starts[1:])]


def draw(rng, height, width, count, base=None):
    """A map of `count` boxes, or one moved a little from `base`; void is 0."""
    image = np.zeros((height, width), np.uint32)
    boxes = []
    for k in range(count):
        if base is None or rng.random() < 0.15:
            y, x = rng.integers(0, height - 2), rng.integers(0, width - 2)
            box = [y, x, y + rng.integers(2, height), x + rng.integers(2, width)]
        else:
            box = [max(0, int(v + rng.integers(-2, 3))) for v in base[k % len(base)]]
        boxes.append([int(v) for v in box])
        image[box[0]:box[2], box[1]:box[3]] = int(rng.integers(1, 1 << 24))
    return image, boxes


def segments(rng, image, categories, crowds):
    found = []
    for number, area in zip(*np.unique(image, return_counts=True)):
        if number == 0:
            continue
        found.append({"id": int(number), "category_id": int(rng.choice(categories)), "area": int(area),
                      "iscrowd": int(crowds and rng.random() < 0.2)})
    rng.shuffle(found)
    return found


def main():
    rng = np.random.default_rng(7)
    pictures = []
    for number in range(24):
        height, width = int(rng.integers(6, 30)), int(rng.integers(6, 30))
        truth, boxes = draw(rng, height, width, int(rng.integers(1, 9)))
        predicted, _ = draw(rng, height, width, int(rng.integers(1, 9)), boxes)
        if number == 5:
            truth[:] = 0
        if number == 6:
            predicted[:] = 0
        gt = segments(rng, truth, USED, True)
        dt = segments(rng, predicted, USED, False)
        for segment in dt:  # Mostly the class that lies below, or few pairs would match.
            under = truth[predicted == segment["id"]]
            under = under[under > 0]
            if under.size and rng.random() < 0.85:
                values, counts = np.unique(under, return_counts=True)
                wanted = values[counts.argmax()]
                segment["category_id"] = next(s["category_id"] for s in gt if s["id"] == wanted)
        if number == 7 and gt:
            gt[0]["area"] += 9      # another area than the map's
        if number == 8 and len(gt) > 1:
            gt.pop()                # a segment that the list does not name
        if number == 9:
            gt.append({"id": 77, "category_id": 4, "area": 12, "iscrowd": 0})  # and one that the map does not show
        pictures.append({"image_id": number + 1, "height": height, "width": width, "truth": runs(truth),
                         "truth_segments": gt, "predicted": runs(predicted), "predicted_segments": dt})
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        pairs = []
        for picture in pictures:
            sides = []
            for side in ("truth", "predicted"):
                image = np.concatenate([np.full(n, v, np.uint32) for v, n in picture[side]])
                name = f"{side}{picture['image_id']}.png"
                Image.fromarray(id2rgb(image.reshape(picture["height"], picture["width"]))).save(
                    os.path.join(folder, name))
                sides.append({"image_id": picture["image_id"], "file_name": name,
                              "segments_info": [dict(s) for s in picture[f"{side}_segments"]]})
            pairs.append(sides)
        categories = {c["id"]: c for c in CATEGORIES}
        stat = pq_compute_single_core(0, pairs, folder, folder, categories)
        means = {name: stat.pq_average(categories, thing)[0]
                 for name, thing in (("All", None), ("Things", True), ("Stuff", False))}
        classes = [{"id": c["id"], "iou": float(stat[c["id"]].iou), "tp": stat[c["id"]].tp, "fp": stat[c["id"]].fp,
                    "fn": stat[c["id"]].fn} for c in CATEGORIES]
    for picture in pictures:
        for segment in picture["predicted_segments"]:
            del segment["area"], segment["iscrowd"]
    answers = {name: {key: float(mean[key]) for key in ("pq", "sq", "rq")} | {"n": mean["n"]}
               for name, mean in means.items()}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "panoptic.json"), "w") as file:
        json.dump({"categories": CATEGORIES, "pictures": pictures, "classes": classes, "means": answers}, file,
                  separators=(",", ":"))
        file.write("\n")
    print(json.dumps(answers), classes)


if __name__ == "__main__":
    main()
