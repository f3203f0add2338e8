#!/usr/bin/env python3
"""Draws small evaluations and stores tidecv's answers beside them: tide.json.

    pip install pycocotools==2.0.11 numpy==2.2.6 opencv-python-headless==4.12.0.88 matplotlib==3.11.2 \
        seaborn==0.13.2 appdirs==1.4.4 tidecv==1.0.1
    python3 make_tide_fixtures.py

Truth and results have the form of make_coco_fixtures.py; AP and gains are in percent, as tidecv gives them.
"""
import json
import os
import tempfile

import numpy as np
import pycocotools.mask as mask_utils
from tidecv import TIDE, datasets

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(33)


def drawn(image_count, class_count, decimals, crowds):
    truth = {"images": [], "categories": [{"id": 2 * i + 1, "name": f"class {i}"} for i in range(class_count)],
             "annotations": []}
    ids = [c["id"] for c in truth["categories"]]
    results = []
    for i in range(image_count):
        height, width = (int(v) for v in rng.integers(60, 120, 2))
        truth["images"].append({"id": i + 1, "height": height, "width": width, "file_name": f"{i}.jpg"})
        for _ in range(int(rng.integers(0, 6))):
            w, h = rng.uniform(8, 50, 2)
            x, y = rng.uniform(0, width - 8), rng.uniform(0, height - 8)
            polygon = [round(float(v), 2) for v in (x, y, x + w, y + 1, x + w, y + h, x + 2, y + h)]
            rle = mask_utils.merge(mask_utils.frPyObjects([polygon], height, width))
            category = int(rng.choice(ids))
            truth["annotations"].append({
                "id": len(truth["annotations"]) + 1, "image_id": i + 1, "category_id": category,
                "segmentation": [polygon], "area": float(mask_utils.area(rle)),
                "bbox": [float(v) for v in mask_utils.toBbox(rle)], "iscrowd": int(rng.random() < crowds)})
            for _ in range(int(rng.integers(0, 4))):
                moved = [round(v + float(rng.normal(0, rng.choice([1, 5, 12]))), 2) for v in polygon]
                results.append((i + 1, category if rng.random() < 0.75 else int(rng.choice(ids)), moved, height, width))
        for _ in range(int(rng.integers(0, 3))):
            x, y = rng.uniform(0, width - 10), rng.uniform(0, height - 10)
            results.append((i + 1, int(rng.choice(ids)),
                            [round(float(v), 2) for v in (x, y, x + 9, y, x + 9, y + 9, x, y + 9)], height, width))
    found = []
    for image, category, polygon, height, width in results:
        rle = mask_utils.merge(mask_utils.frPyObjects([polygon], height, width))
        found.append({"image_id": image, "category_id": category, "score": round(float(rng.random()), decimals),
                      "bbox": [float(v) for v in mask_utils.toBbox(rle)],
                      "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()}})
    order = rng.permutation(len(found))
    return truth, [found[i] for i in order]


def evaluate(name, truth, results, mode):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, n) for n in ("gt.json", "dt.json")]
        for path, content in zip(paths, (truth, results)):
            with open(path, "w") as file:
                json.dump(content, file)
        tide = TIDE()
        run = tide.evaluate(datasets.COCO(paths[0]), datasets.COCOResult(paths[1]), mode=mode, name="run")
        errors = tide.get_all_errors()
    counts = {error.short_name: count for error, count in run.count_errors().items()}
    return {"name": name, "iou_type": "bbox" if mode == TIDE.BOX else "segm", "max_dets": None, "use_categories": True,
            "truth": truth, "results": results, "ap": float(run.ap), "counts": counts,
            "main": {k: float(v) for k, v in errors["main"]["run"].items()},
            "special": {k: float(v) for k, v in errors["special"]["run"].items()}}


def main():
    cases = []
    for name, count, classes, decimals, crowds in [
            ("drawn", 12, 3, 3, 0), ("ties", 14, 3, 1, 0), ("crowds", 12, 2, 2, 0.3), ("many classes", 6, 8, 2, 0.1)]:
        truth, results = drawn(count, classes, decimals, crowds)
        cases.append(evaluate(name + ", boxes", truth, results, TIDE.BOX))
        cases.append(evaluate(name + ", masks", truth, results, TIDE.MASK))
    with open(os.path.join(HERE, "tide.json"), "w") as file:
        versions = {"tidecv": "1.0.1", "pycocotools": "2.0.11", "numpy": np.__version__, "seed": 33}
        json.dump({"versions": versions, "cases": cases}, file, separators=(",", ":"))
        file.write("\n")
    for case in cases:
        print(case["name"], case["ap"], case["counts"], case["main"], case["special"])


if __name__ == "__main__":
    main()
