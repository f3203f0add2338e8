"""The built program from outside: runs that are stopped, and what they leave compared byte for byte."""
import hashlib, json, os, pathlib, re, signal, subprocess, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Times, memory and the command line differ from run to run; everything else is the same.
VOLATILE = {"log.txt", "env.json", "memory.json", "command.txt", ".lock", "STATUS"}
# Members of records and reports that tell times, memory, the machine and where a run lies.
OWN = {"timings", "environment", "command_line", "efficiency", "sections", "run", "id"}
LEFTOVER = re.compile(r"\.tmp\.\d+\.\d+$")


class Program:
    """Runs `dmt` in a folder, on one CPU path."""

    def __init__(self, dmt, folder, threads=1):
        self.dmt, self.folder, self.threads = str(pathlib.Path(dmt).resolve()), pathlib.Path(folder), threads
        self.environment = dict(os.environ) | {"SWIFT_BACKTRACE": "enable=no"}

    def start(self, arguments, fault=None, threads=None):
        environment = self.environment | ({"DMT_FAULT": fault} if fault else {})
        return subprocess.Popen(
            [self.dmt, *arguments, "--threads", str(threads or self.threads), "-q"], cwd=self.folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, arguments, fault=None, after=None, number=signal.SIGKILL, threads=None):
        """The exit code (minus the signal that ended it) and what was said; a signal after so many seconds."""
        process = self.start(arguments, fault, threads)
        if after is not None:
            try:
                out, err = process.communicate(timeout=after)
                return process.returncode, (out + err).decode(errors="replace")
            except subprocess.TimeoutExpired:
                process.send_signal(number)
        out, err = process.communicate()
        return process.returncode, (out + err).decode(errors="replace")

    def must(self, arguments, **options):
        """Seconds of a run that has to end well."""
        begin = time.monotonic()
        code, text = self.run(arguments, **options)
        if code != 0:
            raise SystemExit(f"dmt {' '.join(arguments)}: exit {code}\n{text}")
        return time.monotonic() - begin

    def calls(self, arguments, out, kind, clear, most=4096):
        """How many file calls (`write`, `read`) or steps a command makes: the last fault that it reaches.

        A fault that it swallowed would look like one that it does not reach, so places farther on are asked too.
        """
        action = "fail-at-read:{}:EIO" if kind == "read" else "kill-at-" + kind + ":{}"

        def reaches(number):
            clear()
            return self.run([*arguments, *out], fault=action.format(number))[0] != 0

        low, high = 0, most
        while True:
            while low + 1 < high:
                middle = (low + high) // 2
                low, high = (middle, high) if reaches(middle) else (low, middle)
            farther = next((low + step for step in (2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233) if reaches(low + step)), None)
            if farther is None:
                clear()
                return low
            low, high = farther, most


def contents(folder, snapshots=True):
    """SHA-256 of each file that must be the same, by its name in the folder; events without their times.

    A run that was interrupted, or continued, has snapshots of other steps: those are left out then.
    """
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        name = str(path.relative_to(folder)) if folder.is_dir() else path.name
        if not snapshots and path.parent.name == "checkpoints":
            continue
        if not path.is_file() or path.name in VOLATILE or LEFTOVER.search(path.name):
            continue
        data = path.read_bytes()
        if path.name.startswith("events.out."):
            name, data = "events", points(data)
        elif path.name in ("run.json", "report.json", "report.md", "report.html"):
            # What does not tell of this one run: metrics, tables, protocol.
            data = metrics(data) if path.suffix == ".json" else b""
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def metrics(data):
    """A record or report without times, memory, machine and command line."""
    document = json.loads(data)

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items()
                    if k not in OWN}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return json.dumps(strip(document), sort_keys=True).encode()


def points(data):
    """The points of a TensorBoard file; each begins with its time."""
    found, at = b"", 0
    while at + 12 <= len(data):
        count = int.from_bytes(data[at:at + 8], "little")
        found += data[at + 12 + 9:at + 12 + count]
        at += 16 + count
    return found


def leftovers(folder):
    return [str(p) for p in folder.rglob("*") if LEFTOVER.search(p.name)]


def status(folder):
    try:
        return (folder / "STATUS").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def machine():
    """Cores and processor in words."""
    name = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {name.group(1) if name else 'unknown processor'}"
