"""Times counting and scoring of label maps beside Python, alternately, and writes results/benchmarks/semseg.{json,md}.

    python3 benchmarks/semseg/compare.py [--work FOLDER] [--runs 5]

Makes the data and the peers' virtual environment in the work folder when they are not there yet; DMT_BENCH_VENV names an
environment to use instead.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "benchmarks"))
import sidebyside  # noqa: E402


def prepare(options):
    data = os.path.join(options.work, "data")
    venv = os.environ.get("DMT_BENCH_VENV") or os.path.join(options.work, "venv")
    python = os.path.join(venv, "bin/python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", os.path.join(HERE, "requirements.txt")], check=True)
    if not os.path.exists(os.path.join(data, "predictions", f"{options.images - 1:05}.png")):
        subprocess.run([python, os.path.join(HERE, "generate.py"), data, "--images", str(options.images)], check=True)
    return data, python


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default=os.path.join(ROOT, "runs/semseg-benchmark"))
    parser.add_argument("--images", type=int, default=2000)
    sidebyside.add_arguments(parser)
    options = parser.parse_args()
    data, python = prepare(options)
    load = sidebyside.quiet_load(options)
    counting = json.loads(subprocess.run(
        [python, os.path.join(HERE, "counting.py"), data, ROOT], check=True, capture_output=True, text=True).stdout)
    folders = ["--gt", os.path.join(data, "labels"), "--pred", os.path.join(data, "predictions")]
    pipeline = [python, os.path.join(HERE, "pipeline.py")]
    commands = {
        "dmt score semseg": [options.dmt, "score", "semseg", "--dataset", "ade20k", "--json", "--threads",
                             str(options.threads)] + folders,
        "Pillow, bincount int64": pipeline + ["pillow", data, str(options.threads)],
        "OpenCV, bincount uint16": pipeline + ["opencv", data, str(options.threads)],
    }
    runs, answers = {name: [] for name in commands}, {}
    for _ in range(options.runs):
        for name, command in commands.items():
            run, output = sidebyside.measured(command)
            if run is None:
                sys.exit(f"{name}: {output}")
            runs[name].append(run)
            answer = json.loads(output)
            answers[name] = answer["mIoU"] if "mIoU" in answer else next(
                metric["value"] for metric in answer["metrics"] if metric["name"] == "mIoU")
    rows = [{"tool": name, "mIoU": answers[name], "peak_mib": sidebyside.peak_mib(commands[name])}
            | {key: statistics.median(run[key] for run in found) for key in ("wall", "cpu")}
            for name, found in runs.items()]
    command = " ".join(["python3", "benchmarks/semseg/compare.py"] + sys.argv[1:])
    sidebyside.write(options, "semseg", load, command, page,
                     {"images": options.images, "counting": counting, "rows": rows})


def page(report):
    rates = report["counting"]["rates"]
    lines = ["# Semantic segmentation scoring beside Python", "",
             f"{report['images']} drawn pairs of 512 x 683 pixels, 150 classes, {report['threads']} threads or processes, "
             f"{report['date']}, load at the start {report['load_at_start']:.2f}. Medians of {report['runs']} alternated runs.",
             "", f"    {report['command']}", "",
             "Counting alone, one thread, maps in memory:", "",
             "| way | megapixels a CPU second | dmt's rate over it | same counts as dmt |", "|:--|--:|--:|:--|"]
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        same = {True: "yes", False: "no"}.get(report["counting"]["equal"].get(name), "")
        lines.append(f"| {name} | {rate:.0f} | {rates['dmt'] / rate:.2f} | {same} |")
    ours = report["rows"][0]
    lines += ["", "From PNG files to the table, each run a fresh process:", "",
              "| tool | wall s | CPU s | peak MiB | its wall time over dmt's | mIoU |", "|:--|--:|--:|--:|--:|--:|"]
    for row in report["rows"]:
        lines.append(f"| {row['tool']} | {row['wall']:.2f} | {row['cpu']:.2f} | {row['peak_mib']:.0f} | "
                     f"{row['wall'] / ours['wall']:.2f} | {row['mIoU']:.12f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
