"""The small commands whose every instant is tried: trainings, evaluations, features, reports."""
import dataclasses, pathlib, shutil

TINY = ["student.image_size=32", "student.width=32", "student.depth=2", "student.heads=2"]
BACKBONE = "backbone={image_size: 32, patch_size: 8, width: 16, depth: 4, heads: 2, position: learned}"

DETECTOR = ["head.channels=8", "head.box_width=16", "head.mask_channels=8", "views.size=32", "head.proposals=10",
            "head.proposals_per_level=10"]


@dataclasses.dataclass
class Command:
    """A command that writes `output`, a folder or file of the work folder."""
    name: str
    arguments: list
    output: str
    # Added when the command is run again after it was stopped; nil: what it left is removed first.
    again: list | None = None
    # Kept between runs: a folder of features, whose files count as output.
    features: str | None = None
    option: str = "--out"
    # The fault that stopped an earlier process: the command goes on from what that left.
    before: str | None = None

    def out(self):
        return [self.option, self.output] + (["--features", self.features] if self.option == "--out" and
                                             self.features and self.arguments[0] == "eval" else []) + (
            ["--feature-cache", self.features] if self.features and self.arguments[0] == "distill" else [])

    def clear(self, folder):
        for name in [self.output] + ([self.features] if self.features else []):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def prepare(program, train=12, val=20):
    """Scenes of 32 pixels, a student and heads trained for a few steps: what the commands below start from."""
    program.must(["data", "scenes", "--out", "scenes", "--train", str(train), "--val", str(val), "--size", "32"])
    program.must(["distill", "--recipe", "distill-scenes", "--data", "scenes", "training.steps=4", "training.batch=4",
                  "training.warmup_steps=1", *TINY, "--out", "student"])
    student = ["--data", "scenes", "--checkpoint", "student/student.safetensors", "training.batch=2",
               "training.warmup=1"]
    program.must(["train", "segment", "--recipe", "segment-scenes", "training.steps=3", *segment_size(), *student,
                  "--out", "segmenter"])
    program.must(["train", "detect", "--recipe", "detect-scenes", "training.steps=3", *DETECTOR, *student, "--out",
                  "detector"])
    program.must(["train", "classify", "--recipe", "classify-scenes", "training.steps=3", "views.size=32", *student,
                  "--out", "classifier"])
    for name in ("one", "two"):
        program.must(["eval", "classify", "--checkpoint", "classifier/checkpoint.safetensors", "--data", "scenes",
                      "--bootstrap", "100", "--out", f"runs/{name}"])


def segment_size():
    return ["head.channels=8", "views.crop=32", "views.short_side=32"]


def distill(steps=250, save=20, **changes):
    return dataclasses.replace(Command("distil", [
        "distill", "--recipe", "distill-scenes", "--data", "scenes", f"training.steps={steps}", "training.batch=4",
        "training.warmup_steps=3", f"+training.save_every={save}", *TINY], "distilled", ["--resume"]), **changes)


def trainings(steps):
    segment = Command("train segment", [
        "train", "segment", "--recipe", "segment-scenes", "--data", "scenes", f"training.steps={steps}",
        "training.batch=2", "training.warmup=1", "+training.save_every=20", BACKBONE, *segment_size()],
        "segmented", ["--resume"])
    classify = Command("train classify", [
        "train", "classify", "--recipe", "classify-scenes", "--data", "scenes", f"training.steps={steps}",
        "training.batch=4", "training.warmup=1", "+training.save_every=20",
        "+training.validate={every: 30, split: train}",
        "backbone={image_size: 32, patch_size: 8, width: 16, depth: 2, heads: 2, position: learned}", "views.size=32"],
        "classified", ["--resume"])
    pretrain = Command("pretrain ibot", [
        "pretrain", "ibot", "--data", "scenes", f"training.steps={steps}", "training.batch=4",
        "training.warmup_steps=1", "+training.save_every=20", "backbone.image_size=32", "backbone.width=32",
        "backbone.depth=1", "backbone.heads=2", "ibot.hidden_width=16", "ibot.bottleneck=8", "ibot.balance=centering"],
        "pretrained", ["--resume"])
    return [segment, classify, pretrain]


def detection(steps):
    return Command("train detect", [
        "train", "detect", "--recipe", "detect-scenes", "--data", "scenes", "--checkpoint",
        "student/student.safetensors", f"training.steps={steps}", "training.batch=2", "training.warmup=1", *DETECTOR],
        "detected", ["--resume"])


def evaluations(draws="100"):
    def command(task, checkpoint, name, again, **options):
        return Command(name, ["eval", task, "--checkpoint", checkpoint, "--data", "scenes", "--bootstrap", draws,
                              *options.pop("more", [])], "evaluated", again, **options)

    student = "student/student.safetensors"
    return [
        command("segment", "segmenter/checkpoint.safetensors", "eval segment", ["--resume"]),
        command("detect", "detector/checkpoint.safetensors", "eval detect", ["--resume"]),
        command("classify", "classifier/checkpoint.safetensors", "eval classify", ["--resume"]),
        command("knn", student, "eval knn", ["--resume"]),
        command("dense-knn", student, "eval dense-knn, features kept", ["--resume"], features="features"),
    ]


def writings():
    cache = dataclasses.replace(distill(steps=4, save=2), name="distil, features kept", features="cache")
    return [
        cache,
        Command("report", ["report", "runs/one", "--format", "html"], "report.html"),
        Command("compare", ["compare", "runs/one", "runs/two", "--bootstrap", "100"], "compared.html", option="--html"),
        Command("reproduce", ["reproduce", "imagenet", "--runs", "runs", "--format", "html"], "table.html"),
    ]
