#!/usr/bin/env python3
"""Draws small evaluations and stores the boundary AP of boundary-iou-api beside them: coco-boundary.json.

    pip install pycocotools==2.0.11 numpy==2.2.6 opencv-python-headless==4.12.0.88 matplotlib==3.11.2 \
        git+https://github.com/bowenc0221/boundary-iou-api@37d25586a677b043ed585f10e5c42d4e80176ea9
    python3 make_boundary_fixtures.py

Same form as the files of make_coco_fixtures.py.
"""
import contextlib
import copy
import io
import json
import os

import numpy as np

np.float = float  # The reference was written for an older NumPy.
import pycocotools.mask as mask_utils  # noqa: E402
from boundary_iou.coco_instance_api.coco import COCO  # noqa: E402
from boundary_iou.coco_instance_api.cocoeval import COCOeval  # noqa: E402

from answers import answers

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(31)


def evaluate(name, truth, results):
    case = {"name": name, "iou_type": "boundary", "max_dets": None, "use_categories": True,
            "truth": copy.deepcopy(truth), "results": copy.deepcopy(results)}
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(get_boundary=True)
        gt.dataset = copy.deepcopy(truth)
        gt.createIndex()
        run = COCOeval(gt, gt.loadRes(copy.deepcopy(results)), "boundary")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return case | answers(run)


def polygon(image):
    count = int(rng.integers(3, 9))
    middle = rng.uniform(0, 1, 2) * [image["width"], image["height"]]
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(8, 60, count)
    points = np.stack([middle[0] + radius * np.cos(angle), middle[1] + radius * np.sin(angle)], 1)
    return [round(float(v), 2) for v in points.ravel()]


def encoded(parts, image):
    rle = mask_utils.merge(mask_utils.frPyObjects(parts, image["height"], image["width"]))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def drawn(image_count, low, high):
    truth = {"images": [{"id": i + 1, "height": int(rng.integers(low, high)), "width": int(rng.integers(low, high))}
                        for i in range(image_count)],
             "categories": [{"id": 2, "name": "a"}, {"id": 5, "name": "b"}], "annotations": []}
    results = []
    for image in truth["images"]:
        for _ in range(int(rng.integers(1, 5))):
            parts = [polygon(image) for _ in range(1 + int(rng.random() < 0.3))]
            rle = encoded(parts, image)
            crowd = int(rng.random() < 0.2)
            category = int(rng.choice([2, 5]))
            truth["annotations"].append({
                "id": len(truth["annotations"]) + 1, "image_id": image["id"], "category_id": category, "iscrowd": crowd,
                "segmentation": parts, "area": float(mask_utils.area(rle)),
                "bbox": [float(v) for v in mask_utils.toBbox(rle)]})
            for _ in range(int(rng.integers(1, 4))):
                shift = rng.normal(0, 2, 2)
                moved = [[round(v + float(shift[i % 2]), 2) for i, v in enumerate(part)] for part in parts]
                results.append({"image_id": image["id"], "category_id": category, "segmentation": encoded(moved, image),
                                "score": round(float(rng.random()), 1)})
    return truth, results


def main():
    cases = [evaluate(name, *drawn(count, low, high)) for name, count, low, high in [
        ("one pixel wide", 6, 20, 60), ("two pixels and more", 6, 80, 160), ("wide bands", 3, 200, 400)]]
    truth, results = drawn(4, 60, 90)
    boxed = [{**r, "bbox": [float(v) for v in mask_utils.toBbox(r["segmentation"])]} for r in results]
    cases.append(evaluate("area from box", truth, boxed))
    with open(os.path.join(HERE, "coco-boundary.json"), "w") as file:
        versions = {"boundary-iou-api": "37d25586", "pycocotools": "2.0.11", "numpy": np.__version__, "seed": 31}
        json.dump({"versions": versions, "cases": cases}, file, separators=(",", ":"))
        file.write("\n")
    print([case["stats"][0] for case in cases])


if __name__ == "__main__":
    main()
