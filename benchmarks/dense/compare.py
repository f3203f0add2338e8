"""Times dmt and PyTorch eager on detectors, segmenters and their operations, alternately, and writes
results/benchmarks/dense.{json,md}.

    DMT_BENCH_VENV=<folder of a virtual environment> python3 benchmarks/dense/compare.py
"""
import argparse
import os
import statistics
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "benchmarks"))
import sidebyside  # noqa: E402

MODELS = [("mask-rcnn", "vit-tiny", 640, 2, "forward"), ("mask-rcnn", "vit-tiny", 640, 2, "train"),
          ("upernet", "vit-small", 512, 2, "forward"), ("upernet", "vit-small", 512, 2, "train")]
# Shapes in the order of `dmt bench op`; `both` is forward and backward.
OPS = [("roi_align", "512,7,64,64,256", "both"), ("roi_align", "512,14,64,64,256", "both"),
       ("conv3x3", "1,64,64,512,512", "forward"), ("conv3x3", "1,64,64,512,512", "both"),
       ("conv3x3", "256,14,14,256,256", "both"), ("conv_transpose", "128,14,14,256,256", "forward"),
       ("conv_transpose", "128,14,14,256,256", "both"), ("batch_norm", "2,128,128,512", "both"),
       ("resize", "2,64,64,512,128,128", "both")]


def cases(options):
    for head, arch, image, batch, kind in MODELS:
        for precision in options.precisions:
            yield {"name": f"{head}-{kind}-{precision}", "batch": batch, "layouts": ["channels-first"],
                   "shared": ["--head", head, "--arch", arch, "--image", str(image), "--batch", str(batch), "--pass",
                              kind, "--precision", precision],
                   "ours": ["model", "--steps", str(options.steps)], "peer": ["--steps", str(options.steps)]}
    for op, shape, kind in OPS:
        # PyTorch is measured in the faster of its two layouts.
        layouts = ["channels-first"] if op == "roi_align" else ["channels-first", "channels-last"]
        yield {"name": f"{op}-{kind} {shape}", "layouts": layouts,
               "shared": ["--op", op, "--shape", shape, "--pass", kind, "--precision", "f32"],
               "ours": ["op", "--calls", str(options.calls)], "peer": ["--steps", str(options.calls), "--warmup", "2"]}


def peer_run(python, case, options):
    best = None
    for layout in case["layouts"]:
        command = [python, os.path.join(ROOT, "benchmarks/dense/pytorch_dense.py")] + case["shared"] + case["peer"] + [
            "--threads", str(options.threads)] + (["--channels-last"] if layout == "channels-last" else [])
        found = {**sidebyside.document(command), "layout": layout}
        best = found if best is None or found["seconds"] < best["seconds"] else best
    return best


def our_run(case, options):
    found = sidebyside.document([options.dmt, "bench", case["ours"][0], "--json", "--quiet"] + case["ours"][1:] + case["shared"] + [
        "--threads", str(options.threads)])
    if "seconds_per_step" in found:
        found["seconds"] = statistics.median(found["seconds_per_step"])
        found["cpu_seconds"] = statistics.median(found["cpu_seconds_per_step"])
    return found


def summary(runs):
    seconds = [r["seconds"] for r in runs]
    result = {"seconds": statistics.median(seconds), "spread": [min(seconds), max(seconds)],
              "cpu_seconds": statistics.median(r["cpu_seconds"] for r in runs)}
    for key in ("gflops", "peak_gflops", "gb_per_second", "peak_gb_per_second", "peak_share", "bound"):
        values = [r[key] for r in runs if r.get(key) is not None]
        if values:
            result[key] = values[0] if isinstance(values[0], str) else statistics.median(values)
    memory = [r["peak_rss_mib"] for r in runs if "peak_rss_mib" in r]
    return {**result, "peak_rss_mib": max(memory)} if memory else result


def main():
    parser = argparse.ArgumentParser()
    sidebyside.add_arguments(parser)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--precisions", nargs="+", choices=["f32", "bf16"], default=["f32", "bf16"])
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    python = sidebyside.peer_python("dense")
    load = sidebyside.quiet_load(options)
    rows, versions, idle = [], {}, sidebyside.peak_mib([options.dmt, "--version"])
    for case in cases(options):
        if options.only not in case["name"]:
            continue
        peer, ours = [], []
        for number in range(options.runs):
            peer.append(peer_run(python, case, options))
            ours.append(our_run(case, options))
            print(f"{case['name']} {number + 1}/{options.runs}: PyTorch {peer[-1]['seconds']:.4f} s, "
                  f"dmt {ours[-1]['seconds']:.4f} s; CPU {peer[-1]['cpu_seconds']:.4f} and "
                  f"{ours[-1]['cpu_seconds']:.4f} s", file=sys.stderr)
        versions.update(peer[-1]["versions"])
        row = {"name": case["name"], "batch": case.get("batch"),
               "pytorch": {**summary(peer), "idle_rss_mib": min(r["idle_rss_mib"] for r in peer),
                           "layout": peer[-1]["layout"]},
               "dmt": {**summary(ours), "idle_rss_mib": idle}}
        row["ratio"] = row["pytorch"]["seconds"] / row["dmt"]["seconds"]
        row["cpu_ratio"] = row["pytorch"]["cpu_seconds"] / row["dmt"]["cpu_seconds"]
        rows.append(row)
    sidebyside.write(options, "dense", load, sidebyside.command("dense", options), page,
                     {"versions": versions, "steps": options.steps, "rows": rows})


def page(report):
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    lines = ["# Detectors, segmenters and their operations beside PyTorch eager", "",
             f"{report['cpu']}, {report['threads']} thread(s), {versions}, {report['date']}, load at the start "
             f"{report['load_at_start']:.2f}.", "",
             f"Medians of {report['runs']} alternated runs; smallest and largest run in brackets. `ratio` is PyTorch's wall "
             "time over ours; `CPU ratio` that of the seconds of all threads, which other work on the machine changes less "
             "(with several threads PyTorch's contain waiting). The share is that of the f32 peak of products, or of a copy "
             "where memory is the bound; products are counted by the definition, and tiles do 16 in place of 36. bf16 is "
             "autocast on PyTorch's side. Memory is the peak above the process before it makes its model.", "",
             f"    {report['command']}", "",
             "| case | PyTorch, s | dmt, s | ratio | CPU ratio | dmt | share of peak | MiB, PyTorch / dmt |",
             "|:--|--:|--:|--:|--:|--:|--:|--:|"]

    def seconds(side):
        return f"{side['seconds']:.3g} ({side['spread'][0]:.3g}–{side['spread'][1]:.3g})"

    for row in report["rows"]:
        peer, ours = row["pytorch"], row["dmt"]
        rate = (f"{ours['gflops']:.0f} GFLOP/s" if "gflops" in ours else f"{ours['gb_per_second']:.1f} GB/s")
        share = ours.get("peak_share", ours.get("gflops", 0) / ours["peak_gflops"])
        memory = "" if row["batch"] is None else (
            f"{peer['peak_rss_mib'] - peer['idle_rss_mib']:.0f} / {ours['peak_rss_mib'] - ours['idle_rss_mib']:.0f}")
        lines.append(f"| {row['name']} | {seconds(peer)} | {seconds(ours)} | {row['ratio']:.2f} | "
                     f"{row['cpu_ratio']:.2f} | {rate} | {share:.0%} | {memory} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
