"""From folders of PNG files to mIoU as Python pipelines do it, on several processes; one JSON line.

    python3 pipeline.py pillow|opencv DATA PROCESSES
"""
import json
import multiprocessing
import os
import sys

import numpy as np

CLASSES = 150


def pillow(path):
    from PIL import Image
    return np.asarray(Image.open(path))


def opencv(path):
    import cv2
    cv2.setNumThreads(1)
    return cv2.imread(path, cv2.IMREAD_UNCHANGED)


def count(job):
    kind, label, prediction = job
    load, width = (pillow, np.int64) if kind == "pillow" else (opencv, np.uint16)
    label, prediction = load(label), load(prediction)
    index = label.astype(width) * width(CLASSES + 1) + prediction
    return np.bincount(index.ravel(), minlength=(CLASSES + 1) ** 2)


def main():
    kind, data, processes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    names = sorted(os.listdir(os.path.join(data, "labels")))
    jobs = [(kind, os.path.join(data, "labels", name), os.path.join(data, "predictions", name)) for name in names]
    with multiprocessing.Pool(processes) as pool:
        pairs = sum(pool.imap_unordered(count, jobs, chunksize=16)).reshape(CLASSES + 1, -1)[1:]
    both, labelled, predicted = np.diag(pairs[:, 1:]), pairs.sum(1), pairs[:, 1:].sum(0)
    union = labelled + predicted - both
    print(json.dumps({"mIoU": float(np.mean(both[union > 0] / union[union > 0]))}))


if __name__ == "__main__":
    main()
