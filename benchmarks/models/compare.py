"""Times dmt and PyTorch eager on the same model steps, alternately, and writes results/benchmarks/models.{json,md}.

    DMT_BENCH_VENV=<folder of a virtual environment> python3 benchmarks/models/compare.py
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "benchmarks"))
import sidebyside  # noqa: E402

WORK = [("vit-base", "forward", 8), ("vit-small", "forward", 8), ("vit-tiny", "forward", 8), ("vit-small", "train", 16),
        ("vit-tiny", "train", 16)]
CASES = [{"name": f"{arch}-{kind}-{precision}", "arch": arch, "pass": kind, "batch": batch, "precision": precision}
         for arch, kind, batch in WORK for precision in ("f32", "bf16")]
CASES.append({"name": "vit-tiny-distill-bf16", "arch": "vit-tiny", "pass": "distill", "batch": 8, "precision": "bf16"})


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def summary(runs):
    rates = [r["images_per_second"] for r in runs]
    return {"images_per_second": statistics.median(rates), "spread": [min(rates), max(rates)],
            "peak_rss_mib": max(r["peak_rss_mib"] for r in runs)}


def main():
    parser = argparse.ArgumentParser()
    sidebyside.add_arguments(parser)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    venv = os.environ.get("DMT_BENCH_VENV")
    if not venv:
        sys.exit("set DMT_BENCH_VENV to a virtual environment with benchmarks/models/requirements.txt")
    load = sidebyside.quiet_load(options)
    python = os.path.join(venv, "bin/python")
    rows, versions, idle = [], {}, sidebyside.peak_mib([options.dmt, "--version"])
    for case in CASES:
        shared = ["--arch", case["arch"], "--pass", case["pass"], "--batch", str(case["batch"]),
                  "--precision", case["precision"],
                  "--threads", str(options.threads), "--steps", str(options.steps)]
        peer, ours = [], []
        for number in range(options.runs):
            peer.append(run([python, os.path.join(ROOT, "benchmarks/models/pytorch_model.py")] + shared))
            ours.append(run([options.dmt, "bench", "model", "--json", "--quiet", "--image", "224"] + shared))
            print(f"{case['name']} {number + 1}/{options.runs}: PyTorch {peer[-1]['images_per_second']:.2f}, "
                  f"dmt {ours[-1]['images_per_second']:.2f} images/s", file=sys.stderr)
        versions = peer[-1]["versions"]
        row = {**case, "image": 224, "threads": options.threads,
               "pytorch": {**summary(peer), "idle_rss_mib": min(r["idle_rss_mib"] for r in peer)},
               "dmt": {**summary(ours), "gflops": statistics.median(r["gflops"] for r in ours),
                       "peak_gflops": statistics.median(r["peak_gflops"] for r in ours)}}
        row["dmt"]["idle_rss_mib"] = idle
        row["ratio"] = row["dmt"]["images_per_second"] / row["pytorch"]["images_per_second"]
        rows.append(row)
    arguments = f"--runs {options.runs} --steps {options.steps} --threads {options.threads}"
    command = "DMT_BENCH_VENV=venv python3 benchmarks/models/compare.py " + arguments + (
        " --any-load" if options.any_load else "")
    sidebyside.write(options, "models", load, command, page,
                     {"versions": versions, "steps": options.steps, "rows": rows})


def page(report):
    lines = ["# Models beside PyTorch eager", "",
             f"{report['cpu']}, torch {report['versions']['torch']}, timm {report['versions']['timm']}, "
             f"{report['date']}, load at the start {report['load_at_start']:.2f}.", "",
             f"Medians of {report['runs']} alternated runs of {report['steps']} steps; images a second, smallest and "
             "largest run in brackets. bf16 is autocast on PyTorch's side, bfloat16 products of linear layers on ours; memory "
             "is the peak above the process before it makes its model. The share is that of the peak of f32 products, which "
             "a loop in registers measures in the same process: bfloat16 has twice that peak on this CPU.", "", f"    {report['command']}", "",
             "| case | batch | threads | PyTorch | dmt | ratio | dmt GFLOP/s (share of peak) | MiB, PyTorch / dmt | ratio |",
             "|:--|--:|--:|--:|--:|--:|--:|--:|--:|"]

    def rate(side):
        return f"{side['images_per_second']:.2f} ({side['spread'][0]:.2f}–{side['spread'][1]:.2f})"

    def memory(side):
        return side["peak_rss_mib"] - side["idle_rss_mib"]

    for row in report["rows"]:
        ours = row["dmt"]
        lines.append(
            f"| {row['name']} | {row['batch']} | {row['threads']} | {rate(row['pytorch'])} | {rate(ours)} | "
            f"{row['ratio']:.2f} | {ours['gflops']:.0f} ({ours['gflops'] / ours['peak_gflops']:.0%}) | "
            f"{memory(row['pytorch']):.0f} / {memory(ours):.0f} | {memory(ours) / memory(row['pytorch']):.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
