#!/usr/bin/env python3
"""Lets every file call of small commands fail in turn: see README.md here."""
import argparse, dataclasses, pathlib, shutil, sys, tempfile, time

import commands
from kill import Harness
from program import ROOT, Program, leftovers, machine, status

# How a call fails, and the exit codes that may follow.
KINDS = {
    "fail-at-write:{}:ENOSPC": {74}, "fail-at-write:{}:EIO": {74}, "fail-from-write:{}:ENOSPC": {74},
    "fail-at-write:{}:short": {0}, "fail-at-read:{}:EIO": {74}, "fail-at-read:{}:short": {0},
}


class Faults(Harness):
    kinds = ""

    def older(self, command):
        """A file that a report replaces: it must stay, or be the new one."""
        path = self.program.folder / command.output
        if command.output.endswith(".html"):
            path.write_text("the one before\n")
        return path

    def begun(self, command):
        """Runs the process before, where there is one; the arguments that go on from it."""
        if command.before is None:
            return []
        self.program.run([*command.arguments, *command.out()], fault=command.before)
        return command.again

    def count(self, command, point):
        def clear():
            command.clear(self.program.folder)
            self.begun(command)

        clear()
        number = self.program.calls([*command.arguments, *(command.again if command.before else [])], command.out(),
                                    point, clear)
        command.clear(self.program.folder)
        return number

    def try_call(self, command, whole, fault, codes):
        what, folder = f"{command.name}, {fault}", self.program.folder / command.output
        older = self.older(command)
        arguments = [*command.arguments, *command.out(), *self.begun(command)]
        # A process that was killed before may have left some; this one must leave none.
        left = set(leftovers(self.program.folder))
        code, text = self.program.run(arguments, fault=fault)
        left = set(leftovers(self.program.folder)) - left
        if code == 0 and 0 not in codes:
            # A failure that costs nothing: what follows must be whole.
            if self.found(command) != whole:
                self.fail(f"{what}: exit 0 and other bytes")
            command.clear(self.program.folder)
            return "0, whole"
        if code == 74 and status(folder) == "done" and self.found(command) == whole:
            # Whole, and named so: what failed is the sync of the folder after the last rename.
            command.clear(self.program.folder)
            return "74, whole"
        if code not in codes:
            self.fail(f"{what}: exit {code}: {text[-300:]}")
        if left:
            self.fail(f"{what}: temporary files {left}")
        if code != 0:
            if command.output.endswith(".html"):
                if older.read_text() != "the one before\n" and self.found(command) != whole:
                    self.fail(f"{what}: the file before is gone and the new one is not whole")
            else:
                self.partial(command, whole, what)
            last, text = self.program.run([*command.arguments, *command.out(), *(command.again or [])])
            if last != 0:
                self.fail(f"{what}: run again: exit {last}: {text[-300:]}")
        found = self.found(command)
        if found != whole:
            names = sorted(n for n in found.keys() | whole.keys() if found.get(n) != whole.get(n))
            self.fail(f"{what}: other bytes in {names}")
        if folder.is_dir() and (status(folder) != "done" or leftovers(folder)):
            self.fail(f"{what}: at the end STATUS {status(folder)}, leftovers {leftovers(folder)}")
        command.clear(self.program.folder)
        return code

    def every_call(self, command, step):
        whole, seconds = self.reference(command)
        counts = {point: self.count(command, point) for point in ("write", "read")}
        self.say(f"{command.name}: {seconds:.2f} s undisturbed, {counts}")
        for kind, codes in KINDS.items():
            if self.kinds not in kind:
                continue
            count, begin, before, ends = counts["read" if "read" in kind else "write"], time.monotonic(), len(
                self.failures), {}
            tried = range(1, count + 1, step)
            for number in tried:
                end = self.try_call(command, whole, kind.format(number), codes)
                ends[end] = ends.get(end, 0) + 1
            self.rows.append([command.name, kind.format("N"), count, len(tried), len(self.failures) - before,
                              f"{time.monotonic() - begin:.0f}", ", ".join(f"{e}: {n}" for e, n in ends.items())])
            self.say(" | ".join(map(str, self.rows[-1])))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dmt", default=ROOT / ".build/release/dmt")
    parser.add_argument("--step", type=int, default=1, help="every how manieth call is tried")
    parser.add_argument("--only", default="", help="commands whose name has this in it")
    parser.add_argument("--kinds", default="", help="failures whose name has this in it")
    parser.add_argument("--log", default="faults.log")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dmt-faults-"))
    harness = Faults(Program(options.dmt, folder), options.log)
    harness.kinds = options.kinds
    commands.prepare(harness.program, val=6)
    training = commands.trainings(4)[0]
    training.arguments = [a.replace("save_every=20", "save_every=2") for a in training.arguments]
    distil = dataclasses.replace(commands.distill(steps=4, save=2), name="distil")
    every = [training, distil, *commands.evaluations(), *commands.writings()]
    every += [dataclasses.replace(command, name=f"{command.name}, continued", before=before) for command, before in (
        (training, "kill-at-step:4"), (distil, "kill-at-step:4"), (commands.evaluations()[0], "kill-at-write:60"))]
    for command in every:
        if options.only in command.name:
            harness.every_call(command, options.step)
    code = harness.report()
    shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())
