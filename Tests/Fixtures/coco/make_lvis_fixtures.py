#!/usr/bin/env python3
"""Draws small federated evaluations and stores lvis-api's answers beside them: lvis.json.

    pip install pycocotools==2.0.11 numpy==2.2.6 opencv-python-headless==4.12.0.88 lvis==0.5.3
    python3 make_lvis_fixtures.py

Same form as the files of make_coco_fixtures.py; stats are AP, AP50, AP75, APs, APm, APl, APr, APc, APf, AR, ARs, ARm, ARl.
"""
import copy
import hashlib
import json
import logging
import os

import numpy as np

np.float = float  # The reference was written for an older NumPy.
import pycocotools.mask as mask_utils  # noqa: E402
from lvis import LVIS, LVISEval, LVISResults  # noqa: E402

logging.disable(logging.CRITICAL)
HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(32)
CATEGORIES = [{"id": i, "name": f"class {i}", "frequency": letter}
              for i, letter in zip([2, 3, 5, 8, 9, 12, 20], "rcffrcc")]


class FromMemory(LVIS):
    def __init__(self, dataset):
        self.logger = logging.getLogger(__name__)
        self.dataset = dataset
        self._create_index()


def evaluate(name, iou_type, truth, results, max_dets):
    case = {"name": name, "iou_type": iou_type, "max_dets": [max_dets], "use_categories": True, "federated": True,
            "truth": copy.deepcopy(truth), "results": copy.deepcopy(results)}
    gt = FromMemory(copy.deepcopy(truth))
    dt = LVISResults(gt, copy.deepcopy(results), max_dets)
    run = LVISEval(gt, dt, iou_type)
    run.params.max_dets = max_dets
    run.run()
    case["stats"] = [float(v) for v in run.get_results().values()]
    for key in ("precision", "recall"):
        array = run.eval[key][..., np.newaxis]  # One limit, as COCO's arrays have it.
        case[key + "_sha256"] = hashlib.sha256(np.ascontiguousarray(array, dtype="<f8").tobytes()).hexdigest()
    return case


def drawn(image_count, per_image, decimals):
    truth = {"images": [], "categories": CATEGORIES, "annotations": []}
    results = []
    ids = [c["id"] for c in CATEGORIES]
    for i in range(image_count):
        height, width = (int(v) for v in rng.integers(60, 220, 2))
        shown = [int(v) for v in rng.choice(ids, 3, replace=False)]
        rest = [v for v in ids if v not in shown]
        image = {"id": 100 - i, "height": height, "width": width, "neg_category_ids": rest[:2],
                 "not_exhaustive_category_ids": shown[:1] if rng.random() < 0.5 else []}
        truth["images"].append(image)
        for _ in range(int(rng.integers(1, 6))):
            w, h = rng.uniform(8, 120, 2)
            x, y = rng.uniform(0, width * 0.7), rng.uniform(0, height * 0.7)
            polygon = [round(float(v), 2) for v in (x, y, x + w, y + 2, x + w * 0.8, y + h, x + 3, y + h * 0.7)]
            rle = mask_utils.merge(mask_utils.frPyObjects([polygon], height, width))
            category = int(rng.choice(shown))
            box = [round(float(v), 2) for v in mask_utils.toBbox(rle)]
            truth["annotations"].append({
                "id": len(truth["annotations"]) + 1, "image_id": image["id"], "category_id": category,
                "segmentation": [polygon], "area": float(mask_utils.area(rle)), "bbox": box})
            if rng.random() < 0.15:
                truth["annotations"][-1]["ignore"] = 1
            for _ in range(int(rng.integers(0, 4))):
                moved = [round(v + float(rng.normal(0, 3)), 2) for v in polygon]
                found = mask_utils.merge(mask_utils.frPyObjects([moved], height, width))
                results.append({
                    "image_id": image["id"], "category_id": category if rng.random() < 0.8 else int(rng.choice(ids)),
                    "score": round(float(rng.random()), decimals),
                    "segmentation": {"size": found["size"], "counts": found["counts"].decode()}})
        for _ in range(per_image):
            w, h = int(rng.integers(4, 60)), int(rng.integers(4, 60))
            found = mask_utils.frPyObjects([[1, 1, 1 + w, 1, 1 + w, 1 + h, 1, 1 + h]], height, width)[0]
            results.append({"image_id": image["id"], "category_id": int(rng.choice(ids)),
                            "score": round(float(rng.random()), decimals),
                            "segmentation": {"size": found["size"], "counts": found["counts"].decode()}})
    order = rng.permutation(len(results))
    return truth, [results[i] for i in order]


def main():
    cases = []
    for name, count, extra, decimals, limit in [("drawn", 10, 3, 1, 300), ("few results count", 6, 6, 1, 5)]:
        truth, results = drawn(count, extra, decimals)
        cases.append(evaluate(f"{name}, masks", "segm", truth, results, limit))
        boxed = []
        for result in results:
            box = [float(v) for v in mask_utils.toBbox(result["segmentation"])]
            boxed.append({k: v for k, v in result.items() if k != "segmentation"} | {"bbox": box})
        cases.append(evaluate(f"{name}, boxes", "bbox", truth, boxed, limit))
    with open(os.path.join(HERE, "lvis.json"), "w") as file:
        versions = {"lvis": "0.5.3", "pycocotools": "2.0.11", "numpy": np.__version__, "seed": 32}
        json.dump({"versions": versions, "cases": cases}, file, separators=(",", ":"))
        file.write("\n")
    print([case["stats"] for case in cases])


if __name__ == "__main__":
    main()
