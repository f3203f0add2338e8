"""Draws small COCO data sets that lie near every rule of the tool: ties, crowds, empty parts, odd sizes, odd records.

A set is a dictionary: `kind` (bbox, segm, keypoints), `truth`, `results`, and the options `max_dets`, `area_ranges`, `sigmas`
(None for COCO's own). The same seed gives the same set.
"""
import json

import numpy as np
from pycocotools import mask as masks

CORNERS = [0, 1, 1023.9999, 1024, 1024.0001, 9215, 9216, 9216.5, 1e5, 1e10, 1e10 + 2, 4e12]


class CocoSet:
    def __init__(self, seed):
        self.random = np.random.default_rng([101, seed])
        self.kind = str(self.random.choice(["bbox", "segm", "keypoints"], p=[.5, .3, .2]))
        self.grid = self.chance(.5)
        self.reach = float(self.random.choice([8, 40, 300]))
        self.score_form = self.random.integers(5)
        self.points = 17 if self.chance(.6) else int(self.random.integers(1, 6))
        self.images = self.drawn_images()
        self.categories = self.ids(self.random.integers(1, 7))
        self.annotations = self.drawn_annotations()
        self.results = self.drawn_results()

    def chance(self, share):
        return bool(self.random.random() < share)

    def one_of(self, values):
        return values[self.random.integers(len(values))]

    def ids(self, count):
        """Distinct ids without order; sometimes far apart, sometimes with 0."""
        high = int(self.one_of([count + 2, 50, 10**6, 2**53]))
        low = 0 if self.chance(.2) else 1
        return sorted({int(x) for x in self.random.integers(low, max(high, count + 2), count)},
                      key=lambda _: self.random.random())

    def drawn_images(self):
        sides = [1, 2, 7, 20, 33] if self.kind == "segm" else [1, 64, 480, 640]
        same = self.chance(.5)
        height, width = int(self.one_of(sides)), int(self.one_of(sides))
        return [{"id": number, "height": height if same else int(self.one_of(sides)),
                 "width": width if same else int(self.one_of(sides)), "file_name": f"{number}.jpg"}
                for number in self.ids(self.random.integers(1, 7))]

    def box(self, image):
        """Mostly near another box of the set, so that overlaps at the thresholds occur; on whole numbers half of the time."""
        x, y = self.random.uniform(-2, self.reach, 2)
        w, h = self.random.exponential(self.reach / 2, 2)
        if self.chance(.03):
            w, h = self.one_of([0, 1e-9, 1e7]), self.one_of([0, 1e-9, 1e7])
        if self.grid:
            return [float(round(v)) if self.chance(.5) else int(round(v)) for v in (x, y, w, h)]
        return [round(float(v), int(self.random.integers(1, 17))) for v in (x, y, w, h)]

    def near(self, box):
        if self.chance(.3):
            return list(box)
        if self.grid:
            return [v + int(self.random.integers(-1, 2)) if i < 2 else max(0, v + int(self.random.integers(-2, 3)))
                    for i, v in enumerate(box)]
        spread = self.random.choice([.01, .1, .3]) * (1 + abs(box[2]) + abs(box[3]))
        x, y, w, h = (float(v + d) for v, d in zip(box, self.random.normal(0, spread, 4)))
        return [x, y, max(0., w), max(0., h)]

    def bitmap(self, height, width):
        form = self.random.integers(4)
        if form == 0:
            return self.random.random((height, width)) < self.random.random()
        bitmap = np.zeros((height, width), bool)
        if form < 3:
            top, left = self.random.integers(0, height), self.random.integers(0, width)
            bitmap[top:top + self.random.integers(1, height + 1), left:left + self.random.integers(1, width + 1)] = True
        return bitmap

    def runs(self, bitmap, as_text):
        height, width = bitmap.shape
        if as_text:
            text = masks.encode(np.asfortranarray(bitmap.astype(np.uint8)))
            return {"size": [height, width], "counts": text["counts"].decode()}
        flat = np.concatenate([[0], bitmap.ravel(order="F").astype(np.int8)])
        edges = np.flatnonzero(np.diff(flat))
        return {"size": [height, width],
                "counts": [int(v) for v in np.diff(np.concatenate([[0], edges, [height * width]]))]}

    def polygons(self, height, width):
        def polygon():
            count = int(self.random.integers(3, 9))
            outline = self.random.uniform(-2, 2 + max(height, width), (count, 2))
            return (outline.round() if self.grid else outline.round(int(self.random.integers(0, 4)))).ravel().tolist()
        return [polygon() for _ in range(self.random.integers(1, 4))]

    def keypoints(self, box, seen):
        x, y, w, h = box
        places = np.stack([self.random.uniform(x, x + w + 1e-9, self.points),
                           self.random.uniform(y, y + h + 1e-9, self.points)], 1)
        places = places.round() if self.grid else places.round(2)
        flags = self.random.choice([0, 1, 2], self.points) if seen else np.zeros(self.points, int)
        return [value for (a, b), v in zip(places.tolist(), flags.tolist()) for value in (a, b, v)]

    def drawn_annotations(self):
        odd = self.chance(.25)
        annotations, used = [], self.categories[:max(1, len(self.categories) - int(self.random.integers(0, 3)))]
        count = int(self.random.choice([0, 1, 3, 12, 40, 90], p=[.05, .1, .2, .3, .25, .1]))
        for number in self.ids(count):
            image = self.one_of(self.images)
            box = self.box(image) if not annotations or self.chance(.7) else self.near(self.one_of(annotations)["bbox"])
            crowd = int(self.chance(.12))
            record = {"id": number, "image_id": image["id"], "category_id": self.one_of(used), "bbox": box,
                      "area": float(self.one_of(CORNERS)) if self.chance(.3) else box[2] * box[3], "iscrowd": crowd}
            if self.chance(.1):
                record["ignore"] = int(self.chance(.5))
            if odd and self.chance(.1):
                record["category_id"] = max(self.categories) + 3
            if odd and self.chance(.1):
                record["image_id"] = max(image["id"] for image in self.images) + 5
            if odd and self.chance(.05) and annotations:
                record["id"] = self.one_of(annotations)["id"]
            if odd and self.chance(.05):
                record["id"] = 0
            if self.kind == "segm":
                size = image["height"], image["width"]
                record["segmentation"] = (
                    self.polygons(*size) if self.chance(.4) and not crowd else self.runs(self.bitmap(*size), self.chance(.5)))
            if self.kind == "keypoints":
                record["keypoints"] = self.keypoints(box, not crowd and self.chance(.8))
                seen = sum(v > 0 for v in record["keypoints"][2::3])
                record["num_keypoints"] = 0 if odd and self.chance(.1) else seen
            annotations.append(record)
        return annotations

    def score(self):
        if self.score_form == 0:
            return .5
        if self.score_form == 1:
            return float(self.random.integers(0, 4)) / 4
        if self.score_form == 2:
            return float(self.random.normal(0, 1e3))
        if self.score_form == 3:
            return float(np.float32(self.random.random()))
        return float(self.one_of([self.random.random(), 0., -0., 1e-300, 1., 1 + 2**-52, 5e-324]))

    def drawn_results(self):
        count = int(self.random.choice([0, 1, 5, 20, 60, 160], p=[.03, .07, .2, .3, .25, .15]))
        crowded = self.one_of(self.images) if self.chance(.4) else None
        boxed = self.kind == "bbox" or self.chance(.3)
        odd = self.chance(.2)
        sizes = {image["id"]: (image["height"], image["width"]) for image in self.images}
        known = [a for a in self.annotations if a["image_id"] in sizes]
        results = []
        for _ in range(count):
            image = crowded or self.one_of(self.images)
            source = self.one_of(known) if known and self.chance(.85) else None
            if source and crowded and source["image_id"] != crowded["id"]:
                source = None
            record = {"image_id": source["image_id"] if source else image["id"],
                      "category_id": source["category_id"] if source and self.chance(.85) else self.one_of(self.categories),
                      "score": self.score()}
            if odd and self.chance(.1):
                record["category_id"] = max(self.categories) + 3
            box = self.near(source["bbox"]) if source else self.box(image)
            if boxed:
                record["bbox"] = box
            if self.kind == "segm":
                record["segmentation"] = self.result_mask(sizes[record["image_id"]], source, boxed and odd)
            if self.kind == "keypoints":
                record["keypoints"] = self.keypoints(box, True)
                if source and self.chance(.6):
                    moved = np.array(source["keypoints"], float)
                    if self.chance(.6):
                        moved += self.random.normal(0, self.one_of([.1, 1, 5]), moved.shape).round(1)
                    record["keypoints"] = moved.tolist()
            results.append(record)
        return results

    def result_mask(self, size, source, may_be_polygon):
        if may_be_polygon and self.chance(.3):
            return self.polygons(*size)
        if may_be_polygon and self.chance(.1):
            size = (size[0] + 1, size[1])
        if source is None or self.chance(.2) or (form := source["segmentation"]) is None:
            return self.runs(self.bitmap(*size), True)
        if isinstance(form, list):
            form = masks.merge(masks.frPyObjects(form, *size))
        elif isinstance(form["counts"], list):
            form = masks.frPyObjects(form, *size)
        bitmap = masks.decode(form).astype(bool)
        if self.chance(.7):
            bitmap ^= self.random.random(bitmap.shape) < self.one_of([.02, .2])
        return self.runs(bitmap, True)

    def options(self):
        limits = ranges = None
        if self.kind == "keypoints":
            limits = [int(v) for v in self.one_of([[1], [5, 20], [20, 30]])] if self.chance(.15) else None
        elif self.chance(.3):
            limits = self.one_of([[1, 2, 100], [100, 10, 1], [3, 5, 7], [1, 10, 300], [1, 10, 100, 150], [100, 100, 100]])
        if self.chance(.2):
            ranges = self.one_of([
                [("all", 0, 1e10), ("small", 0, 100), ("medium", 100, 400.5), ("large", 400.5, 1e5)],
                [("all", 10, 50), ("medium", 0, 1e6), ("large", 5, 5), ("small", 0, 0)],
                [("all", 0, 1e10), ("tiny", 0, 16), ("large", 1024, 1e10)]])
        sigmas = None
        if self.kind == "keypoints" and self.points != 17:
            sigmas = [round(float(v), 3) for v in self.random.uniform(.01, .2, self.points)]
        return {"max_dets": limits, "area_ranges": ranges, "sigmas": sigmas}


def texts(seed):
    """The set as (kind, options, truth text, results text)."""
    drawn = CocoSet(seed)
    options = drawn.options()
    categories = [{"id": number, "name": f"c{number}"} for number in drawn.categories]
    for records in (categories, drawn.images):
        if drawn.chance(.02):
            records.append(dict(drawn.one_of(records)))
    truth = {"images": drawn.images, "annotations": drawn.annotations, "categories": categories}
    form = drawn.one_of([{}, {"separators": (",", ":")}, {"indent": 1}])
    return drawn.kind, options, json.dumps(truth, **form), json.dumps(drawn.results, **form)
