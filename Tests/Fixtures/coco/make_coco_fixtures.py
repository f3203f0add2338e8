#!/usr/bin/env python3
"""Draws small COCO evaluations and stores pycocotools' answers: coco-{bbox,segm,keypoints}.json, coco-polygons.json.

    python3 -m venv venv && venv/bin/pip install pycocotools==2.0.11 numpy==2.4.6
    venv/bin/python make_coco_fixtures.py

Everything is drawn from seed 20; nothing is downloaded. Numbers are stored as their shortest round-trip decimals, the
whole precision, recall and score arrays as SHA-256 of their C-order doubles, so that tests compare to the last bit.
Keypoint answers depend on the machine's exp() by one unit in the last place of single similarities; no stored case has
a similarity that close to a threshold.
"""
import contextlib
import copy
import io
import json
import os

import numpy as np
import pycocotools
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from answers import answers

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(20)
VERSIONS = {"pycocotools": "2.0.11", "numpy": np.__version__, "seed": 20}


def evaluate(name, iou_type, truth, results, max_dets=None, use_cats=True):
    case = {"name": name, "iou_type": iou_type, "max_dets": max_dets, "use_categories": use_cats,
            "truth": copy.deepcopy(truth), "results": copy.deepcopy(results)}
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = copy.deepcopy(truth)
        gt.createIndex()
        dt = gt.loadRes(copy.deepcopy(results))
        run = COCOeval(gt, dt, iou_type)
        if max_dets:
            run.params.maxDets = list(max_dets)
        run.params.useCats = 1 if use_cats else 0
        run.evaluate()
        run.accumulate()
        run.summarize()
    return case | answers(run)


def images(count, first=1):
    return [{"id": first + i, "height": int(rng.integers(30, 90)), "width": int(rng.integers(30, 90)),
             "file_name": f"{i}.jpg"} for i in range(count)]


def categories(count):
    return [{"id": 3 * i + 1, "name": f"class {i}"} for i in range(count)]


def drawn_boxes(image_count=12, class_count=4, truths=4, crowds=0.1, decimals=2, scale=1.0):
    truth = {"images": images(image_count), "categories": categories(class_count), "annotations": []}
    results = []
    for image in truth["images"]:
        for _ in range(int(rng.integers(0, truths + 1))):
            w, h = rng.uniform(4, 40, 2) * scale
            x, y = rng.uniform(0, image["width"] * scale), rng.uniform(0, image["height"] * scale)
            box = [round(float(v), decimals) for v in (x, y, w, h)]
            category = int(rng.choice(class_count)) * 3 + 1
            truth["annotations"].append({
                "id": len(truth["annotations"]) + 1, "image_id": image["id"], "category_id": category, "bbox": box,
                "area": round(box[2] * box[3] * float(rng.uniform(0.4, 1)), 3), "iscrowd": int(rng.random() < crowds)})
            for _ in range(int(rng.integers(0, 4))):
                moved = [round(float(v), decimals) for v in np.array(box) + rng.normal(0, 2 * scale, 4)]
                results.append({"image_id": image["id"], "category_id": category, "bbox": moved,
                                "score": round(float(rng.random()), 1)})
        for _ in range(int(rng.integers(0, 3))):
            results.append({"image_id": image["id"], "category_id": int(rng.choice(class_count)) * 3 + 1,
                            "bbox": [round(float(v), decimals) for v in rng.uniform(0, 50 * scale, 4)],
                            "score": round(float(rng.random()), 2)})
    return truth, results


def box_cases():
    cases = []
    for i in range(3):
        truth, results = drawn_boxes()
        cases.append(evaluate(f"drawn {i}", "bbox", truth, results))
    truth, results = drawn_boxes(scale=4.0)
    cases.append(evaluate("all sizes", "bbox", truth, results))
    truth, results = drawn_boxes(crowds=0.6, truths=6)
    cases.append(evaluate("many crowds", "bbox", truth, results))
    for result in results:
        result["score"] = 0.5
    cases.append(evaluate("equal scores", "bbox", truth, results))
    truth, results = drawn_boxes(8, 2)
    cases.append(evaluate("limits 1 10 300", "bbox", truth, results, [1, 10, 300]))
    cases.append(evaluate("limits unsorted", "bbox", truth, results, [100, 1, 2]))
    cases.append(evaluate("classes joined", "bbox", truth, results, None, False))
    for annotation in truth["annotations"]:
        annotation["id"] -= 1
    cases.append(evaluate("truth id 0", "bbox", truth, results))
    for annotation in truth["annotations"]:
        annotation["id"] = annotation["id"] // 2 + 1
    cases.append(evaluate("repeated annotation ids", "bbox", truth, results))
    truth, results = drawn_boxes(5, 3)
    truth["categories"].append(dict(truth["categories"][0]))
    truth["categories"].append({"id": 50, "name": "without truth"})
    results += [{"image_id": 1, "category_id": c, "bbox": [0, 0, 9, 9], "score": 0.9} for c in (50, 77)]
    truth["annotations"].append({"id": 900, "image_id": 999, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0})
    truth["annotations"].append({"id": 901, "image_id": 1, "category_id": 99, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0})
    cases.append(evaluate("unknown and repeated classes", "bbox", truth, results))
    big = 2 ** 53
    truth = {"images": [{"id": big + 1, "height": 99, "width": 99}, {"id": big, "height": 99, "width": 99}],
             "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "only crowd"}], "annotations": []}
    boxes = [(big + 1, 1, [0, 0, 32, 32], 1024, 0), (big + 1, 1, [40, 0, 10, 10], 9216, 0), (big, 1, [0, 0, 10, 20], 200, 0),
             (big, 1, [0, 0, 10, 20], 200, 0), (big, 1, [50, 50, 0, 5], 0, 0), (big, 2, [0, 0, 30, 30], 900, 1)]
    for i, (image, category, box, area, crowd) in enumerate(boxes):
        truth["annotations"].append({"id": big + i, "image_id": image, "category_id": category, "bbox": box, "area": area,
                                     "iscrowd": crowd, "ignore": 1})
    results = [{"image_id": image, "category_id": category, "bbox": box, "score": score} for image, category, box, score in [
        (big + 1, 1, [0, 0, 32, 32], 0.9), (big + 1, 1, [40, 0, 10, 10], 0.9), (big, 1, [0, 0, 10, 10], 0.8),
        (big, 1, [0, 0, 10, 20], 0.7), (big, 1, [50, 50, 0, 5], 0.6), (big, 1, [5, 5, -3, 4], 0.6), (big, 2, [1, 1, 5, 5], 0.3),
        (big, 2, [2, 1, 5, 5], 0.3)]]
    cases.append(evaluate("bounds, equal overlaps, empty boxes, huge ids", "bbox", truth, results))
    return cases


def drawn_polygon(image, decimals=2):
    count = int(rng.integers(3, 9))
    middle = rng.uniform(0, 1, 2) * [image["width"], image["height"]]
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(3, 30, count)
    points = np.stack([middle[0] + radius * np.cos(angle), middle[1] + radius * np.sin(angle)], 1)
    return [round(float(v), decimals) for v in points.ravel()]


def string_rle(segmentation, image):
    rle = mask_utils.merge(mask_utils.frPyObjects(segmentation, image["height"], image["width"]))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def drawn_masks(image_count=8, class_count=3):
    truth = {"images": images(image_count), "categories": categories(class_count), "annotations": []}
    results = []
    for image in truth["images"]:
        for _ in range(int(rng.integers(1, 5))):
            parts = [drawn_polygon(image) for _ in range(1 + int(rng.random() < 0.3))]
            category = int(rng.choice(class_count)) * 3 + 1
            rle = string_rle(parts, image)
            crowd = int(rng.random() < 0.2)
            segmentation = parts
            if crowd:
                bitmap = mask_utils.decode(rle)
                counts, last, length = [], 0, 0
                for value in bitmap.ravel(order="F"):
                    if value != last:
                        counts.append(length)
                        last, length = value, 0
                    length += 1
                segmentation = {"size": rle["size"], "counts": counts + [length]}
            truth["annotations"].append({
                "id": len(truth["annotations"]) + 1, "image_id": image["id"], "category_id": category, "iscrowd": crowd,
                "segmentation": segmentation, "area": float(mask_utils.area(rle)), "bbox": [float(v) for v in mask_utils.toBbox(rle)]})
            for _ in range(int(rng.integers(0, 3))):
                moved = [[round(v + float(rng.normal(0, 1)), 2) for v in part] for part in parts]
                results.append({"image_id": image["id"], "category_id": category, "segmentation": string_rle(moved, image),
                                "score": round(float(rng.random()), 1)})
        results.append({"image_id": image["id"], "category_id": 1, "segmentation": string_rle([drawn_polygon(image)], image),
                        "score": round(float(rng.random()), 2)})
    return truth, results


def mask_cases():
    cases = []
    for i in range(3):
        truth, results = drawn_masks()
        cases.append(evaluate(f"drawn {i}", "segm", truth, results))
    cases.append(evaluate("masks read for boxes", "bbox", truth, results))
    boxed = copy.deepcopy(results)
    for result in boxed:
        result["bbox"] = [float(v) for v in mask_utils.toBbox(result["segmentation"])]
    cases.append(evaluate("area from box", "segm", truth, boxed))
    for result in boxed:
        del result["segmentation"]
    cases.append(evaluate("boxes drawn as masks", "segm", truth, boxed))
    odd = copy.deepcopy(truth)
    for annotation in odd["annotations"]:
        if not annotation["iscrowd"]:
            annotation["segmentation"] = [part + part[-2:] + [1.0] for part in annotation["segmentation"]]
    cases.append(evaluate("odd counts, repeated points", "segm", odd, results))
    other = copy.deepcopy(results)
    for result in other[::3]:
        h, w = result["segmentation"]["size"]
        result["segmentation"] = string_rle([drawn_polygon({"height": h + 1, "width": w})], {"height": h + 1, "width": w})
    cases.append(evaluate("other mask sizes", "segm", truth, other))
    return cases


def drawn_poses(image_count=10, integers=True):
    truth = {"images": images(image_count), "categories": [{"id": 1, "name": "person"}], "annotations": []}
    results = []
    for image in truth["images"]:
        for _ in range(int(rng.integers(1, 4))):
            x, y, w, h = rng.uniform(10, 120, 4)
            points = np.stack([rng.uniform(x, x + w, 17), rng.uniform(y, y + h, 17)], 1)
            points = np.round(points) if integers else np.round(points, 3)
            visible = rng.choice([0, 1, 2], 17) * int(rng.random() < 0.85)
            flat = [v for point, flag in zip(points, visible) for v in (*map(int if integers else float, point * (flag > 0)), int(flag))]
            truth["annotations"].append({
                "id": len(truth["annotations"]) + 1, "image_id": image["id"], "category_id": 1, "iscrowd": int(rng.random() < 0.1),
                "bbox": [round(float(v), 2) for v in (x, y, w, h)], "area": round(float(w * h * 0.6), 2), "keypoints": flat,
                "num_keypoints": int((visible > 0).sum())})
            for _ in range(int(rng.integers(0, 3))):
                moved = points + rng.normal(0, rng.uniform(1, 12), points.shape)
                results.append({"image_id": image["id"], "category_id": 1, "score": round(float(rng.random()), 2),
                                "keypoints": [round(float(v), 2) for point in moved for v in (*point, 1.0)]})
    return truth, results


def pose_cases():
    cases = []
    for integers in (True, False):
        truth, results = drawn_poses(integers=integers)
        cases.append(evaluate(f"integer truth {integers}", "keypoints", truth, results))
    boxed = copy.deepcopy(results)
    for result in boxed:
        result["bbox"] = [1.5, 2.5, 40.25, 50.5]
    cases.append(evaluate("area from box", "keypoints", truth, boxed))
    cases.append(evaluate("limit 5 leaves nothing", "keypoints", truth, results, [5]))
    cases.append(evaluate("classes joined", "keypoints", truth, results, None, False))
    return cases


def polygon_cases():
    cases = []
    for i in range(80):
        h, w = int(rng.integers(1, 60)), int(rng.integers(1, 60))
        count = int(rng.integers(3, 12))
        spread = [1.0, 1.0, 1.6, 0.2][i % 4]
        xy = (rng.uniform(-0.3, 1.3, (count, 2)) * spread * [w, h])
        if i % 5 == 0:
            xy = np.round(xy)
        if i % 7 == 0:
            xy[1] = xy[0]
        xy = [round(float(v), 3) for v in xy.ravel()]
        if i % 9 == 0:
            xy.append(3.25)
        rle = mask_utils.frPyObjects([xy], h, w)[0]
        cases.append({"height": h, "width": w, "polygon": xy, "counts": rle["counts"].decode(),
                      "area": int(mask_utils.area(rle)), "bbox": [float(v) for v in mask_utils.toBbox(rle)]})
    return cases


def write(name, cases):
    with open(os.path.join(HERE, name), "w") as file:
        json.dump({"versions": VERSIONS, "cases": cases}, file, separators=(",", ":"))
        file.write("\n")


write("coco-bbox.json", box_cases())
write("coco-segm.json", mask_cases())
write("coco-keypoints.json", pose_cases())
write("coco-polygons.json", polygon_cases())
