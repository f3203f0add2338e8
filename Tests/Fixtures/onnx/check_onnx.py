#!/usr/bin/env python3
"""Compares exported ONNX files with what the program itself computes, by onnxruntime.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.2.6 safetensors==0.8.0
    python3 Tests/Fixtures/onnx/check_onnx.py .build/release/dmt

Every file must pass onnx.checker. Backbones: tokens of random pictures against `dmt inspect features`, absolute
difference at most 1e-4 times the largest value. Segmentation: the largest of the resized logits against the label maps of
`dmt eval segment --predict-only`, equal on 99.9 % of all pixels. Classification: the largest logit against the predicted
classes. Prints the largest differences; exit 1 where a bound is passed.
"""
import os
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vit")
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
# name, source, size; sizes beside 16 resize the tables of positions (the fixtures are made for 16).
BACKBONES = [
    ("dinov2.safetensors", "dinov2", 16), ("dinov2.safetensors", "dinov2", 28), ("beit.safetensors", "beit", 16),
    ("timm-registers.safetensors", "timm", 16), ("timm-layout.pth", "timm", 16), ("timm-layout.pth", "timm", 24),
    ("mae-layout.pth", "mae", 24), ("mocov3-layout.pth", "mocov3", 16), ("dino-layout.pth", "dino", 24),
    ("ibot-layout.pth", "ibot", 16), ("deit-layout.pth", "deit", 16),
]
SHAPE = ["backbone.image_size=96", "training.steps=2", "training.batch=4", "training.warmup=1"]
# name, size of the pictures, settings; 112 gives grids of 28, 14, 7 and 3 cells, and resized positions.
SEGMENTATIONS = [
    ("upernet", 96, ["head.channels=24"]),
    ("upernet", 112, ["head.channels=24"]),
    ("upernet-patch16", 96, ["head.channels=24", "backbone.patch_size=16"]),
    ("upernet-normed", 96, ["head.channels=24", "+head.norm_taps=true"]),
    ("semantic-fpn", 96, ["head.kind=semantic-fpn", "head.channels=24", "+head.pyramid_channels=16"]),
    ("semantic-fpn", 112, ["head.kind=semantic-fpn", "head.channels=24"]),
    ("fcn", 96, ["head.kind=fcn", "head.channels=24"]),
    ("linear", 96, ["head.kind=linear"]),
    ("linear-taps", 112, ["head.kind=linear", "+head.taps=[1, 3]"]),
    ("linear-plain", 96, ["head.kind=linear", "+head.batch_norm=false"]),
]
CLASSIFICATIONS = [
    ("mean-layer", []), ("class-none", ["head.pooling=classToken", "head.norm=none"]),
    ("both-batch", ["head.pooling=classTokenAndMeanPatches", "head.norm=batch"]),
]
failures = []


def report(name, text, good):
    print(f"{'ok  ' if good else 'FAIL'} {name}: {text}", flush=True)
    if not good:
        failures.append(name)


def png(path, pixels):
    """Writes (H, W, 3) of uint8."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def normalised(pixels):
    """(N, H, W, 3) of uint8 to the network's input."""
    values = (pixels.astype(np.float32) / 255 - MEAN) / DEVIATION
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def run(path, pixels):
    """Outputs by name, of the whole batch and, as a check of the open axis, of its first picture."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(None, {"pixels": pixels})))
    for name, one in zip(names, session.run(None, {"pixels": pixels[:1]})):
        assert one.shape == (1,) + outputs[name].shape[1:], (path, name, one.shape)
        assert np.allclose(one[0], outputs[name][0], rtol=1e-4, atol=1e-4), (path, name)
    return outputs


class Work:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def dmt(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"dmt {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def export(self, source, name, *options):
        out = self.path(name + ".onnx")
        self.dmt("model", "convert", source, out, "--to", "onnx", *options)
        return out


def backbones(work, generator, opset):
    worst = 0.0
    for file, source, size in BACKBONES:
        name = f"{os.path.splitext(file)[0]}-{source}-{size}-{opset}"
        checkpoint = os.path.join(FIXTURES, file)
        pixels = generator.integers(0, 256, (3, size, size, 3), dtype=np.uint8)
        pictures = work.path(name)
        os.mkdir(pictures)
        for index, picture in enumerate(pixels):
            png(os.path.join(pictures, f"{index}.png"), picture)
        tokens = work.path(name + ".tokens.safetensors")
        work.dmt("inspect", "features", "--checkpoint", checkpoint, "--source", source, "--heads", "3",
                 "--images", pictures, "--size", str(size), "--out", tokens)
        expected = load_file(tokens)
        # Through the program's own file, as a user would go, and in one step: the same networks.
        native = work.path(name + ".safetensors")
        work.dmt("model", "convert", checkpoint, native, "--source", source, "--heads", "3")
        step = work.export(checkpoint, name + "-step", "--source", source, "--heads", "3", "--size", str(size))
        for path in [work.export(native, name, "--size", str(size), "--opset", str(opset)), step]:
            outputs = run(path, normalised(pixels))
            found = np.concatenate([outputs["class_token"][:, None], outputs["patches"]], axis=1)
            wanted = np.stack([expected[f"{index}.tokens"] for index in range(len(pixels))])
            assert found.shape == wanted.shape, (found.shape, wanted.shape)
            difference, scale = np.abs(found - wanted).max(), np.abs(wanted).max()
            worst = max(worst, float(difference))
            report(name, f"largest difference {difference:.2e} of {scale:.2f}", difference <= 1e-4 * scale)
        weights, stored = load_file(native), onnx.load(path).graph.initializer
        kept = [tensor.name for tensor in stored if tensor.name in weights]
        for tensor in stored:
            if tensor.name in weights:
                assert np.array_equal(onnx.numpy_helper.to_array(tensor), weights[tensor.name]), tensor.name
        assert len(kept) >= len(weights) - 1, sorted(set(weights) - set(kept))
    return worst


def drawn(generator, count, side):
    """Pictures (count, side, side, 3) of coarse squares with noise."""
    squares = generator.integers(0, 200, (count, side // 8, side // 8, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return (squares + generator.integers(0, 56, squares.shape)).astype(np.uint8)


def index_png(path):
    """The values of an 8-bit PNG without interlacing."""
    data = open(path, "rb").read()
    position, compressed, palette_or_grey = 8, b"", (0, 3)
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position:position + 8])
        body = data[position + 8:position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colour in palette_or_grey and interlace == 0, path
        elif kind == b"IDAT":
            compressed += body
        position += 12 + length
    rows = np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(height, width + 1)
    values = np.zeros((height, width), np.uint8)
    for y, row in enumerate(rows):
        values[y] = unfiltered(row[0], row[1:], values[y - 1] if y else np.zeros(width, np.uint8))
    return values


def unfiltered(kind, row, above):
    """One row of one byte a pixel, as the PNG standard's section 9 has it."""
    if kind == 0:
        return row
    if kind == 2:
        return row + above
    result = np.zeros(len(row), np.int64)
    for x, value in enumerate(row.astype(np.int64)):
        left, up = (result[x - 1] if x else 0), int(above[x])
        corner = int(above[x - 1]) if x else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:
            near = min((abs(left + up - corner - side), order) for order, side in enumerate((left, up, corner)))
            guess = (left, up, corner)[near[1]]
        result[x] = (value + guess) % 256
    return result.astype(np.uint8)


def segmentations(work, scenes, generator):
    folder = os.path.join(scenes, "ADEChallengeData2016", "images", "validation")
    stems = sorted(os.path.splitext(name)[0] for name in os.listdir(folder))
    for stem in stems:
        os.remove(os.path.join(folder, stem + ".jpg"))
    worst = 1.0
    for head, size, settings in SEGMENTATIONS:
        name = f"{head}-{size}"
        pixels = drawn(generator, len(stems), size)
        for stem, picture in zip(stems, pixels):
            png(os.path.join(folder, stem + ".png"), picture)
        trained, predicted = work.path("train-" + name), work.path("eval-" + name)
        work.dmt("train", "segment", "--recipe", "segment-scenes", "--data", scenes, "--out", trained,
                 *SHAPE, *settings)
        checkpoint = os.path.join(trained, "checkpoint.safetensors")
        work.dmt("eval", "segment", "--checkpoint", checkpoint, "--data", scenes, "--out", predicted, "--predict-only",
                 "--size", str(size))
        logits = run(work.export(checkpoint, name, "--size", str(size)), normalised(pixels))["logits"]
        # Stored values are class + 1: 0 means "other" in ADE20K's coding.
        maps = [index_png(os.path.join(predicted, "predictions", stem + ".png")) for stem in stems]
        assert logits.shape[2:] == maps[0].shape, (logits.shape, maps[0].shape)
        agreement = float((logits.argmax(axis=1) + 1 == np.stack(maps)).mean())
        worst = min(worst, agreement)
        report("segmentation " + name, f"{agreement:.4%} of pixels, {len(np.unique(maps))} classes",
               agreement >= 0.999)
    return worst


def classifications(work, scenes, generator):
    folder = os.path.join(scenes, "classes", "val")
    paths = sorted(os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)
    classes = sorted(os.listdir(os.path.join(scenes, "classes", "train")))
    pixels = drawn(generator, len(paths), 96)
    for path, picture in zip(paths, pixels):
        os.remove(path)
        png(os.path.splitext(path)[0] + ".png", picture)
    for name, settings in CLASSIFICATIONS:
        trained, predicted = work.path("train-" + name), work.path("eval-" + name)
        work.dmt("train", "classify", "--recipe", "classify-scenes", "--data", scenes, "--out", trained,
                 *SHAPE, *settings)
        checkpoint = os.path.join(trained, "checkpoint.safetensors")
        work.dmt("eval", "classify", "--checkpoint", checkpoint, "--data", scenes, "--out", predicted, "--predict-only")
        logits = run(work.export(checkpoint, name), normalised(pixels))["logits"]
        table = open(os.path.join(predicted, "predictions.tsv")).read().splitlines()
        rows = [line.split("\t") for line in table]
        wanted = {os.path.splitext(os.path.basename(picture))[0]: label for picture, label in rows}
        found = [classes[label] for label in logits.argmax(axis=1)]
        stems = [os.path.splitext(os.path.basename(path))[0] for path in paths]
        equal = sum(wanted[stem] == label for stem, label in zip(stems, found))
        report("classification " + name, f"{equal} of {len(paths)} pictures, {len(set(found))} classes",
               equal == len(paths))


def main(program):
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(os.path.abspath(program), folder)
        for opset in (17, 20):
            print(f"opset {opset}: largest difference of tokens {backbones(work, generator, opset):.2e}")
        scenes = work.path("scenes")
        work.dmt("data", "scenes", "--out", scenes, "--train", "24", "--val", "6", "--size", "96")
        print(f"smallest agreement of label maps {segmentations(work, scenes, generator):.4%}")
        classifications(work, scenes, generator)
    if failures:
        raise SystemExit(f"{len(failures)} bounds passed: {', '.join(failures)}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
