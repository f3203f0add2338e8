#!/usr/bin/env python3
"""Kills and interrupts small runs at many instants and compares what follows byte for byte: see README.md here."""
import argparse, pathlib, random, shutil, signal, sys, tempfile, time

import commands
from program import ROOT, Program, contents, leftovers, machine, status

# Nothing of a run that can be continued may stand half written under these names.
STATES = {None, "running", "interrupted", "failed"}


class Harness:
    def __init__(self, program, log, snapshots=True):
        self.program, self.log, self.failures, self.rows = program, log, [], []
        self.first = 1
        # Whether snapshots are compared too.
        self.snapshots = snapshots

    def say(self, text):
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        with open(self.log, "a") as file:
            file.write(line + "\n")

    def fail(self, text):
        self.failures.append(text)
        self.say("FAIL " + text)

    def paths(self, command):
        return [self.program.folder / name for name in [command.output, command.features] if name]

    def found(self, command):
        return {f"{path.name}/{name}": digest for path in self.paths(command) if path.exists()
                for name, digest in contents(path, self.snapshots).items()}

    def reference(self, command):
        """What an undisturbed run leaves, twice: both must be the same."""
        command.clear(self.program.folder)
        seconds = self.program.must([*command.arguments, *command.out()])
        first = self.found(command)
        command.clear(self.program.folder)
        seconds = min(seconds, self.program.must([*command.arguments, *command.out()]))
        second = self.found(command)
        differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
        if differing:
            self.fail(f"{command.name}: two undisturbed runs differ in {differing}")
        command.clear(self.program.folder)
        return first, seconds

    def partial(self, command, whole, what):
        """After a stop: every file under its final name is whole, and STATUS does not claim an end."""
        folder = self.program.folder / command.output
        # Killed after its last word it may be done, and then is.
        if folder.is_dir() and status(folder) not in STATES and self.found(command) != whole:
            self.fail(f"{what}: STATUS {status(folder)} after the process was stopped")
        if command.output.endswith(".html") and folder.exists() and self.found(command) != whole:
            self.fail(f"{what}: a half written file")
        for name in ("student.safetensors", "checkpoint.safetensors", "predictions.json", "predictions.tsv", "run.json",
                     "evidence.safetensors", "teacher.safetensors"):
            path, key = folder / name, f"{command.output}/{name}"
            if key in whole and path.exists() and self.found(command).get(key) != whole[key]:
                self.fail(f"{what}: {name} is there and is not the whole one")

    def strike(self, command, whole, how, codes, retry_clears=False):
        """Stops the command once and runs it again; what it left must be that of a run that never stopped."""
        what = f"{command.name}, {how}"
        options = {"fault": how} if isinstance(how, str) else {"after": how[1], "number": how[0]}
        code, text = self.program.run([*command.arguments, *command.out()], **options)
        if code == 0:
            if self.found(command) != whole:
                self.fail(f"{what}: it ended before, with other bytes")
            command.clear(self.program.folder)
            return "ended before"
        if code not in codes:
            self.fail(f"{what}: exit {code}: {text[-300:]}")
        self.partial(command, whole, what)
        again = command.again or []
        if command.again is None and not command.output.endswith(".html") and (
                self.program.folder / command.output).is_dir():
            shutil.rmtree(self.program.folder / command.output)
        last, text = self.program.run([*command.arguments, *command.out(), *again])
        folder = self.program.folder / command.output
        if last == 73 and status(folder) == "done":
            last = 0
        if last != 0:
            self.fail(f"{what}: run again: exit {last}: {text[-300:]}")
        found = self.found(command)
        if found != whole:
            names = sorted(n for n in found.keys() | whole.keys() if found.get(n) != whole.get(n))
            self.fail(f"{what}: run again, other bytes in {names}")
        if folder.is_dir() and (status(folder) not in ("done", None) or leftovers(folder)):
            self.fail(f"{what}: at the end STATUS {status(folder)}, leftovers {leftovers(folder)}")
        command.clear(self.program.folder)
        return code

    def sweep(self, command, kinds, codes):
        """kinds: (kind, number of points) with kind `kill-at-write`, `term-at-step`, `kill`, `term` (random times)."""
        whole, seconds = self.reference(command)
        program, folder = self.program, self.program.folder
        counts = {}
        for point in {kind.rsplit("-", 1)[-1] for kind, _ in kinds if "-at-" in kind}:
            counts[point] = program.calls(command.arguments, command.out(), point, lambda: command.clear(folder))
        self.say(f"{command.name}: {seconds:.2f} s undisturbed, {len(whole)} files compared, {counts}")
        random.seed(f"{command.name} {kinds}")
        for kind, number in kinds:
            begin, before, ends = time.monotonic(), len(self.failures), {}
            total = counts.get(kind.rsplit("-", 1)[-1], 0)
            for place in range(number):
                if "-at-" in kind:
                    first = self.first if kind.endswith("write") else 1
                    span = total - first + 1
                    how = f"{kind}:{first + (place * span // number if number < span else place % span)}"
                else:
                    how = (signal.SIGKILL if kind == "kill" else signal.SIGTERM, random.uniform(0.01, seconds))
                end = self.strike(command, whole, how, codes)
                ends[end] = ends.get(end, 0) + 1
                if (place + 1) % 50 == 0:
                    self.say(f"{command.name}: {kind}: {place + 1} of {number}, {len(self.failures)} failures")
            self.rows.append([command.name, kind, total or "", number, len(self.failures) - before,
                              f"{time.monotonic() - begin:.0f}", ", ".join(f"{e}: {n}" for e, n in ends.items())])
            self.say(" | ".join(map(str, self.rows[-1])))

    def report(self):
        self.say(f"{machine()}; {sum(row[3] for row in self.rows)} points, {len(self.failures)} failures")
        print("| command | stopped by | of so many | points | failures | seconds | how it ended: times |")
        print("|:--|:--|--:|--:|--:|--:|:--|")
        for row in self.rows:
            print("| " + " | ".join(map(str, row)) + " |")
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["training", "writes", "others", "term"])
    parser.add_argument("--dmt", default=ROOT / ".build/release/dmt")
    parser.add_argument("--points", type=int, help="1000 for training, 200 for others and term unless given")
    parser.add_argument("--steps", type=int, default=250, help="steps of the distillation that is killed")
    parser.add_argument("--from-write", type=int, default=1, help="file calls before this one are left out")
    parser.add_argument("--log", default="kill.log")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dmt-kill-"))
    harness = Harness(Program(options.dmt, folder), options.log, snapshots=options.part != "term")
    harness.first = options.from_write
    commands.prepare(harness.program)
    points = options.points or (1000 if options.part == "training" else 200)
    killed, ended = {-signal.SIGKILL}, {143, -signal.SIGTERM}
    if options.part == "training":
        share = points * 7 // 10
        harness.sweep(commands.distill(options.steps), [
            ("kill-at-write", share * 3 // 7), ("kill-at-step", share * 2 // 7), ("kill", share * 2 // 7)], killed)
        for command in commands.trainings(60):
            harness.sweep(command, [("kill-at-write", points // 20), ("kill", points // 20)], killed)
    elif options.part == "writes":
        harness.sweep(commands.distill(options.steps), [("kill-at-write", points)], killed)
    elif options.part == "term":
        harness.sweep(commands.distill(options.steps), [
            ("term-at-step", points // 2), ("term", points // 4), ("term-at-write", points // 4)], ended)
    else:
        every = commands.evaluations() + commands.writings()
        for command in every:
            number = max(1, points // len(every) // 2)
            harness.sweep(command, [("kill-at-write", number), ("kill", points // len(every) - number + 1)], killed)
    code = harness.report()
    shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())
