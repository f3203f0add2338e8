#!/usr/bin/env python3
"""Samples the resident memory of a long training and a long evaluation and fits a line: see README.md here."""
import argparse, pathlib, shutil, sys, tempfile, time

import commands
from program import ROOT, Program, machine

PAGE = 4096


def resident(pid):
    """MiB that a process holds now; nil once it is gone."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return None


def sample(program, arguments, seconds):
    """(share of the run, MiB) pairs of a run that has to end well."""
    process, begin, found = program.start(arguments), time.monotonic(), []
    while process.poll() is None:
        value = resident(process.pid)
        if value:
            found.append((time.monotonic() - begin, value))
        time.sleep(seconds)
    out, err = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"exit {process.returncode}: {err.decode()[-500:]}")
    end = found[-1][0]
    return end, [(at / end, value) for at, value in found]


def slope(points):
    """MiB from the begin to the end of the run, by least squares."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)


def report(name, program, arguments, items, first, last, seconds):
    """A row of the table, and the growth in MiB."""
    end, points = sample(program, arguments, seconds)
    # Between the two shares the work is the same all the time: no loading before, no scoring after.
    middle = [(x, y) for x, y in points if first <= x <= last]
    grown = slope(middle) * (last - first)
    half = len(middle) // 2
    shown = [max((y for x, y in points if k / 12 <= x < (k + 1) / 12), default=0) for k in range(12)]
    print(f"{name}: {end:.1f} s, {len(points)} samples; MiB in twelfths of the run: "
          + " ".join(f"{v:.1f}" for v in shown), flush=True)
    row = (name, items, f"{end:.0f}", len(middle), f"{max(y for _, y in points):.1f}",
           f"{sum(y for _, y in middle[:half]) / half:.2f}", f"{sum(y for _, y in middle[half:]) / (len(middle) - half):.2f}",
           f"{grown:+.2f}")
    return row, grown


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dmt", default=ROOT / ".build/release/dmt")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--bound", type=float, default=4,
                        help="MiB that memory may grow in the compared part")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dmt-memory-"))
    program = Program(options.dmt, folder)
    commands.prepare(program, val=options.images)
    runs = [(c.name, [*c.arguments, *c.out()], options.steps) for c in
            [commands.distill(options.steps, 50), *commands.trainings(options.steps)[:1],
             commands.detection(options.steps)]]
    runs += [(c.name, [*c.arguments, "--no-plots", "--predict-only", *c.out()], options.images)
             for c in commands.evaluations()[:2]]
    rows, broken = [], []
    for name, arguments, items in runs:
        for path in folder.glob("*ed"):
            shutil.rmtree(path)
        row, grown = report(name, program, arguments, items, 0.25, 1.0, 0.05)
        rows.append(row)
        if grown > options.bound:
            broken.append(name)
    print(f"\n{machine()}\n")
    print("| run | steps or images | seconds | samples | highest MiB | mean of the earlier half | of the later half "
          "| growth, MiB |\n|:--|--:|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    shutil.rmtree(folder)
    if broken:
        print(f"grew by more than {options.bound} MiB: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
