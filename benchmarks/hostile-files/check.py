#!/usr/bin/env python3
"""Gives every file of the malformed collection to the built program: see results/reliability/corpus.md."""
import argparse, json, os, pathlib, sys, tempfile, time

MEGABYTE = 1 << 20


def run(command, folder):
    """Runs a command; its exit code, or minus the signal, what it printed, its peak memory and its seconds."""
    with tempfile.TemporaryFile() as output:
        begin = time.monotonic()
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.execve(command[0], command, {**os.environ, "SWIFT_BACKTRACE": "enable=no", "NO_COLOR": "1"})
        _, status, usage = os.wait4(child, 0)
        seconds = time.monotonic() - begin
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    return code, text, usage.ru_maxrss * 1024, seconds


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dmt", required=True)
    options.add_argument("--corpus", required=True, help="the folder that the tests left")
    options = options.parse_args()
    dmt = str(pathlib.Path(options.dmt).resolve())
    corpus = pathlib.Path(options.corpus).resolve()
    files = json.loads((corpus / "corpus.json").read_text())
    # What the program takes for the smallest thing that it refuses.
    idle = max(run([dmt, "model", "info", "/dev/null"], corpus)[2] for _ in range(3))
    wrong, readers, longest = [], {}, 0
    for file in files:
        code, text, memory, seconds = run([dmt, *file["arguments"]], corpus)
        longest = max(longest, seconds)
        above = memory - idle
        count = readers.setdefault(file["reader"], [0, 0, 0, 0])
        count[0] += file["sure"]
        count[1] += not file["sure"]
        count[2] += code == file["code"] and not file["sure"]
        count[3] = max(count[3], above)
        if code != file["code"] and (file["sure"] or code not in (0, 65)):
            wrong.append(f"{file['name']}: exit {code}, expected {file['code']}: {text.strip()[-300:]}")
        elif code != 0 and file["name"] not in text:
            wrong.append(f"{file['name']}: not named: {text.strip()[-300:]}")
        if above > 2 * file["bytes"] + 64 * MEGABYTE:
            wrong.append(f"{file['name']}: {above / MEGABYTE:.0f} MB above idle for {file['bytes']} bytes")
    print("| reader | refused | may be read | of them refused | most memory above idle, MB |")
    print("|:--|--:|--:|--:|--:|")
    for reader, (sure, unsure, refused, above) in readers.items():
        print(f"| {reader} | {sure} | {unsure} | {refused} | {max(0, above) / MEGABYTE:.1f} |")
    print(f"\n{len(files)} files, idle {idle / MEGABYTE:.0f} MB, longest {longest:.2f} s, {len(wrong)} wrong")
    for line in wrong:
        print("FAIL  " + line)
    sys.exit(1 if wrong else 0)


main()
