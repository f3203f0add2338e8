"""Writes the checkpoints of this folder, and what torch.load(weights_only=True) says they hold.

    python make_checkpoints.py                          the files beside this script
    DMT_PTH_CASES=DIR python make_checkpoints.py        200 drawn checkpoints with their answers into DIR

Made with Python 3.11, torch 2.15.0, numpy 2.2.6 (pip install torch==2.15.0 numpy==2.2.6). All numbers are drawn from
seeds; another version of torch may lay out its archives otherwise, with the same values. The bytes are the same in each
run, those of legacy.pth and script.pt apart; of these two only the kind of file matters.

answers.json maps each file to a text of its whole tree:
    N  T  F  i12  d<16 hex digits of the double>  s<bytes>:<text>  [list]  (tuple)  {key=value}  o<name>{state}
    t<type>[sizes]<first 16 hex digits of the SHA-256 of the row-major little-endian bytes>
"""

import argparse
import collections
import hashlib
import json
import os
import random
import struct

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}
SAFE = [
    argparse.Namespace, collections.defaultdict, dict, list, int, numpy.dtype, numpy.dtypes.Float64DType,
    numpy.dtypes.Float32DType, numpy.dtypes.Int64DType, (numpy._core.multiarray.scalar, "numpy._core.multiarray.scalar"),
    (numpy._core.multiarray.scalar, "numpy.core.multiarray.scalar"),
]


def describe(value):
    if value is None:
        return "N"
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, numpy.generic):
        return "oscalar"
    if isinstance(value, int):
        return f"i{value}" if -(2**63) <= value < 2**63 else "obuiltins.int"
    if isinstance(value, float):
        return "d" + struct.pack(">d", value).hex()
    if isinstance(value, str):
        return f"s{len(value.encode())}:{value}"
    if isinstance(value, torch.Tensor):
        flat = value.detach().contiguous()
        data = flat.view(torch.int16).numpy() if flat.dtype == torch.bfloat16 else flat.numpy()
        sizes = ",".join(str(size) for size in value.shape)
        return f"t{TYPES[value.dtype]}[{sizes}]{hashlib.sha256(data.tobytes()).hexdigest()[:16]}"
    if isinstance(value, collections.Counter):
        return "ocollections.Counter"
    if isinstance(value, dict):
        return "{" + ",".join(f"{describe(k)}={describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(describe(item) for item in value) + "]"
    if isinstance(value, tuple):
        return "(" + ",".join(describe(item) for item in value) + ")"
    if isinstance(value, argparse.Namespace):
        return "oargparse.Namespace" + describe(vars(value))
    if isinstance(value, torch.dtype):
        return f"o{value}"
    if isinstance(value, torch.device):
        return "otorch.device"
    if isinstance(value, set):
        return "obuiltins.set"
    raise TypeError(type(value))


def load(path):
    with torch.serialization.safe_globals(SAFE):
        return describe(torch.load(path, weights_only=True))


class Draw:
    """Tensors and trees from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)

    def dense(self, shape, dtype=torch.float32):
        if dtype == torch.bool:
            return torch.randint(0, 2, shape, generator=self.generator).bool()
        if dtype.is_floating_point:
            return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(dtype)
        info = torch.iinfo(dtype)
        return torch.randint(max(info.min, -(2**40)), min(info.max, 2**40), shape, generator=self.generator).to(dtype)

    def shape(self, top=6):
        return [self.random.randint(0 if self.random.random() < 0.03 else 1, top) for _ in range(self.random.randint(0, 4))]

    def tensor(self):
        tensor = self.dense(self.shape(), self.random.choice(list(TYPES)))
        choice = self.random.random()
        if choice < 0.12 and tensor.dim() > 1:
            order = list(range(tensor.dim()))
            self.random.shuffle(order)
            return tensor.permute(order)
        if choice < 0.24 and tensor.dim() > 0:
            axis = self.random.randrange(tensor.dim())
            return tensor[(slice(None),) * axis + (slice(self.random.randint(0, 2), None, self.random.randint(1, 3)),)]
        if choice < 0.30:
            return tensor.unsqueeze(0).expand([self.random.randint(1, 4)] + list(tensor.shape))
        if choice < 0.36 and tensor.numel() > 6:
            return tensor.contiguous().as_strided([2, 3], [self.random.randint(0, 2), 1], 1)
        if choice < 0.42 and tensor.is_floating_point():
            return torch.nn.Parameter(tensor, requires_grad=self.random.random() < 0.5)
        return tensor

    def state_dict(self, prefix="", count=None):
        result = collections.OrderedDict() if self.random.random() < 0.7 else {}
        tensors = []
        for index in range(count or self.random.randint(1, 9)):
            tensor = self.tensor()
            if tensors and self.random.random() < 0.15:
                tensor = self.random.choice(tensors)
                if tensor.dim() > 0 and self.random.random() < 0.5:
                    tensor = tensor[: self.random.randint(0, tensor.shape[0])]
            tensors.append(tensor)
            part = self.random.choice(["weight", "bias", "attn.qkv.weight", "mlp.fc1.bias", "gamma", "running_mean"])
            result[f"{prefix}blocks.{index}.{part}"] = tensor
        if isinstance(result, collections.OrderedDict) and self.random.random() < 0.5:
            result._metadata = collections.OrderedDict([("", {"version": 1})])
        return result

    def leaf(self, depth=0):
        r = self.random
        choices = [
            lambda: None, lambda: r.random() < 0.5, lambda: r.randint(0, 255), lambda: -r.randint(0, 2**31 - 1),
            lambda: r.randint(-(2**63), 2**63 - 1), lambda: 2**64 + r.randint(0, 9), lambda: r.gauss(0, 1e3),
            lambda: r.choice([0.0, -0.0, float("inf"), 1e-320]), lambda: r.choice(["", "vit_base", "é ☃ 𝄞", "a" * 300]),
            lambda: numpy.float64(r.random()), lambda: numpy.int64(r.randint(0, 99)), lambda: set(),
            lambda: torch.Size([2, r.randint(0, 3)]), lambda: torch.float16, lambda: torch.device("cpu"),
            lambda: collections.Counter({3: 1, 7: 2}), lambda: (), lambda: [], lambda: {},
        ]
        if depth < 3:
            choices += [
                lambda: [self.leaf(depth + 1) for _ in range(r.randint(0, 3))],
                lambda: tuple(self.leaf(depth + 1) for _ in range(r.randint(0, 5))),
                lambda: {f"k{i}": self.leaf(depth + 1) for i in range(r.randint(0, 3))},
                lambda: {i * 3: self.leaf(depth + 1) for i in range(r.randint(0, 3))},
                lambda: collections.defaultdict(dict),  # PyTorch makes filled ones and cannot read them
            ]
        return r.choice(choices)()

    def optimizer(self):
        model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(self.dense(parameter.shape))
        kinds = [torch.optim.AdamW, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)]
        optimizer = self.random.choice(kinds)(model.parameters())
        model(self.dense([4, 3])).square().sum().backward()
        optimizer.step()
        return optimizer.state_dict()

    def namespace(self):
        return argparse.Namespace(
            model="vit_tiny", lr=1e-3, epochs=self.random.randint(1, 800), betas=(0.9, 0.95), resume="", device="cuda",
            data_path="data", distributed=False, extra=self.leaf(1))

    def checkpoint(self):
        r = self.random
        layout = r.choice(["plain", "mae", "moco", "ibot", "free"])
        if layout == "plain":
            return self.state_dict()
        if layout == "mae":
            return {"model": self.state_dict(), "optimizer": self.optimizer(), "epoch": r.randint(0, 800),
                    "scaler": {"scale": 65536.0, "growth_factor": 2.0, "growth_interval": 2000, "_growth_tracker": 3},
                    "args": self.namespace()}
        if layout == "moco":
            return {"epoch": 300, "arch": "vit_small", "state_dict": self.state_dict("module.base_encoder."),
                    "optimizer": self.optimizer(), "scaler": {}}
        if layout == "ibot":
            shared = self.state_dict("backbone.")
            return {"student": collections.OrderedDict(("module." + k, v) for k, v in shared.items()),
                    "teacher": self.state_dict("backbone."), "ema": shared, "epoch": r.randint(0, 99),
                    "args": self.namespace(), "ibot_loss": collections.OrderedDict(center=self.dense([1, 5])),
                    "best_acc": numpy.float64(r.random())}
        return {f"part{i}": self.state_dict() if r.random() < 0.4 else self.leaf() for i in range(r.randint(1, 6))}


def fixtures():
    d = Draw(1)
    encoder = lambda prefix: collections.OrderedDict(
        (prefix + name, d.dense(shape)) for name, shape in
        [("cls_token", [1, 1, 6]), ("pos_embed", [1, 5, 6]), ("patch_embed.proj.weight", [6, 3, 2, 2]),
         ("patch_embed.proj.bias", [6]), ("blocks.0.attn.qkv.weight", [18, 6]), ("norm.weight", [6])])
    files = {
        "mae.pth": {"model": encoder(""), "optimizer": d.optimizer(), "epoch": 799,
                    "scaler": {"scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000,
                               "_growth_tracker": 12}, "args": d.namespace()},
        "mocov3.pth.tar": {"epoch": 300, "arch": "vit_base", "state_dict": encoder("module.base_encoder."),
                           "optimizer": d.optimizer(), "scaler": {"scale": 1.0}},
        "ibot.pth": {"student": encoder("module.backbone."), "teacher": encoder("backbone."), "epoch": 1600,
                     "args": d.namespace(), "fp16_scaler": None, "best_acc": numpy.float64(0.825),
                     "ibot_loss": collections.OrderedDict(center=d.dense([1, 7]), center2=d.dense([1, 1, 7]))},
        "linear.pth": torch.nn.Linear(3, 2).state_dict(),
    }
    with torch.no_grad():
        for tensor in files["linear.pth"].values():
            tensor.copy_(d.dense(tensor.shape))
    base = d.dense([4, 5, 6])
    files["views.pth"] = {
        "base": base, "permuted": base.permute(2, 0, 1), "rows": base[1:3], "column": base[:, 2], "steps": base[::2, 1::3, ::2],
        "diagonal": base[0].diagonal(), "repeated": base[0, 0].expand(3, 2, 6), "overlapping": base.as_strided([7, 4], [2, 3], 5),
        "tied": base, "scalar": base[1, 2, 3], "empty": base[:, 0:0], "parameter": torch.nn.Parameter(base[2]),
        "tied_parameter": torch.nn.Parameter(base.view(20, 6).t(), requires_grad=False),
    }
    files["dtypes.pth"] = {TYPES[t]: d.dense([3, 5], t) for t in TYPES} | {
        "none": d.dense([0, 3]), "one": d.dense([]), "bf16_t": d.dense([3, 4], torch.bfloat16).t(),
        "special": torch.tensor([float("nan"), float("inf"), -0.0, 1e-45])}
    answers = {}
    for name, value in files.items():
        torch.save(value, os.path.join(HERE, name))
        answers[name] = load(os.path.join(HERE, name))
    for seed in range(20):
        name = f"cases/{seed:03}.pth"
        torch.save(Draw(1000 + seed).checkpoint(), os.path.join(HERE, name))
        answers[name] = load(os.path.join(HERE, name))
    write(os.path.join(HERE, "answers.json"), answers)
    refused(d)
    arrays(d)


def refused(d):
    """Files that are known and not read."""
    state = {"weight": d.dense([2, 3])}
    torch.save(state, os.path.join(HERE, "legacy.pth"), _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), os.path.join(HERE, "script.pt"))


def arrays(d):
    """NumPy's files; the answers are those of the same arrays in a state dict."""
    kinds = {"f2": "f2", "f4": "f4", "f8": "f8", "i1": "i1", "i2": "i2", "i4": "i4", "i8": "i8", "u1": "u1", "b1": "?"}
    arrays = {name: (d.dense([3, 4]).numpy() * 50).astype("<" + kind) for name, kind in kinds.items()}
    arrays["fortran"] = numpy.asfortranarray(d.dense([3, 4, 5]).numpy())
    arrays["scalar"] = numpy.float32(2.5)
    arrays["empty"] = numpy.zeros([0, 3], "<f4")
    arrays["line"] = d.dense([7]).numpy()
    numpy.savez(os.path.join(HERE, "stored.npz"), **arrays)
    numpy.savez_compressed(os.path.join(HERE, "deflated.npz"), **arrays)
    numpy.save(os.path.join(HERE, "fortran.npy"), arrays["fortran"])
    numpy.savez(os.path.join(HERE, "objects.npz"), a=numpy.array([None], dtype=object))
    hashes = {}
    for name, array in arrays.items():
        array = numpy.asarray(array)
        tensor = torch.from_numpy(numpy.array(array, order="C"))
        hashes[name] = describe(tensor)
    write(os.path.join(HERE, "arrays.json"), hashes)


def write(path, answers):
    with open(path, "w") as file:
        json.dump(answers, file, indent=0, sort_keys=True, ensure_ascii=False)
        file.write("\n")


def cases(folder):
    os.makedirs(folder, exist_ok=True)
    answers = {}
    for seed in range(200):
        name = f"{seed:03}.pth"
        torch.save(Draw(1000 + seed).checkpoint(), os.path.join(folder, name))
        answers[name] = load(os.path.join(folder, name))
    write(os.path.join(folder, "answers.json"), answers)


if __name__ == "__main__":
    if folder := os.environ.get("DMT_PTH_CASES"):
        cases(folder)
    else:
        fixtures()
