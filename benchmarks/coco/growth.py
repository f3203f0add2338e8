"""How time and memory of dmt score coco grow: the benchmark's boxes, ten times as many, and those in a text of 1 GB.

    python3 benchmarks/coco/growth.py [--work FOLDER] [--runs 5]

Needs the data of compare.py; makes copies of it with other ids (about 1.8 GB) in the work folder.
"""
import argparse
import json
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import sidebyside  # noqa: E402

COPIES = 10


def copies(data, count):
    """Truth and results `count` times, each copy with images and ids of its own; the results once more with blanks."""
    names = {kind: os.path.join(data, f"{kind}-{count}.json") for kind in ("truth", "boxes", "padded")}
    if os.path.exists(names["padded"]):
        return names
    with open(os.path.join(data, "truth.json")) as file:
        truth = json.load(file)
    with open(os.path.join(data, "boxes.json")) as file:
        boxes = json.load(file)
    step = 1 + max(image["id"] for image in truth["images"])
    own = 1 + max(annotation["id"] for annotation in truth["annotations"])

    def records(list, copy):
        for record in list:
            record = dict(record)
            if "image_id" in record:
                record["image_id"] += copy * step
                if "id" in record:
                    record["id"] += copy * own
            else:
                record["id"] += copy * step
            yield json.dumps(record)

    def write(file, list, blanks=""):
        separator = "["
        for copy in range(count):
            for text in records(list, copy):
                file.write(separator + text + blanks)
                separator = ", "
        file.write("]")

    with open(names["truth"], "w") as file:
        file.write('{"images": ')
        write(file, truth["images"])
        file.write(', "annotations": ')
        write(file, truth["annotations"])
        file.write(', "categories": ' + json.dumps(truth["categories"]) + "}")
    with open(names["boxes"], "w") as file:
        write(file, boxes)
    blanks = " " * (1 + (10**9 - os.path.getsize(names["boxes"])) // (count * len(boxes)))
    with open(names["padded"], "w") as file:
        write(file, boxes, blanks)
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default=os.path.join(sidebyside.ROOT, "runs/coco-benchmark"))
    sidebyside.add_arguments(parser)
    options = parser.parse_args()
    data = os.path.join(options.work, "data")
    many = copies(data, COPIES)
    load = sidebyside.quiet_load(options)
    cases = [("boxes", os.path.join(data, "truth.json"), os.path.join(data, "boxes.json")),
             (f"{COPIES} times the images", many["truth"], many["boxes"]),
             (f"{COPIES} times the images, with blanks", many["truth"], many["padded"])]
    runs = {case: [] for case, _, _ in cases}
    stats, peaks = {}, {}
    for _ in range(options.runs):
        for case, truth, results in cases:
            command = [options.dmt, "score", "coco", "--json", "--gt", truth, "--dt", results, "--threads",
                       str(options.threads)]
            run, output = sidebyside.measured(command)
            if run is None:
                sys.exit(f"{case}: {output}")
            runs[case].append(run)
            stats[case] = json.loads(output)["stats"]
            peaks[case] = sidebyside.peak_mib(command)
    rows = [{"case": case, "text_bytes": os.path.getsize(truth) + os.path.getsize(results), "peak_mib": peaks[case],
             "ap": stats[case][0]}
            | {key: statistics.median(run[key] for run in runs[case]) for key in ("wall", "cpu")}
            for case, truth, results in cases]
    for row in rows:
        row |= {f"{key}_ratio": row[key] / rows[0][key] for key in ("wall", "cpu", "peak_mib")}
    command = " ".join(["python3", "benchmarks/coco/growth.py"] + sys.argv[1:])
    sidebyside.write(options, "coco-growth", load, command, page, {"rows": rows})


def page(report):
    lines = ["# Growth of COCO scoring", "",
             f"{report['threads']} threads, {report['date']}, load at the start {report['load_at_start']:.2f}. Medians of "
             f"{report['runs']} alternated runs, each a fresh process; ratios are to the first row.", "",
             f"    {report['command']}", "",
             "| case | text, MB | wall s | CPU s | peak MiB | wall ratio | CPU ratio | memory ratio | AP |",
             "|:--|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in report["rows"]:
        lines.append(
            f"| {row['case']} | {row['text_bytes'] / 1e6:.0f} | {row['wall']:.2f} | {row['cpu']:.2f} | "
            f"{row['peak_mib']:.0f} | {row['wall_ratio']:.2f} | {row['cpu_ratio']:.2f} | {row['peak_mib_ratio']:.2f} | "
            f"{row['ap']:.4f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
