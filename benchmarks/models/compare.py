"""Times dmt and PyTorch, eager and compiled, on the same model steps, alternately, and writes
results/benchmarks/models.{json,md}.

    DMT_BENCH_VENV=<folder of a virtual environment> python3 benchmarks/models/compare.py
"""
import argparse
import os
import statistics
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "benchmarks"))
import sidebyside  # noqa: E402

WORK = [("vit-base", "forward", 8), ("vit-small", "forward", 8), ("vit-tiny", "forward", 8), ("vit-small", "train", 16),
        ("vit-tiny", "train", 16)]
CASES = [{"name": f"{arch}-{kind}-{precision}", "arch": arch, "pass": kind, "batch": batch, "precision": precision}
         for arch, kind, batch in WORK for precision in ("f32", "bf16")]
CASES.append({"name": "vit-tiny-distill-bf16", "arch": "vit-tiny", "pass": "distill", "batch": 8, "precision": "bf16"})
# Stored tokens in place of teachers, on our side alone: the same student's step.
CASES.append({**CASES[-1], "name": "vit-tiny-distill-cached-bf16", "ours": "distill-cached"})
# Less memory for more work: two blocks whose input alone is kept.
CASES.append({"name": "vit-small-train-f32-2-checkpointed", "arch": "vit-small", "pass": "train", "batch": 16,
              "precision": "f32", "extra": ["--checkpoint-blocks", "2"]})


def summary(runs):
    rates = [r["images_per_second"] for r in runs]
    return {"images_per_second": statistics.median(rates), "spread": [min(rates), max(rates)],
            "peak_rss_mib": max(r["peak_rss_mib"] for r in runs)}


def main():
    parser = argparse.ArgumentParser()
    sidebyside.add_arguments(parser)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--compiled-runs", type=int, default=1, help="with torch.compile, which takes a minute to begin")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    options = parser.parse_args()
    python = sidebyside.peer_python("models")
    load = sidebyside.quiet_load(options)
    rows, versions, idle = [], {}, sidebyside.peak_mib([options.dmt, "--version"])
    script = os.path.join(ROOT, "benchmarks/models/pytorch_model.py")
    for case in CASES:
        if options.only not in case["name"]:
            continue
        shared = ["--arch", case["arch"], "--batch", str(case["batch"]), "--precision", case["precision"],
                  "--threads", str(options.threads), "--steps", str(options.steps)]
        theirs = shared + ["--pass", case["pass"]]
        own = shared + ["--pass", case.get("ours", case["pass"])] + case.get("extra", [])
        peer, compiled, ours = [], [], []
        for number in range(options.runs):
            peer.append(sidebyside.document([python, script] + theirs))
            if number < options.compiled_runs:
                compiled.append(sidebyside.document([python, script, "--compile"] + theirs))
            ours.append(sidebyside.document([options.dmt, "bench", "model", "--json", "--quiet", "--image", "224"] + own))
            print(f"{case['name']} {number + 1}/{options.runs}: PyTorch {peer[-1]['images_per_second']:.2f}, "
                  f"dmt {ours[-1]['images_per_second']:.2f} images/s", file=sys.stderr)
        versions = peer[-1]["versions"]
        row = {**case, "image": 224, "threads": options.threads,
               "pytorch": {**summary(peer), "idle_rss_mib": min(r["idle_rss_mib"] for r in peer)},
               "dmt": {**summary(ours), "gflops": statistics.median(r["gflops"] for r in ours),
                       "peak_gflops": statistics.median(r["peak_gflops"] for r in ours)}}
        row["dmt"]["idle_rss_mib"] = idle
        if compiled:
            row["compiled"] = summary(compiled)
        row["ratio"] = row["dmt"]["images_per_second"] / row["pytorch"]["images_per_second"]
        rows.append(row)
    sidebyside.write(options, "models", load, sidebyside.command("models", options), page,
                     {"versions": versions, "steps": options.steps, "rows": rows})


def page(report):
    lines = ["# Models beside PyTorch", "",
             f"{report['cpu']}, torch {report['versions']['torch']}, timm {report['versions']['timm']}, "
             f"{report['date']}, load at the start {report['load_at_start']:.2f}.", "",
             f"Medians of {report['runs']} alternated runs of {report['steps']} steps (compiled: see the command); images a second, smallest and "
             "largest run in brackets. bf16 is autocast on PyTorch's side; on ours operands of products and what lies between them "
             "are bfloat16. Memory is the peak above the process before it makes its model. The share is that of the peak "
             "of f32 products, which a loop in registers measures in the same process. distill-cached is set against "
             "PyTorch's whole distillation step; checkpointed keeps only the input of the first two blocks.", "",
             f"    {report['command']}", "",
             "| case | batch | threads | PyTorch eager | compiled | dmt | ratio to eager | to compiled | dmt GFLOP/s "
             "(share of peak) | MiB, eager / dmt | ratio |", "|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]

    def rate(side):
        return f"{side['images_per_second']:.2f} ({side['spread'][0]:.2f}–{side['spread'][1]:.2f})"

    def memory(side):
        return side["peak_rss_mib"] - side["idle_rss_mib"]

    for row in report["rows"]:
        ours, compiled = row["dmt"], row.get("compiled")
        beside = f"{ours['images_per_second'] / compiled['images_per_second']:.2f}" if compiled else "–"
        lines.append(
            f"| {row['name']} | {row['batch']} | {row['threads']} | {rate(row['pytorch'])} | "
            f"{rate(compiled) if compiled else '–'} | {rate(ours)} | {row['ratio']:.2f} | {beside} | {ours['gflops']:.0f} ({ours['gflops'] / ours['peak_gflops']:.0%}) | "
            f"{memory(row['pytorch']):.0f} / {memory(ours):.0f} | {memory(ours) / memory(row['pytorch']):.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
