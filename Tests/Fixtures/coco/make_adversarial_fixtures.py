#!/usr/bin/env python3
"""Draws small unpleasant evaluations and stores pycocotools' answers: coco-adversarial.json, or any number elsewhere.

    pip install pycocotools==2.0.11 numpy==2.2.6
    python3 make_adversarial_fixtures.py
    python3 make_adversarial_fixtures.py --count 10000 --seed 8 --out /tmp/many.json
    DMT_COCO_CASES=/tmp/many.json swift test -c release -Xswiftc -enable-testing --filter CocoReferenceTests

Ties everywhere, crowds, annotation ids of 0, repeated ids, empty boxes, masks of one pixel, more results than any limit,
classes without truth or without results, areas on the borders of the ranges, joined classes, unsorted limits.
"""
import argparse
import contextlib
import copy
import io
import json
import os

import numpy as np
import pycocotools.mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from answers import answers

HERE = os.path.dirname(os.path.abspath(__file__))


def evaluate(name, iou_type, truth, results, max_dets, use_cats):
    case = {"name": name, "iou_type": iou_type, "max_dets": max_dets, "use_categories": use_cats,
            "truth": copy.deepcopy(truth), "results": copy.deepcopy(results)}
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = truth
        gt.createIndex()
        run = COCOeval(gt, gt.loadRes(results), iou_type)
        if max_dets:
            run.params.maxDets = list(max_dets)
        run.params.useCats = int(use_cats)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return case | answers(run)


class Drawer:
    def __init__(self, seed, number):
        self.rng = np.random.default_rng([seed, number])

    def some(self, low, high):
        return int(self.rng.integers(low, high))

    def chance(self, share):
        return self.rng.random() < share

    def score(self):
        return [0.5, round(self.rng.random(), 1), self.rng.random(), 0.0, 1.0][self.some(0, 5)]

    def box(self, large):
        if self.chance(0.08):
            return [self.some(0, 20), self.some(0, 20), self.some(0, 2), self.some(0, 2)]
        scale = 8 if large else 1
        whole = self.chance(0.5)
        return [v if whole else round(v + self.rng.random(), self.some(1, 4)) for v in (
            self.some(0, 20) * scale, self.some(0, 20) * scale, self.some(1, 15) * scale, self.some(1, 15) * scale)]

    def rle(self, size):
        mask = np.zeros(size, np.uint8, order="F")
        if self.chance(0.2):
            mask[self.some(0, size[0]), self.some(0, size[1])] = 1
        elif not self.chance(0.05):
            y, x = self.some(0, size[0]), self.some(0, size[1])
            mask[y:y + self.some(1, 12), x:x + self.some(1, 12)] = 1
            if self.chance(0.2):
                mask ^= (self.rng.random(size) < 0.1).astype(np.uint8)
        return mask_utils.encode(mask)

    def pose(self, count=17):
        points = []
        for _ in range(count):
            visible = self.some(0, 3)
            points += [self.some(0, 60) * (visible > 0), self.some(0, 60) * (visible > 0), visible]
        return points

    def case(self, number):
        kind = ["bbox", "bbox", "bbox", "segm", "segm", "keypoints"][self.some(0, 6)]
        size = (self.some(4, 24), self.some(4, 24))
        large = self.chance(0.3)
        images = [{"id": i * self.some(1, 3) + 1, "height": size[0], "width": size[1]} for i in range(self.some(1, 4))]
        classes = [1] if kind == "keypoints" else [3 * i + 1 for i in range(self.some(1, 4))]
        truth = {"images": images, "categories": [{"id": c, "name": str(c)} for c in classes], "annotations": []}
        first = 0 if self.chance(0.15) else 1
        results = []
        ids = [i["id"] for i in images]
        for k in range(self.some(0, 7)):
            annotation = {"id": first + (k // 2 if self.chance(0.03) else k), "image_id": ids[self.some(0, len(ids))],
                          "category_id": classes[self.some(0, len(classes))], "iscrowd": int(self.chance(0.2)),
                          "bbox": self.box(large)}
            annotation["area"] = float([annotation["bbox"][2] * annotation["bbox"][3], 1024, 9216, 0][
                0 if self.chance(0.85) else self.some(1, 4)])
            if kind == "segm":
                rle = self.rle(size)
                annotation["segmentation"] = {"size": rle["size"], "counts": rle["counts"].decode()}
                annotation["bbox"] = [float(v) for v in mask_utils.toBbox(rle)]
                annotation["area"] = float(mask_utils.area(rle))
            if kind == "keypoints":
                annotation["keypoints"] = self.pose()
                annotation["num_keypoints"] = sum(v > 0 for v in annotation["keypoints"][2::3])
            truth["annotations"].append(annotation)
            for _ in range(self.some(0, 4)):
                results.append(self.near(kind, annotation, classes, size))
        extra = self.some(101, 130) if self.chance(0.02) and kind == "bbox" else self.some(0, 4)
        for _ in range(extra):
            target = {"image_id": ids[self.some(0, len(ids))], "category_id": classes[self.some(0, len(classes))],
                      "bbox": self.box(large), "keypoints": self.pose()}
            results.append(self.near(kind, target, classes, size, fresh=True))
        if not results:
            results.append(self.near(kind, {"image_id": ids[0], "category_id": classes[0], "bbox": self.box(large),
                                            "keypoints": self.pose()}, classes, size, fresh=True))
        order = self.rng.permutation(len(results))
        limits = None
        if kind != "keypoints" and self.chance(0.1):
            limits = [[1, 2, 3], [100, 1, 10], [2, 2, 100], [1, 10, 300]][self.some(0, 4)]
        use_cats = kind == "keypoints" or not self.chance(0.1)
        return evaluate(f"{number}", kind, truth, [results[i] for i in order], limits, use_cats)

    def near(self, kind, target, classes, size, fresh=False):
        result = {"image_id": target["image_id"], "score": self.score(),
                  "category_id": target["category_id"] if self.chance(0.85) else classes[self.some(0, len(classes))]}
        if kind == "bbox":
            result["bbox"] = [v + (0 if fresh or self.chance(0.6) else self.some(-2, 3)) for v in target["bbox"]]
        elif kind == "segm":
            if fresh or self.chance(0.4):
                rle = self.rle(size)
            else:
                rle = {"size": target["segmentation"]["size"], "counts": target["segmentation"]["counts"].encode()}
            result["segmentation"] = {"size": rle["size"], "counts": rle["counts"].decode()}
            if self.boxed:
                result["bbox"] = [float(v) for v in mask_utils.toBbox(rle)]
        else:
            result["keypoints"] = [v + (self.some(-3, 4) if i % 3 < 2 and self.chance(0.4) else 0)
                                   for i, v in enumerate(target["keypoints"])]
        return result

    boxed = False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", default=os.path.join(HERE, "coco-adversarial.json"))
    options = parser.parse_args()
    cases = []
    for number in range(options.count):
        drawer = Drawer(options.seed, number)
        drawer.boxed = drawer.chance(0.3)
        cases.append(drawer.case(number))
    with open(options.out, "w") as file:
        versions = {"pycocotools": "2.0.11", "numpy": np.__version__, "seed": options.seed}
        json.dump({"versions": versions, "cases": cases}, file, separators=(",", ":"))
        file.write("\n")
    defined = sum(case["stats"][0] >= 0 for case in cases)
    print(f"{len(cases)} cases, {defined} with a first number, {os.path.getsize(options.out)} bytes")


if __name__ == "__main__":
    main()
