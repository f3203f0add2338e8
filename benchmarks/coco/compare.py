"""Times dmt score coco and its peers alternately, in fresh processes, and writes results/benchmarks/coco.{json,md}.

    python3 benchmarks/coco/compare.py [--work FOLDER] [--runs 5] [--peers hotcoco,ultrafast-pycocotools,vernier]

Makes the data and the peers' virtual environment in the work folder when they are not there yet.
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

CASES = [
    ("boxes", "bbox", "truth.json", "boxes.json"),
    ("masks", "segm", "truth.json", "masks.json"),
    ("masks with boxes", "segm", "truth.json", "masks_with_boxes.json"),
    ("poses", "keypoints", "poses_truth.json", "poses.json"),
]


def prepare(options):
    data, venv = os.path.join(options.work, "data"), os.path.join(options.work, "venv")
    python = os.path.join(venv, "bin/python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", os.path.join(HERE, "requirements.txt")], check=True)
    if not os.path.exists(os.path.join(data, "poses.json")):
        subprocess.run([python, os.path.join(HERE, "generate.py"), data, "--images", str(options.images)], check=True)
    return data, python


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", default=os.path.join(ROOT, "runs/coco-benchmark"))
    sidebyside.add_arguments(parser)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--peers", default="hotcoco,ultrafast-pycocotools,vernier")
    options = parser.parse_args()
    data, python = prepare(options)
    load = sidebyside.quiet_load(options)
    rows = []
    for case, kind, truth, results in CASES:
        truth, results = os.path.join(data, truth), os.path.join(data, results)
        commands = {"dmt": [options.dmt, "score", "coco", "--json", "--iou-type", kind, "--gt", truth, "--dt", results,
                            "--threads", str(options.threads)]}
        for peer in options.peers.split(","):
            commands[peer] = [python, os.path.join(HERE, "peer.py"), peer, kind, truth, results, str(options.threads)]
        runs, answers = {name: [] for name in commands}, {}
        for number in range(options.runs):
            for name, command in commands.items():
                run, output = sidebyside.measured(command)
                if run is None:
                    answers[name] = output
                    continue
                answer = json.loads(output)
                # A peer tells its own time without imports; ours is the whole process.
                run |= {key: answer[key] for key in ("wall", "cpu") if key in answer}
                runs[name].append(run)
                answers[name] = answer["stats"]
                print(f"{case} {number + 1}/{options.runs}, {name}: {run['wall']:.2f} s, CPU {run['cpu']:.2f} s",
                      file=sys.stderr)
        for name, found in runs.items():
            row = {"case": case, "tool": name, "runs": len(found)}
            if found:
                row |= {key: statistics.median(run[key] for run in found) for key in ("wall", "cpu")}
                row |= {"peak_mib": sidebyside.peak_mib(commands[name]), "equal": answers[name] == answers["dmt"]}
            else:
                row["error"] = answers[name][0]
            rows.append(row)
    for row in rows:
        ours = next(r for r in rows if r["case"] == row["case"] and r["tool"] == "dmt")
        if "wall" in row and "wall" in ours:
            row |= {f"{key}_ratio": ours[key] / row[key] for key in ("wall", "cpu", "peak_mib")}
    command = " ".join(["python3", "benchmarks/coco/compare.py"] + sys.argv[1:])
    name = "coco" if options.threads == os.cpu_count() else f"coco-threads-{options.threads}"
    sidebyside.write(options, name, load, command, page, {"images": options.images, "rows": rows})


def page(report):
    lines = ["# COCO scoring beside its peers", "",
             f"{report['images']} images, {report['threads']} threads, {report['date']}, load at the start "
             f"{report['load_at_start']:.2f}. Medians of {report['runs']} alternated runs, each a fresh process, from file to "
             "summary: the whole process of dmt, without imports for the others; ratios are dmt's figure over the tool's.", "", f"    {report['command']}", "",
             "| case | tool | wall s | CPU s | peak MiB | wall ratio | CPU ratio | memory ratio | same numbers as dmt |",
             "|:--|:--|--:|--:|--:|--:|--:|--:|:--|"]
    for row in report["rows"]:
        if "wall" not in row:
            lines.append(f"| {row['case']} | {row['tool']} | {row['error']} | | | | | | |")
            continue
        lines.append(
            f"| {row['case']} | {row['tool']} | {row['wall']:.2f} | {row['cpu']:.2f} | {row['peak_mib']:.0f} | "
            f"{row['wall_ratio']:.2f} | {row['cpu_ratio']:.2f} | {row['peak_mib_ratio']:.2f} | "
            f"{'to the bit' if row['equal'] else 'no'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
