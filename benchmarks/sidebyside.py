"""What the comparisons with other programs share: a quiet machine, and a report as JSON and as a page."""
import datetime
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def add_arguments(parser):
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dmt", default=os.path.join(ROOT, ".build/release/dmt"))
    parser.add_argument("--out", default=os.path.join(ROOT, "results/benchmarks"))
    parser.add_argument("--any-load", action="store_true")


def quiet_load(options):
    """The load average of the last minute; ends the program where it is 1 or more, unless told otherwise."""
    load = os.getloadavg()[0]
    if load >= 1 and not options.any_load:
        sys.exit(f"the machine is busy (load {load:.2f}): wait until it is below 1, or pass --any-load")
    return load


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")


def write(options, name, load, command, page, fields):
    """Writes NAME.json and NAME.md, the page of the same report, to the folder of results."""
    report = {"schema_version": 1, "command": command, "date": datetime.date.today().isoformat(), "cpu": processor(),
              "load_at_start": load, "threads": options.threads, "runs": options.runs, **fields}
    os.makedirs(options.out, exist_ok=True)
    for suffix, text in (("json", json.dumps(report, indent=2) + "\n"), ("md", page(report))):
        with open(os.path.join(options.out, f"{name}.{suffix}"), "w") as file:
            file.write(text)
    print(page(report))
