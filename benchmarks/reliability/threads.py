#!/usr/bin/env python3
"""Runs each command with 1, 2 and 4 threads and compares every file byte for byte: see README.md here."""
import argparse, pathlib, shutil, sys, tempfile

import commands
from kill import Harness
from program import ROOT, Program, machine


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dmt", default=ROOT / ".build/release/dmt")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--log", default="threads.log")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dmt-threads-"))
    program = Program(options.dmt, folder)
    harness = Harness(program, options.log)
    commands.prepare(program)
    cached = commands.dataclasses.replace(commands.distill(options.steps), name="distil, features kept",
                                          features="cache")
    detect = commands.detection(options.steps)
    every = [commands.distill(options.steps), cached, *commands.trainings(options.steps), detect,
             *commands.evaluations()]
    for command in every:
        for seed in range(options.seeds):
            arguments = [*command.arguments, *command.out(), "--seed", str(seed)]
            found = {}
            for count in options.threads:
                command.clear(folder)
                program.must(arguments, threads=count)
                found[count] = harness.found(command)
            one = found[options.threads[0]]
            for count in options.threads[1:]:
                differing = sorted(n for n in one.keys() | found[count].keys() if one.get(n) != found[count].get(n))
                if differing:
                    harness.fail(f"{command.name}, seed {seed}: {count} threads differ in {differing}")
        command.clear(folder)
        harness.rows.append([command.name, "/".join(map(str, options.threads)), options.seeds, len(one)])
        harness.say(" | ".join(map(str, harness.rows[-1])))
    print(f"{machine()}; {len(harness.failures)} differences\n")
    print("| command | threads | seeds | files compared |\n|:--|:--|--:|--:|")
    for row in harness.rows:
        print("| " + " | ".join(map(str, row)) + " |")
    shutil.rmtree(folder)
    return 1 if harness.failures else 0


if __name__ == "__main__":
    sys.exit(main())
