"""Three steps of every paper recipe on drawn scenes; see README.md."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--dmt", default=".build/release/dmt")
parser.add_argument("--out", help="a Markdown file for the table")
parser.add_argument("--only", default="", help="recipes whose name holds this text")
options = parser.parse_args()


def dmt(*arguments):
    begin = time.time()
    done = subprocess.run([options.dmt, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout, time.time() - begin


def memory(folder):
    with open(os.path.join(folder, "memory.json")) as file:
        return json.load(file)


listed = json.loads(dmt("recipes", "--json")[0])["recipes"]
names = [r for r in listed if r["name"].startswith("paper/") and options.only in r["name"]]
rows, begin = [], time.time()
with tempfile.TemporaryDirectory() as folder:
    scenes, teacher = os.path.join(folder, "scenes"), os.path.join(folder, "vit-base.safetensors")
    dmt("data", "scenes", "--train", "16", "--val", "4", "--size", "224", "--out", scenes, "--seed", "1")
    dmt("model", "draw", teacher, "--arch", "vit-base")
    for recipe in names:
        out = os.path.join(folder, recipe["name"].replace("/", "-"))
        common = ["--recipe", recipe["name"], "--data", scenes, "--out", out]
        shown = json.loads(dmt("recipes", "show", recipe["name"], "--json")[0])
        if recipe["kind"] == "distill":
            count = len({s["key"].split("]")[0] for s in shown["settings"] if s["key"].startswith("teachers[")})
            teachers = [f"teachers[{i}].checkpoint={teacher}" for i in range(count)]
            teachers += [f"~teachers[{i}].source" for i in range(count)]
            _, seconds = dmt(
                "distill", *common, *teachers, "training.steps=3", "training.warmup_steps=1", "training.batch=2",
                "training.micro_batch=2")
        else:
            settings = {s["key"]: s["value"] for s in shown["settings"]}
            small = ["training.steps=3", "training.warmup=1", "training.batch=2"]
            if "training.micro_batch" in settings:
                small.append("training.micro_batch=2")
            if "training.milestones[0]" in settings:
                small += ["~training.milestones", "training.schedule=linear"]
            _, seconds = dmt("train", settings["task"], *common, *small)
        peak = memory(out)
        rows.append((recipe["name"], seconds, peak))
        print(f"{recipe['name']}: {seconds:.1f} s, {peak['peak_rss_mib']:.0f} MiB", flush=True)
total = time.time() - begin
lines = ["# Paper recipes, three steps each", "", f"All together {total:.0f} s. Command: `{' '.join(sys.argv)}`", ""]
lines += ["| recipe | seconds | peak resident MiB |", "|:--|--:|--:|"]
for name, seconds, peak in rows:
    lines.append(f"| {name} | {seconds:.1f} | {peak['peak_rss_mib']:.0f} |")
text = "\n".join(lines) + "\n"
print(text)
if options.out:
    with open(options.out, "w") as file:
        file.write(text)
