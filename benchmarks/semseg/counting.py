"""Megapixels per CPU second of one thread that each way of counting reaches on the same label maps; one JSON line.

    python3 counting.py DATA SOURCES [--images 100] [--rounds 5]

SOURCES is the project's folder: its counting kernel and the plain loops are compiled with the same compiler and options.
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from PIL import Image

CLASSES = 150
HERE = os.path.dirname(os.path.abspath(__file__))


def compiled(project):
    folder = tempfile.mkdtemp()
    kernels = os.path.join(project, "Sources/CMetricKernels")
    library = os.path.join(folder, "counting.so")
    subprocess.run(
        ["clang", "-O2", "-shared", "-fPIC", "-I", os.path.join(kernels, "include"), "-o", library,
         os.path.join(kernels, "semseg_counts.c"), os.path.join(HERE, "pair_table.c")], check=True)
    return ctypes.CDLL(library)


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def ways(library):
    """Each way takes a prediction and a label map and returns intersection, predicted and labelled pixels a class."""
    values = np.array([-1] + list(range(CLASSES)) + [-2] * 105, np.int32)
    scratch = np.zeros(2 * 65536, np.uint32)
    table = np.zeros(4 * 65536, np.uint32)
    counts = np.zeros((3, CLASSES), np.uint64)
    rest = np.zeros(1, np.uint64)

    def kernel(prediction, label):
        code = library.dmt_semseg_counts_u8(
            pointer(prediction), pointer(label), ctypes.c_size_t(label.size), pointer(values), pointer(values),
            ctypes.c_size_t(CLASSES), pointer(scratch), pointer(counts[0]), pointer(counts[1]), pointer(counts[2]),
            pointer(rest), None)
        assert code == 0
        return counts

    def from_pairs(pairs):
        pairs = pairs[1:CLASSES + 1, 1:CLASSES + 1]
        return np.diag(pairs), pairs.sum(0), pairs.sum(1)

    def plain(prediction, label):
        library.pair_table(pointer(prediction), pointer(label), ctypes.c_size_t(label.size), pointer(table))
        return from_pairs(table[:65536].reshape(256, 256))

    def bincount(kind):
        def run(prediction, label):
            index = label.astype(kind) * kind(CLASSES + 1) + prediction
            return from_pairs(np.bincount(index.ravel(), minlength=(CLASSES + 1) ** 2).reshape(CLASSES + 1, -1))
        return run

    result = {"dmt": kernel, "plain C pair table": plain, "numpy bincount, uint16": bincount(np.uint16),
              "numpy bincount, int64": bincount(np.int64)}
    try:
        from sklearn.metrics import confusion_matrix
        result["scikit-learn confusion_matrix"] = lambda prediction, label: from_pairs(
            confusion_matrix(label.ravel(), prediction.ravel(), labels=np.arange(CLASSES + 1)))
    except ImportError as error:
        print(error, file=sys.stderr)
    try:
        import torch
        torch.set_num_threads(1)

        def histc(prediction, label):
            p, l = torch.from_numpy(prediction).float(), torch.from_numpy(label).float()
            p, l = p[l != 0], l[l != 0]
            return [torch.histc(x, CLASSES, 1, CLASSES).numpy() for x in (p[p == l], p, l)]

        result["torch.histc x3 (mmseg)"] = histc
        from torchmetrics.functional.classification import multiclass_confusion_matrix

        def torchmetrics(prediction, label):
            return from_pairs(multiclass_confusion_matrix(
                torch.from_numpy(prediction).long(), torch.from_numpy(label).long(), CLASSES + 1).numpy())

        result["torchmetrics confusion matrix"] = torchmetrics
    except ImportError as error:
        print(error, file=sys.stderr)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("project")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    names = sorted(os.listdir(os.path.join(options.data, "labels")))[:options.images]
    maps = [tuple(np.ascontiguousarray(Image.open(os.path.join(options.data, folder, name)))
                  for folder in ("predictions", "labels")) for name in names]
    pixels = sum(label.size for _, label in maps)
    known, rates, equal = ways(compiled(options.project)), {}, {}
    expected = [[np.array(part, dtype=np.int64) for part in known["dmt"](*pair)] for pair in maps]
    for _ in range(options.rounds):
        for name, way in known.items():
            slow = name.startswith(("scikit", "torch"))
            part = maps[:max(1, len(maps) // 10)] if slow else maps
            start = time.process_time()
            found = [[np.array(x) for x in way(*pair)] for pair in part] if name != "dmt" else [way(*pair) for pair in part]
            seconds = time.process_time() - start
            rates.setdefault(name, []).append(sum(label.size for _, label in part) / seconds / 1e6)
            if name != "dmt":
                # Predictions on pixels that are not scored count nowhere; a pair table has them in row 0, left out.
                equal[name] = all(np.array_equal(np.asarray(a, np.int64), b) for x, y in zip(found, expected)
                                  for a, b in zip(x, y))
    print(json.dumps({"pixels": pixels, "rates": {name: statistics.median(x) for name, x in rates.items()},
                      "equal": equal}))


if __name__ == "__main__":
    main()
