"""Compares dmt's scores with independent ones on drawn data sets, number by number.

    python3 benchmarks/reliability/differential.py coco|semseg --sets 10000 [--start 0] [--dmt .build/release/dmt]

`coco` compares with pycocotools: every number of the summary and of each class, the matrices of precision and scores of every
fifth set; equal means equal to the last bit. `semseg` compares with counting in numpy: counts of pixels, the confusion matrix and
the numbers of each class exactly, and means within the rounding of their sums. A set that differs stays in the work folder, and
its number is printed: `--sets 1 --start N` draws it again. Makes the peers' virtual environment unless DMT_BENCH_VENV names one.
"""
import argparse
import collections
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def coco_peer(kind, options, truth, results):
    """pycocotools' evaluation of two texts."""
    import numpy as np
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    data = COCO()
    data.dataset = json.loads(truth)
    data.createIndex()
    found = json.loads(results)
    if found:
        found = data.loadRes(found)
    else:
        # Its reader stops at an empty list; its evaluation does not.
        found = COCO()
        found.dataset = {**data.dataset, "annotations": []}
        found.createIndex()
    run = COCOeval(data, found, kind)
    if options["max_dets"]:
        run.params.maxDets = options["max_dets"]
    if options["area_ranges"]:
        run.params.areaRngLbl = [name for name, _, _ in options["area_ranges"]]
        run.params.areaRng = [[low, high] for _, low, high in options["area_ranges"]]
    if options["sigmas"]:
        run.params.kpt_oks_sigmas = np.array(options["sigmas"])
    run.evaluate()
    run.accumulate()
    run.summarize()
    return run


def class_numbers(run, index):
    """The summary of one class: the same code on arrays of that class alone."""
    import copy
    alone = copy.copy(run)
    alone.eval = {key: run.eval[key][..., index:index + 1, :, :] for key in ("precision", "recall")}
    alone.summarize()
    return [float(value) for value in alone.stats]


def compare_coco(seed, folder, options):
    import cocosets
    kind, settings, truth, results = cocosets.texts(seed)
    paths = [os.path.join(folder, name) for name in ("truth.json", "results.json", "curves.json")]
    for path, text in zip(paths, (truth, results)):
        with open(path, "w") as file:
            file.write(text)
    command = [options.dmt, "score", "coco", "--json", "--per-class", "--threads", "1", "--iou-type", kind,
               "--gt", paths[0], "--dt", paths[1]]
    if settings["max_dets"]:
        command += ["--max-dets", ",".join(map(str, settings["max_dets"]))]
    if settings["area_ranges"]:
        command += ["--area-ranges", ",".join(f"{name}={low}:{high}" for name, low, high in settings["area_ranges"])]
    if settings["sigmas"]:
        command += ["--sigmas", ",".join(map(str, settings["sigmas"]))]
    if seed % 5 == 0:
        command += ["--pr-curves", paths[2]]
    answer = subprocess.run(command, capture_output=True, text=True)
    try:
        run = coco_peer(kind, settings, truth, results)
    except Exception as error:
        same = answer.returncode in (0, 65)
        return f"{kind}: pycocotools stops ({type(error).__name__})", None if same else answer.stderr
    if answer.returncode != 0:
        return kind, f"exit code {answer.returncode}: {answer.stderr}"
    ours = json.loads(answer.stdout)
    theirs = [float(value) for value in run.stats]
    if ours["stats"] != theirs:
        return kind, f"summary {ours['stats']}, pycocotools {theirs}"
    classes = ours.get("per_class", [])
    if [row["category_id"] for row in classes] != [int(number) for number in run.params.catIds]:
        return kind, f"classes {[row['category_id'] for row in classes]}, pycocotools {run.params.catIds}"
    for index, row in enumerate(classes):
        values = [-1. if row[metric["name"]] is None else row[metric["name"]] for metric in ours["metrics"]]
        if values != class_numbers(run, index):
            return kind, f"class {row['category_id']}: {values}, pycocotools {class_numbers(run, index)}"
    if seed % 5 == 0:
        with open(paths[2]) as file:
            curves = json.load(file)["classes"]
        area = run.params.areaRngLbl.index("all")
        for index, row in enumerate(curves):
            for key in ("precision", "scores"):
                wanted = run.eval[key][:, :, index, area, -1]
                if row[key] is None and (wanted == -1).all():
                    continue
                if row[key] != wanted.tolist():
                    return kind, f"class {row['category_id']}: {key} of the curves differ"
        kind += ", with curves"
    return kind, None


def compare_semseg(seed, folder, options):
    import semsegsets
    drawn = semsegsets.SemsegSet(seed)
    drawn.write(folder)
    command = [options.dmt, "score", "semseg", "--json", "--threads", "1"] + drawn.arguments(folder)
    answer = subprocess.run(command, capture_output=True, text=True)
    if drawn.fault:
        return f"refused for a {drawn.fault}", None if answer.returncode == 65 else f"exit code {answer.returncode}, not 65"
    if answer.returncode != 0:
        return "maps", f"exit code {answer.returncode}: {answer.stderr}"
    ours, wanted = json.loads(answer.stdout), drawn.expected()
    keys = ("intersection_pixels", "predicted_pixels", "labelled_pixels")
    for key, areas in zip(keys, wanted["areas"]):
        if [row[key] for row in ours["class_table"]] != areas.tolist():
            return "maps", f"{key} differ"
    for row, inter, found, label in zip(ours["class_table"], *(part.tolist() for part in wanted["areas"])):
        union = found + label - inter
        numbers = [inter / union if union else None, inter / label if label else None,
                   2 * inter / (found + label) if union else None]
        if [row["IoU"], row["Acc"], row["Dice"]] != numbers:
            return "maps", f"class {row['class']}: {row}, counting {numbers}"
    if drawn.confusion and ours["confusion"] != wanted["confusion"].tolist():
        return "maps", "the confusion matrices differ"
    metrics = {metric["name"]: metric["value"] for metric in ours["metrics"]}
    if set(metrics) != set(wanted["metrics"]):
        return "maps", f"metrics {sorted(metrics)}, counting {sorted(wanted['metrics'])}"
    for name, (value, summed) in wanted["metrics"].items():
        # Numbers of at most 1, summed in another order: each sum is off by at most one rounding a term.
        bound = 2 * summed * 2.**-53
        if (metrics[name] is None) != (value is None) or value is not None and abs(metrics[name] - value) > bound:
            return "maps", f"{name} {metrics[name]}, counting {value}, bound {bound}"
    return "maps" + ", outlines too" * drawn.boundary, None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["coco", "semseg"])
    parser.add_argument("--sets", type=int, default=10000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--dmt", default=os.path.join(ROOT, ".build/release/dmt"))
    parser.add_argument("--work", default=os.path.join(ROOT, "runs/differential"))
    options = parser.parse_args()
    python = os.path.join(os.environ.get("DMT_BENCH_VENV") or os.path.join(options.work, "venv"), "bin/python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", os.path.dirname(os.path.dirname(python))], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", os.path.join(HERE, "requirements.txt")], check=True)
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python))):
        os.execv(python, [python, os.path.abspath(__file__)] + sys.argv[1:])
    import numpy as np
    np.seterr(all="ignore")
    compare = {"coco": compare_coco, "semseg": compare_semseg}[options.what]
    kinds, different = collections.Counter(), []
    with open(os.devnull, "w") as nowhere:
        told, sys.stdout = sys.stdout, nowhere
        for seed in range(options.start, options.start + options.sets):
            folder = os.path.join(options.work, f"{options.what}-{seed}")
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            kind, difference = compare(seed, folder, options)
            kinds[kind] += 1
            if difference:
                different.append(seed)
                print(f"set {seed} ({kind}), kept in {folder}: {difference}", file=told, flush=True)
            else:
                shutil.rmtree(folder)
            if (seed + 1 - options.start) % 500 == 0:
                print(f"{seed + 1 - options.start} sets, {len(different)} different", file=told, flush=True)
        sys.stdout = told
    for kind, count in sorted(kinds.items()):
        print(f"{count:6} {kind}")
    print(f"{options.sets} sets, different: {different or 'none'}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
