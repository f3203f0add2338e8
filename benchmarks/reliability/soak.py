#!/usr/bin/env python3
"""Distils, trains and evaluates under random kills and faults until the time is over: see README.md here."""
import argparse, os, pathlib, random, shutil, signal, sys, tempfile, time

import commands
from program import ROOT, Program, contents, leftovers, machine, status

# How a disturbed life may end: killed, interrupted, out of disk or with a broken disk, done.
ENDS = {-signal.SIGKILL, -signal.SIGTERM, 143, 74, 0}


class Broken(Exception):
    pass


def disturbance(draw, steps):
    """A fault, or a time after which the process is killed; now and then nothing."""
    choice = draw.randrange(10)
    number = int(2 ** draw.uniform(0, 9))
    if choice < 2:
        return f"kill-at-write:{number}"
    if choice < 4:
        return f"kill-at-step:{draw.randint(1, steps)}"
    if choice < 6:
        return f"fail-at-write:{number}:{draw.choice(['ENOSPC', 'EIO', 'short'])}"
    if choice == 6:
        return f"fail-at-read:{number}:{draw.choice(['EIO', 'short'])}"
    if choice == 7:
        return f"{draw.choice(['term-at-step', 'term-at-write'])}:{draw.randint(1, steps)}"
    if choice == 8:
        return draw.uniform(0.02, 0.6)
    return None


class Soak:
    def __init__(self, program, log):
        self.program, self.folder, self.log = program, program.folder, log
        self.lives, self.ends, self.peaks = 0, {}, {}

    def say(self, text):
        print(text, flush=True)
        with open(self.log, "a") as file:
            file.write(text + "\n")

    def undisturbed(self, name, arguments, out):
        """Runs to the end, and notes the largest resident memory."""
        process = self.program.start([*arguments, "--out", out])
        process.stdout.read()
        text = process.stderr.read()
        _, state, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(state)
        if process.returncode != 0:
            raise Broken(f"{name}: undisturbed: exit {process.returncode}: {text.decode()[-300:]}")
        self.peaks.setdefault(name, []).append(usage.ru_maxrss / 1024)

    def disturbed(self, name, arguments, out, draw, steps):
        """Runs under one disturbance after the other, each time going on, until it is done."""
        history = []
        for life in range(200):
            what = disturbance(draw, steps) if life < 60 else None
            options = {"after": what} if isinstance(what, float) else {"fault": what}
            code, text = self.program.run([*arguments, "--out", out, "--resume"], **options)
            history.append(f"{what}: {code}")
            self.lives += 1
            self.ends[code] = self.ends.get(code, 0) + 1
            if code == 73 and status(self.folder / out) == "done":
                return history
            if code not in ENDS:
                raise Broken(f"{name}: exit {code} after {history}: {text[-300:]}")
            if code == 0:
                return history
        raise Broken(f"{name}: no end after {history}")

    def stage(self, name, arguments, draw, steps):
        whole, out = f"{name}-whole", f"{name}-run"
        self.undisturbed(name, arguments, whole)
        history = self.disturbed(name, arguments, out, draw, steps)
        expected, found = contents(self.folder / whole, False), contents(self.folder / out, False)
        if expected != found:
            names = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
            raise Broken(f"{name}: other bytes in {names} after {history}")
        if status(self.folder / out) != "done" or leftovers(self.folder / out):
            raise Broken(f"{name}: STATUS {status(self.folder / out)}, {leftovers(self.folder / out)} after {history}")
        return len(history)

    def round(self, seed):
        for path in self.folder.glob("*-*"):
            shutil.rmtree(path)
        draw = random.Random(seed)
        lives = []
        common = ["--data", "scenes", "--seed", str(seed)]
        distil = [a for a in commands.distill(40, draw.choice([3, 7, 12])).arguments]
        cache = draw.random() < 0.3
        if cache:
            shutil.rmtree(self.folder / "cache", ignore_errors=True)
            distil += ["--feature-cache", "cache"]
        lives.append(self.stage("distil", [*distil, "--seed", str(seed)], draw, 40))
        student = ["--checkpoint", "distil-whole/student.safetensors"]
        task = draw.choice(["segment", "classify"])
        sizes = commands.segment_size() if task == "segment" else ["views.size=32"]
        lives.append(self.stage(f"train-{task}", [
            "train", task, "--recipe", f"{task}-scenes", *common, *student, "training.steps=30", "training.batch=2",
            "training.warmup=1", f"+training.save_every={draw.choice([4, 9])}", *sizes], draw, 30))
        model = ["--checkpoint", f"train-{task}-whole/checkpoint.safetensors"]
        lives.append(self.stage(f"eval-{task}", ["eval", task, *common, *model, "--bootstrap", "100"], draw, 30))
        return lives


def trend(values):
    """MiB a round, by least squares."""
    n = len(values)
    if n < 2:
        return 0.0
    mx, my = (n - 1) / 2, sum(values) / n
    return sum((x - mx) * (y - my) for x, y in enumerate(values)) / sum((x - mx) ** 2 for x in range(n))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dmt", default=ROOT / ".build/release/dmt")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1, help="the first round's; a broken round is run again by its own")
    parser.add_argument("--rounds", type=int, help="so many rounds at most")
    parser.add_argument("--log", default="soak.log")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dmt-soak-"))
    soak = Soak(Program(options.dmt, folder), options.log)
    commands.prepare(soak.program)
    end, seed = time.monotonic() + 60 * options.minutes, options.seed
    while time.monotonic() < end and (options.rounds is None or seed < options.seed + options.rounds):
        try:
            lives = soak.round(seed)
        except Broken as error:
            soak.say(f"BROKEN in round {seed}: {error}\n  its files are in {folder}; again: soak.py --seed {seed} --rounds 1")
            return 1
        soak.say(f"round {seed}: the same bytes; processes of each stage: {lives}; largest resident MiB: "
                 + ", ".join(f"{name} {values[-1]:.1f}" for name, values in soak.peaks.items()))
        seed += 1
    print(f"\n{machine()}; {seed - options.seed} rounds, {soak.lives} disturbed processes, ended: "
          + ", ".join(f"{code} {count} times" for code, count in sorted(soak.ends.items())))
    print("\n| stage | rounds | largest resident MiB: first, last, highest | trend, MiB a round |\n|:--|--:|--:|--:|")
    for name, values in soak.peaks.items():
        print(f"| {name} | {len(values)} | {values[0]:.1f}, {values[-1]:.1f}, {max(values):.1f} | {trend(values):+.3f} |")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
