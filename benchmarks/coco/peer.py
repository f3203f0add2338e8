"""Scores one truth and results file with one peer; prints the numbers, and wall and CPU seconds without imports, as JSON.

    python3 peer.py PEER IOU_TYPE TRUTH RESULTS THREADS

PEER is pycocotools, faster-coco-eval, hotcoco, ultrafast-pycocotools or vernier (its native interface).
"""
import contextlib
import importlib
import io
import json
import os
import sys
import time

MODULES = {
    "pycocotools": ("pycocotools.coco", "COCO", "pycocotools.cocoeval", "COCOeval"),
    "faster-coco-eval": ("faster_coco_eval", "COCO", "faster_coco_eval", "COCOeval_faster"),
    "hotcoco": ("hotcoco", "COCO", "hotcoco", "COCOeval"),
    "ultrafast-pycocotools": ("ultrafast_pycocotools", "COCO", "ultrafast_pycocotools", "COCOeval"),
}


def vernier(kind, truth, results, threads):
    from vernier.instance import Bbox, CocoDataset, Evaluator, Keypoints, Segm

    def score():
        with open(truth, "rb") as file:
            dataset = CocoDataset.from_json(file.read())
        with open(results, "rb") as file:
            found = file.read()
        evaluator = Evaluator(iou={"bbox": Bbox, "segm": Segm, "keypoints": Keypoints}[kind](), parity_mode="strict")
        return evaluator.evaluate(dataset, found, num_threads=threads).stats
    return score


def like_pycocotools(peer, kind, truth, results):
    data_module, data_class, module, evaluator = MODULES[peer]
    data_class = getattr(importlib.import_module(data_module), data_class)
    evaluator = getattr(importlib.import_module(module), evaluator)

    def score():
        with contextlib.redirect_stdout(io.StringIO()):
            data = data_class(truth)
            run = evaluator(data, data.loadRes(results), kind)
            run.evaluate()
            run.accumulate()
            run.summarize()
        return run.stats
    return score


def main():
    peer, kind, truth, results, threads = sys.argv[1:]
    for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HOTCOCO_NUM_THREADS"):
        os.environ[name] = threads
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:int(threads)]))
    score = (vernier(kind, truth, results, int(threads)) if peer == "vernier"
             else like_pycocotools(peer, kind, truth, results))
    wall, cpu = time.perf_counter(), time.process_time()
    stats = score()
    print(json.dumps({"stats": [float(value) for value in stats], "wall": time.perf_counter() - wall,
                      "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
