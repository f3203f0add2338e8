#!/usr/bin/env python3
"""pycocotools' answers on whole files, for a comparison that is run by hand: nothing of it is kept in the repository.

    pip install pycocotools==2.0.11 numpy==2.4.6
    python3 make_file_cases.py OUT --pair bbox TRUTH RESULTS --pair segm TRUTH RESULTS --drawn instances.json --drawn persons.json
    DMT_COCO_CASES=OUT/cases.json swift test -c release -Xswiftc -enable-testing --filter CocoReferenceTests

`--pair` takes files as they are; `--drawn` takes a truth and draws boxes and masks, or poses where it has keypoints: moved
truths, inventions and repetitions, with scores of two digits. OUT gets cases.json and the drawn results.
"""
import argparse
import contextlib
import io
import json
import os

import numpy as np
import pycocotools.mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from answers import answers


def evaluate(iou_type, truth, results):
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(truth)
        run = COCOeval(gt, gt.loadRes(results), iou_type)
        run.evaluate()
        run.accumulate()
        run.summarize()
    case = {"name": f"{iou_type} {os.path.basename(truth)} {os.path.basename(results)}", "iou_type": iou_type,
            "max_dets": None, "use_categories": True, "truth_file": os.path.abspath(truth),
            "results_file": os.path.abspath(results)}
    return case | answers(run)


def drawn(truth, folder):
    """Results for a truth, one file a kind."""
    rng = np.random.default_rng(4)
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(truth)
    has_poses = any("keypoints" in annotation for annotation in gt.dataset["annotations"])
    boxes, masks, poses = [], [], []
    for annotation in gt.dataset["annotations"]:
        size = [gt.imgs[annotation["image_id"]][key] for key in ("height", "width")]
        for _ in range(rng.integers(0, 4)):
            category = annotation["category_id"] if rng.random() < 0.85 else int(rng.choice(gt.getCatIds()))
            head = {"image_id": annotation["image_id"], "category_id": category, "score": round(float(rng.random()), 2)}
            x, y, w, h = annotation["bbox"]
            shift = rng.normal(0, 0.1, 4) * [w, h, w, h]
            box = [x + shift[0], y + shift[1], max(w + shift[2], 0), max(h + shift[3], 0)]
            boxes.append(head | {"bbox": [float(v) for v in box]})
            mask = np.roll(gt.annToMask(annotation), rng.integers(-4, 5, 2), (0, 1))
            rle = mask_utils.encode(np.asfortranarray(mask))
            masks.append(head | {"segmentation": {"size": size, "counts": rle["counts"].decode()}})
            if has_poses:
                points = np.array(annotation["keypoints"], float).reshape(-1, 3)
                points[:, :2] += rng.normal(0, 0.04, (len(points), 2)) * max(w, h)
                poses.append(head | {"keypoints": [float(v) for v in points.ravel()]})
    stem = os.path.splitext(os.path.basename(truth))[0]
    for kind, list in [("keypoints", poses)] if has_poses else [("bbox", boxes), ("segm", masks)]:
        path = os.path.join(folder, f"{stem}-{kind}.json")
        with open(path, "w") as file:
            json.dump(list, file)
        yield kind, truth, path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--pair", nargs=3, action="append", default=[])
    parser.add_argument("--drawn", action="append", default=[])
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    pairs = [tuple(pair) for pair in options.pair]
    for truth in options.drawn:
        pairs += drawn(truth, options.out)
    cases = []
    for pair in pairs:
        cases.append(evaluate(*pair))
        print(cases[-1]["name"], cases[-1]["stats"], flush=True)
    with open(os.path.join(options.out, "cases.json"), "w") as file:
        json.dump({"cases": cases}, file, indent=1)


if __name__ == "__main__":
    main()
