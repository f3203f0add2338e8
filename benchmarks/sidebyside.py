"""What the comparisons with other programs share: a quiet machine, timed processes, a report as JSON and as a page."""
import datetime
import json
import os
import resource
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def add_arguments(parser):
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dmt", default=os.path.join(ROOT, ".build/release/dmt"))
    parser.add_argument("--out", default=os.path.join(ROOT, "results/benchmarks"))
    parser.add_argument("--any-load", action="store_true")
    parser.add_argument("--label", default="", help="added to the names of the result files: another machine's")


def quiet_load(options):
    """The load average of the last minute; ends the program where it is 1 or more, unless told otherwise."""
    load = os.getloadavg()[0]
    if load >= 1 and not options.any_load:
        sys.exit(f"the machine is busy (load {load:.2f}): wait until it is below 1, or pass --any-load")
    return load


def measured(command):
    """Wall and CPU seconds and peak MiB of a process, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.communicate()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if process.returncode != 0:
        return None, errors.strip().splitlines()[-1:] or ["no message"]
    return {"wall": wall, "cpu": cpu}, output


def peer_python(name):
    """The interpreter of the virtual environment that DMT_BENCH_VENV names; ends the program where none is named."""
    venv = os.environ.get("DMT_BENCH_VENV")
    if not venv:
        sys.exit(f"set DMT_BENCH_VENV to a virtual environment with benchmarks/{name}/requirements.txt")
    return os.path.join(venv, "bin/python")


def command(name, options):
    """What repeats a comparison: every option with its value, but for where the program and the results lie."""
    words = ["DMT_BENCH_VENV=venv", "python3", f"benchmarks/{name}/compare.py"]
    for key, value in vars(options).items():
        if key in ("dmt", "out") or value is False or value == "":
            continue
        flag, values = "--" + key.replace("_", "-"), value if isinstance(value, list) else [value]
        if value is True:
            words.append(flag)
        elif str(values[0]).startswith("-"):
            words.append(f"{flag}={values[0]}")
        else:
            words += [flag] + [str(v) for v in values]
    return " ".join(words)


def document(command):
    """The JSON document that a command prints; ends the program where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def peak_mib(command):
    """Peak resident memory, from a run of its own: the maximum over children never falls again."""
    probe = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, "
             "stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    return int(subprocess.run([sys.executable, "-c", probe] + command, capture_output=True, text=True).stdout) / 1024


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")


def write(options, name, load, command, page, fields):
    """Writes NAME.json and NAME.md, the page of the same report, to the folder of results; the label is part of the name."""
    name += f"-{options.label}" if options.label else ""
    report = {"schema_version": 1, "command": command, "date": datetime.date.today().isoformat(), "cpu": processor(),
              "load_at_start": load, "threads": options.threads, "runs": options.runs, **fields}
    os.makedirs(options.out, exist_ok=True)
    for suffix, text in (("json", json.dumps(report, indent=2) + "\n"), ("md", page(report))):
        with open(os.path.join(options.out, f"{name}.{suffix}"), "w") as file:
            file.write(text)
    print(page(report))
