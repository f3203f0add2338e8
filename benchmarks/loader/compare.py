"""Times dmt, torchvision, OpenCV and Pillow on the same JPEG files, alternately; writes results/benchmarks/loader.{json,md}.

    DMT_BENCH_VENV=<folder of a virtual environment> python3 benchmarks/loader/compare.py
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "benchmarks"))
import sidebyside  # noqa: E402

HERE = os.path.join(ROOT, "benchmarks/loader")
# What is done on our side, and the peers that do the same work.
CASES = [
    {"name": "antialiased", "scale": 1, "filter": "bilinear-antialiased", "scaled": False,
     "peers": ["torchvision", "pillow"]},
    {"name": "two taps", "scale": 1, "filter": "bilinear", "scaled": False, "peers": ["opencv"]},
    {"name": "scaled decoding, large files", "scale": 2, "filter": "bilinear-antialiased", "scaled": True,
     "peers": ["pillow"]},
    {"name": "scaled decoding, two taps, large files", "scale": 2, "filter": "bilinear", "scaled": True,
     "peers": ["opencv"]},
]


def summary(runs):
    rates = [r["images_per_second"] for r in runs]
    return {"images_per_second": statistics.median(rates), "spread": [min(rates), max(rates)]}


def measure(options, python, folder, case, versions):
    """A row: every program once in each round, so that a busy moment hits all of them."""
    sides = {"dmt": [options.dmt, "bench", "loader", "--json", "--quiet", "--pictures", folder, "--filter",
                     case["filter"], "--threads", str(options.threads), "--passes", str(options.passes)]}
    for peer in case["peers"]:
        for workers in ("threads", "processes"):
            sides[f"{peer}, {workers}"] = [
                python, os.path.join(HERE, "peer.py"), peer, folder, "--threads", str(options.threads), "--passes",
                str(options.passes), "--workers", workers]
    if case["scaled"]:
        for command in sides.values():
            command.append("--scaled")
    runs = {name: [] for name in sides}
    for number in range(options.runs):
        for name, command in sides.items():
            runs[name].append(sidebyside.document(command))
            print(f"{case['name']} {number + 1}/{options.runs}: {name} {runs[name][-1]['images_per_second']:.0f} "
                  "images/s", file=sys.stderr)
    ours = {**summary(runs["dmt"]), "shares": runs["dmt"][-1]["shares"], "mean_kib": runs["dmt"][-1]["mean_kib"]}
    peers = {}
    for name in sides:
        if name != "dmt":
            peers[name] = summary(runs[name])
            versions.update(runs[name][-1]["versions"])
    best = max(peers, key=lambda name: peers[name]["images_per_second"])
    return {**case, "dmt": ours, "peers": peers, "best": best,
            "ratio": ours["images_per_second"] / peers[best]["images_per_second"]}


def main():
    parser = argparse.ArgumentParser()
    sidebyside.add_arguments(parser)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--passes", type=int, default=3)
    options = parser.parse_args()
    python = sidebyside.peer_python("loader")
    load = sidebyside.quiet_load(options)
    rows, versions = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for scale in (1, 2):
            subprocess.run([python, os.path.join(HERE, "draw.py"), f"{folder}/{scale}", "--scale", str(scale),
                            "--pictures", str(options.pictures // scale ** 2)], check=True)
        for case in CASES:
            rows.append(measure(options, python, f"{folder}/{case['scale']}", case, versions))
    sidebyside.write(options, "loader", load, sidebyside.command("loader", options), page,
                     {"versions": versions, "passes": options.passes, "pictures": options.pictures, "rows": rows})


def page(report):
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report["versions"].items()))
    lines = ["# Pictures beside torchvision, OpenCV and Pillow", "",
             f"{report['cpu']}, {versions}, {report['date']}, load at the start {report['load_at_start']:.2f}.", "",
             "JPEG files in memory, about 500 x 375 pixels (large: twice the sides), to 224 x 224 f32: decode, short side "
             f"to 256, middle square, normalise, {report['threads']} workers. Medians of {report['runs']} alternated runs "
             f"of {report['passes']} passes; images a second, smallest and largest run in brackets. Peers run as threads and "
             "as processes; the ratio is to the better of all.", "", f"    {report['command']}", "",
             "| case | KiB a file | peers | dmt | ratio to the best | decode / resize / normalise |",
             "|:--|--:|:--|--:|--:|--:|"]

    def rate(side):
        return f"{side['images_per_second']:.0f} ({side['spread'][0]:.0f}–{side['spread'][1]:.0f})"

    for row in report["rows"]:
        peers = "<br>".join(f"{name}: {rate(side)}" for name, side in row["peers"].items())
        shares = " / ".join(f"{row['dmt']['shares'][stage]:.0%}" for stage in ("decode", "resize", "normalise"))
        lines.append(f"| {row['name']} | {row['dmt']['mean_kib']:.0f} | {peers} | {rate(row['dmt'])} | "
                     f"{row['ratio']:.2f} | {shares} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
