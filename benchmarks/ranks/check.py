#!/usr/bin/env python3
"""Trains and evaluates with 1, 2 and 4 ranks and compares: see README.md here."""
import argparse, csv, hashlib, json, os, pathlib, shutil, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOUNDS = {"distill": 1e-5, "segment": 5e-2, "classify": 1e-2, "detect": 1e-1}
FIRST = 10
FIRST_BOUND = 1e-5
failures = []


def say(text):
    print(text, flush=True)


def check(holds, text):
    say(("ok    " if holds else "FAIL  ") + text)
    if not holds:
        failures.append(text)


class Ranks:
    """Runs `dmt` on ranks of this machine."""

    def __init__(self, dmt, folder):
        self.dmt, self.folder = str(dmt), folder
        self.environment = dict(os.environ)
        if os.geteuid() == 0:
            self.environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def command(self, ranks, *arguments):
        start = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
        return start + [self.dmt, *arguments, "--threads", "1", "-q"]

    def start(self, ranks, *arguments, **options):
        return subprocess.Popen(
            self.command(ranks, *arguments), cwd=self.folder, env=self.environment | options,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, ranks, *arguments, **options):
        process = self.start(ranks, *arguments, **options)
        out, err = process.communicate()
        return process.returncode, out, err

    def must(self, ranks, *arguments, **options):
        begin = time.monotonic()
        code, out, err = self.run(ranks, *arguments, **options)
        if code != 0:
            sys.exit(f"{' '.join(self.command(ranks, *arguments))}: exit {code}\n{err}")
        return time.monotonic() - begin, out


def curve(folder):
    """The loss of each step, or of each window of steps."""
    log = folder / "metrics.jsonl"
    if log.exists():
        return [json.loads(line)["loss"] for line in log.read_text().splitlines()]
    with open(folder / "curves.csv") as lines:
        return [float(row["value"]) for row in csv.DictReader(lines) if row["term"] == "total"]


def differences(one, other):
    assert len(one) == len(other) and one, (len(one), len(other))
    return [abs(a - b) / abs(a) for a, b in zip(one, other)]


def digest(path):
    """Of a file, or of all files of a folder with their names."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    sha = hashlib.sha256()
    for file in files:
        if file.is_file():
            sha.update(str(file.relative_to(path)).encode() + file.read_bytes())
    return sha.hexdigest()


def losses(ranks, task, arguments, steps, counts, per_point):
    """Trains with each number of ranks, and alone on another CPU path: what rounding alone does to the same training."""
    curves, folders = {}, {}
    for count in counts:
        folder = ranks.folder / f"{task}-{count}"
        seconds, _ = ranks.must(count, *arguments, "--out", folder.name)
        curves[count], folders[count] = curve(folder), folder
        say(f"      {task}: {count} ranks, {seconds:.1f} s")
    path = "plain" if os.environ.get("DMT_CPU") == "avx2" else "avx2"
    ranks.must(0, *arguments, "--out", f"{task}-{path}", DMT_CPU=path)
    control = differences(curves[1], curve(ranks.folder / f"{task}-{path}"))
    say(f"      {task}: one process on the {path} path: largest difference {max(control):.1e}")
    first = max(1, FIRST // per_point)
    for count in counts[1:]:
        found = differences(curves[1], curves[count])
        check(
            max(found[:first]) <= FIRST_BOUND,
            f"{task}: {count} ranks, first {FIRST} steps: largest relative difference {max(found[:first]):.1e} "
            f"(bound {FIRST_BOUND:.0e})")
        check(
            max(found) <= BOUNDS[task],
            f"{task}: {count} ranks, {steps} steps: largest relative difference {max(found):.1e} "
            f"(bound {BOUNDS[task]:.0e}), mean {sum(found) / len(found):.1e}, at the end {found[-1]:.1e}")
    return folders


def repeat(ranks, task, arguments, count, name):
    ranks.must(count, *arguments, "--out", f"{task}-again")
    same = digest(ranks.folder / f"{task}-again" / name) == digest(ranks.folder / f"{task}-{count}" / name)
    check(same, f"{task}: {count} ranks again: the same bytes")


def evaluation(ranks, task, checkpoint, counts, predictions):
    records, files = {}, {}
    for count in counts:
        folder = ranks.folder / f"eval-{task}-{count}"
        ranks.must(count, "eval", task, "--checkpoint", checkpoint, "--data", "scenes", "--out", folder.name)
        record = json.loads((folder / "run.json").read_text())
        records[count] = json.dumps([record["metrics"], record.get("class_table")], sort_keys=True)
        files[count] = digest(folder / predictions)
    for count in counts[1:]:
        check(
            files[count] == files[counts[0]] and records[count] == records[counts[0]],
            f"eval {task}: {count} ranks: predictions and metrics equal to the bit")


def features(ranks, arguments):
    """A folder of features written by one and by two ranks, then used by two."""
    short = [*arguments, "training.steps=10", "training.warmup_steps=2"]
    for count in (1, 2):
        ranks.must(count, *short, "--feature-cache", f"features-{count}", "--out", f"cached-{count}")
    check(digest(ranks.folder / "features-1") == digest(ranks.folder / "features-2"), "feature folder: equal bytes")
    before = digest(ranks.folder / "features-2")
    ranks.must(2, *short, "--feature-cache", "features-2", "--out", "cached-3")
    same = digest(ranks.folder / "cached-2" / "curves.csv") == digest(ranks.folder / "cached-3" / "curves.csv")
    check(same and digest(ranks.folder / "features-2") == before, "feature folder: a second run adds nothing")


def children(process):
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == process.pid and os.path.realpath(status.parent / "exe") == os.path.realpath(DMT):
            found.append(int(status.parent.name))
    return sorted(found)


def interrupted(ranks, task, arguments, name, how):
    """Stops a run of two ranks when its first snapshot is there, and continues it."""
    folder = ranks.folder / f"{task}-{how}"
    process = ranks.start(2, *arguments, "--out", folder.name)
    while not list(folder.glob("checkpoints/step-*.safetensors")) and process.poll() is None:
        time.sleep(0.02)
    if how == "killed":
        os.kill(children(process)[1], signal.SIGKILL)
    else:
        process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    status = (folder / "STATUS").read_text().strip()
    say(f"      {how}: mpirun ended with {process.returncode}, STATUS {status}")
    for line in err.splitlines():
        if line.strip("- "):
            say(f"        | {line}")
    check(process.returncode != 0 and "--resume" in err, f"{how}: a code other than 0, and the command to go on")
    left = [file.name for file in folder.rglob("*.tmp.*")]
    ranks.must(2, *arguments, "--out", folder.name, "--resume")
    same = digest(folder / name) == digest(ranks.folder / f"{task}-2" / name)
    check(same, f"{how}: resumed to the bytes of the run of two ranks that never stopped" + (f", left {left}" if left else ""))


def refusals(ranks, distill):
    code, _, err = ranks.run(3, *distill, "training.batch=16", "--out", "odd")
    check(code == 78 and "multiple of the 3 ranks" in err, f"a batch of 16 on 3 ranks: exit {code}")
    code, _, err = ranks.run(2, "eval", "knn", "--checkpoint", "distill-1/student.safetensors", "--data", "scenes")
    check(code == 64 and err.count("works in one process") == 1, f"a verb of one process on 2 ranks: exit {code}")
    code, _, err = ranks.run(2, "distill", "--data", "nowhere", "--recipe", "distill-scenes", "--out", "none")
    check(code == 66 and err.count("nowhere") >= 1, f"missing data on 2 ranks: exit {code}")


def two_hosts(ranks, distill):
    """Two network namespaces as two hosts: they reach each other over TCP alone."""
    def ip(*words, quiet=False):
        return subprocess.run(["ip", *words], check=not quiet, capture_output=True).returncode == 0

    if os.geteuid() != 0 or shutil.which("ip") is None or not ip("netns", "add", "dmt-a", quiet=True):
        say("      two hosts: left out, network namespaces need root")
        return
    try:
        ip("netns", "add", "dmt-b")
        ip("link", "add", "dmt-va", "netns", "dmt-a", "type", "veth", "peer", "name", "dmt-vb", "netns", "dmt-b")
        for host, number in (("a", 1), ("b", 2)):
            ip("-n", f"dmt-{host}", "addr", "add", f"10.99.7.{number}/24", "dev", f"dmt-v{host}")
            ip("-n", f"dmt-{host}", "link", "set", f"dmt-v{host}", "up")
            ip("-n", f"dmt-{host}", "link", "set", "lo", "up")
        agent = ranks.folder / "agent"
        # mpirun asks for a shell on a host by its address; the second namespace stands for it.
        agent.write_text('#!/bin/sh\nshift\nexec ip netns exec dmt-b unshare --uts sh -c "hostname host-b; $*"\n')
        agent.chmod(0o755)
        command = [
            "ip", "netns", "exec", "dmt-a", "unshare", "--uts", "sh", "-c", 'hostname host-a; exec "$@"', "sh",
            "mpirun", "--bind-to", "none", "-n", "2", "--host", "10.99.7.1:1,10.99.7.2:1", "--map-by", "node",
            "--mca", "plm_rsh_agent", str(agent), "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include",
            "10.99.7.0/24", "--mca", "oob_tcp_if_include", "10.99.7.0/24", "--mca", "pml", "ob1",
            ranks.dmt, *distill, "--threads", "1", "-q", "--out", "distill-hosts"]
        begin = time.monotonic()
        done = subprocess.run(command, cwd=ranks.folder, env=ranks.environment, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            check(False, f"two hosts: exit {done.returncode}: {done.stderr[-800:]}")
            return
        sent = int(subprocess.run(
            ["ip", "netns", "exec", "dmt-b", "cat", "/sys/class/net/dmt-vb/statistics/tx_bytes"], capture_output=True,
            text=True).stdout or 0)
        name = "student.safetensors"
        same = digest(ranks.folder / "distill-hosts" / name) == digest(ranks.folder / "distill-2" / name)
        check(same, f"two hosts over TCP, {time.monotonic() - begin:.1f} s, {sent >> 20} MiB sent by one: the bytes of "
                    "two ranks on one machine")
    finally:
        for host in ("a", "b"):
            ip("netns", "del", f"dmt-{host}", quiet=True)


def main():
    global DMT
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dmt", default=ROOT / ".build/mpi/release/dmt", help="a program built with --traits MPI")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--out", type=pathlib.Path, help="folder that stays; a temporary one unless given")
    options = parser.parse_args()
    DMT = pathlib.Path(options.dmt).resolve()
    folder = options.out or pathlib.Path(tempfile.mkdtemp(prefix="dmt-ranks-"))
    folder.mkdir(parents=True, exist_ok=True)
    ranks, counts, steps = Ranks(DMT, folder.resolve()), options.ranks, options.steps
    ranks.must(0, "data", "scenes", "--train", "64", "--val", "40", "--size", "96", "--seed", "7", "--out", "scenes")

    distill = ["distill", "--recipe", "distill-scenes", "--data", "scenes", f"training.steps={steps}",
               "training.batch=16"]
    losses(ranks, "distill", distill, steps, counts, max(1, steps // 100))
    repeat(ranks, "distill", distill, counts[-1], "student.safetensors")
    student = ["--checkpoint", "distill-1/student.safetensors", "--data", "scenes"]
    segment = ["train", "segment", "--recipe", "segment-scenes", *student, f"training.steps={steps}",
               "training.batch=8", "training.drop_path=0.1"]
    losses(ranks, "segment", segment, steps, counts, 1)
    classify = ["train", "classify", "--recipe", "classify-scenes", *student, f"training.steps={steps}",
                "training.batch=16", "+views.mixup=0.8", "+views.cutmix=1",
                "+views.erasing=0.25", "head.norm=batch"]
    losses(ranks, "classify", classify, steps, counts, 1)
    few = min(steps, 40)
    detect = ["train", "detect", "--recipe", "detect-scenes", *student, f"training.steps={few}", "training.batch=4"]
    losses(ranks, "detect", detect, few, counts, 1)
    for task, name in (("segment", "predictions"), ("detect", "predictions.json"), ("classify", "predictions.tsv")):
        evaluation(ranks, task, f"{task}-1/checkpoint.safetensors", counts, name)
    features(ranks, distill)
    interrupted(ranks, "distill", distill, "student.safetensors", "killed")
    interrupted(ranks, "distill", distill, "student.safetensors", "stopped")
    refusals(ranks, distill)
    two_hosts(ranks, distill)
    if options.out is None:
        shutil.rmtree(folder)
    say(f"{len(failures)} failure(s)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
