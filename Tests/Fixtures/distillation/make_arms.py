#!/usr/bin/env python3
"""Restates whole arms of distillation in PyTorch, in double precision, and writes ladder.safetensors, proteus.safetensors and
masked.safetensors beside itself.

    pip install torch==2.15.0 safetensors==0.8.0 numpy==2.2.6
    python3 make_arms.py

Each file holds the state of one model under the names of the package (`state.*`), pictures and teachers' tokens (`input.*`), the
drawn pictures and patches (`draw.*`, constants below, which the package must draw from its seed), and for every loss the total,
its terms and the gradient of the total to every trained parameter (`<loss>.total`, `<loss>.<teacher>.<tokens>`,
`<loss>.d_<parameter>`).

The student is the smallest ViT: patches of 4 x 4, a class token, two pre-norm blocks, a norm; no positions. Two teachers of widths
6 and 8 and weights 1 and 0.7. Losses follow their sources: the ladder of projectors with half cosine, half SmoothL1, under the
mean and under teacher dropping that keeps each picture's hardest teacher alone; Proteus' mean square errors of class token, of
all tokens together and of hidden patches; a masked student whose decoder answers for all patches. Targets are z-scores by given
statistics. Nothing of the package is used.

Tolerance: 1e-10 of the largest value (a few thousand roundings in double); the given statistics are exact in f32.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(23)

PICTURES, GRID, WIDTH, DEPTH, HEADS = 4, (2, 3), 4, 2, 2
PATCHES = GRID[0] * GRID[1]
TEACHERS = {"a": (6, 1.0), "b": (8, 0.7)}
# The package's draws at seed 5: pictures that hide patches and which, and the patches each picture shows a masked student.
HIDDEN_PICTURES = [1, 2]
HIDDEN_PATCHES = [[1, 2, 3], [0, 3, 4]]
VISIBLE = [[3, 4, 1], [3, 0, 1], [0, 1, 5], [2, 4, 5]]


def draw(*shape, scale=1.0, offset=0.0):
    return torch.tensor(offset + scale * rng.standard_normal(shape))


class Model:
    """Weights by name, drawn on first use of a name, and what has been asked for."""

    def __init__(self):
        self.weights, self.constants = {}, {}

    def __call__(self, name, *shape, scale=0.5, offset=0.0):
        if name not in self.weights:
            self.weights[name] = draw(*shape, scale=scale, offset=offset).requires_grad_(True)
        return self.weights[name]

    def constant(self, name, make):
        if name not in self.constants:
            # Exact in f32, which the package keeps it as.
            self.constants[name] = make().float().double()
        return self.constants[name]

    def linear(self, x, name, outputs):
        return F.linear(x, self(f"{name}.weight", outputs, x.shape[-1]), self(f"{name}.bias", outputs))

    def norm(self, x, name):
        width = x.shape[-1]
        return F.layer_norm(x, (width,), self(f"{name}.weight", width, offset=1.0), self(f"{name}.bias", width), eps=1e-6)

    def perceptron(self, x, name, hidden, outputs):
        return self.linear(F.gelu(self.linear(x, f"{name}.fc1", hidden)), f"{name}.fc2", outputs)

    def block(self, x, name):
        n, tokens, width = x.shape
        qkv = self.linear(self.norm(x, f"{name}.norm1"), f"{name}.attn.qkv", 3 * width)
        q, k, v = qkv.reshape(n, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, width)
        x = x + self.linear(mixed, f"{name}.attn.proj", width)
        return x + self.perceptron(self.norm(x, f"{name}.norm2"), f"{name}.mlp", 4 * width, width)

    def student(self, images, masked=None, visible=None):
        """Tokens after the final norm, class token first, and every block's output."""
        kernel, bias = self("student.embed.weight", WIDTH, 3, 4, 4), self("student.embed.bias", WIDTH)
        patches = F.conv2d(images.permute(0, 3, 1, 2), kernel, bias, stride=4).flatten(2).transpose(1, 2)
        if masked is not None:
            flags = torch.zeros(len(images), PATCHES, 1)
            for picture, hidden in enumerate(masked):
                flags[picture, hidden] = 1
            patches = (1 - flags) * patches + flags * self("mask_token", 1, WIDTH)
        if visible is not None:
            patches = torch.stack([patches[picture, seen] for picture, seen in enumerate(visible)])
        start = self("student.cls_token", 1, WIDTH).expand(len(images), 1, WIDTH)
        x, outputs = torch.cat([start, patches], 1), []
        for index in range(DEPTH):
            x = self.block(x, f"student.blocks.{index}")
            outputs.append(x)
        return self.norm(x, "student.norm"), outputs

    def decoder(self, tokens, visible, width):
        """Visible tokens at their places, mask tokens elsewhere; all patches, class token first."""
        embedded = self.linear(tokens, "decoder.decoder_embed", width)
        mask = self("decoder.mask_token", 1, 1, width)[0, 0]
        pictures = []
        for picture, seen in enumerate(visible):
            rows = [mask] * PATCHES
            for place, patch in enumerate(seen):
                rows[patch] = embedded[picture, 1 + place]
            pictures.append(torch.stack([embedded[picture, 0]] + rows))
        x = torch.stack(pictures) + self.constant("decoder.decoder_pos_embed", lambda: draw(1, 1 + PATCHES, width))
        return self.norm(self.block(x, "decoder.decoder_blocks.0"), "decoder.decoder_norm")

    def target(self, tokens, name):
        """z-scores; no channel is divided by less than a tenth of the median size of a channel."""
        width = tokens.shape[-1]
        mean = self.constant(f"{name}.standardizer.statistics.mean", lambda: draw(width, scale=0.5))
        spread = torch.tensor(rng.uniform(0.5, 2, width))
        # Two channels that hardly vary: the floor is at work.
        spread[1:3] = torch.tensor([1e-5, 2e-4])
        variance = self.constant(f"{name}.standardizer.statistics.variance", lambda: spread)
        self.constant(f"{name}.standardizer.statistics.updates", lambda: torch.ones(1))
        size = (mean ** 2 + variance).sqrt().quantile(0.5)
        return (tokens - mean) / torch.maximum(variance.sqrt(), 0.1 * size)


def half_and_half(s, t):
    """0.5 (1 - cos) + 0.5 SmoothL1, one value a token."""
    return 0.5 * (1 - F.cosine_similarity(s, t, dim=-1)) + 0.5 * F.smooth_l1_loss(s, t, reduction="none").mean(-1)


def square(s, t):
    return F.mse_loss(s, t, reduction="none").mean(-1)


def mixture(s, t):
    """0.9 (1 - cos) + 0.1 SmoothL1."""
    return 0.9 * (1 - F.cosine_similarity(s, t, dim=-1)) + 0.1 * F.smooth_l1_loss(s, t, reduction="none").mean(-1)


images = draw(PICTURES, 4 * GRID[0], 4 * GRID[1], 3)
tokens = {name: (draw(PICTURES, width), draw(PICTURES, PATCHES, width)) for name, (width, _) in TEACHERS.items()}


def save(file, model, losses, **drawn):
    out = {"input.images": images}
    for name, (cls, patches) in tokens.items():
        out[f"input.{name}.cls"], out[f"input.{name}.patches"] = cls, patches
    for name, value in {**model.weights, **model.constants}.items():
        out[f"state.{name}"] = value.detach()
    for name, value in drawn.items():
        out[f"draw.{name}"] = torch.tensor(value, dtype=torch.int32)
    for loss, (total, terms) in losses.items():
        out[f"{loss}.total"] = total.detach()
        for name, value in terms.items():
            out[f"{loss}.{name}"] = value.detach()
        gradients = torch.autograd.grad(total, list(model.weights.values()), retain_graph=True, allow_unused=True)
        for (name, weight), gradient in zip(model.weights.items(), gradients):
            # The ladder reads the blocks, not the final norm.
            out[f"{loss}.d_{name}"] = torch.zeros_like(weight) if gradient is None else gradient
    save_file({name: value.clone().contiguous() for name, value in out.items()}, pathlib.Path(__file__).parent / file,
              metadata={"torch": torch.__version__.split("+")[0], "numpy": np.__version__})


# UNIC's ladder: a perceptron on the output of every block, their sum is the prediction.
model = Model()
_, outputs = model.student(images)
losses = {}
for index, (name, (width, _)) in enumerate(TEACHERS.items()):
    for kind, part, target in (("cls", np.s_[:, 0], tokens[name][0]), ("patch", np.s_[:, 1:], tokens[name][1])):
        path = f"teachers.{index}.{kind}"
        rungs = [model.perceptron(x[part], f"{path}.adapter.rungs.{at}", 7 if at == DEPTH - 1 else 5, width)
                 for at, x in enumerate(outputs)]
        losses[name, kind] = half_and_half(sum(rungs), model.target(target, path))
means = {f"{name}.{kind}": value.mean() for (name, kind), value in losses.items()}
total = sum(weight * (means[f"{name}.cls"] + means[f"{name}.patch"]) / 2 for name, (_, weight) in TEACHERS.items()) / 2
pictures = {name: (losses[name, "cls"] + losses[name, "patch"].mean(1)) / 2 for name in TEACHERS}
hardest = torch.stack(list(pictures.values())).argmax(0)
assert set(hardest.tolist()) == {0, 1}, "both teachers must be some picture's hardest"
# Every picture keeps one of two teachers: of the N terms kept, the mean.
kept = {name: (hardest == index).double() for index, name in enumerate(TEACHERS)}
unic = sum(weight * (kept[name] * pictures[name]).sum() for name, (_, weight) in TEACHERS.items()) / PICTURES
terms = {}
for name in TEACHERS:
    # The package scales the shares of two teachers by two.
    terms[f"{name}.cls"] = 2 * (kept[name] * losses[name, "cls"]).mean()
    terms[f"{name}.patch"] = 2 * (kept[name][:, None] * losses[name, "patch"]).mean()
save("ladder.safetensors", model, {"mean": (total, means), "dropping": (unic, terms)})

# Proteus: class token, all tokens, hidden patches, each a mean square error.
model = Model()
seen, _ = model.student(images)
blind, _ = model.student(images[HIDDEN_PICTURES], masked=HIDDEN_PATCHES)
total, terms = 0, {}
for index, (name, (width, weight)) in enumerate(TEACHERS.items()):
    path = f"teachers.{index}"

    def adapted(x, kind):
        return model.linear(model.norm(x, f"{path}.{kind}.norm"), f"{path}.{kind}.proj", width)

    cls, patches = adapted(seen[:, 0], "cls.adapter"), adapted(seen[:, 1:], "patch.adapter")
    targets = model.target(tokens[name][0], f"{path}.cls"), model.target(tokens[name][1], f"{path}.patch")
    every = square(torch.cat([cls[:, None], patches], 1), torch.cat([targets[0][:, None], targets[1]], 1))
    hidden = [square(adapted(blind[at, 1:][places], "hidden"), targets[1][picture][places])
              for at, (picture, places) in enumerate(zip(HIDDEN_PICTURES, HIDDEN_PATCHES))]
    terms[f"{name}.cls"], terms[f"{name}.patch"] = every[:, 0].mean(), every[:, 1:].mean()
    terms[f"{name}.hidden"] = torch.cat(hidden).mean()
    total = total + weight * (square(cls, targets[0]).mean() + every.mean() + torch.cat(hidden).mean()) / 2
save("proteus.safetensors", model, {"mean": (total, terms)}, hidden_pictures=HIDDEN_PICTURES, hidden_patches=HIDDEN_PATCHES)

# G2SD: half of the patches enter, the decoder answers for all of them.
model = Model()
seen, _ = model.student(images, visible=VISIBLE)
filled = model.decoder(seen, VISIBLE, 6)
total, terms = 0, {}
for index, (name, (width, weight)) in enumerate(TEACHERS.items()):
    for kind, x, target in (("cls", filled[:, 0], tokens[name][0]), ("patch", filled[:, 1:], tokens[name][1])):
        path = f"teachers.{index}.{kind}"
        adapted = model.linear(model.norm(x, f"{path}.adapter.norm"), f"{path}.adapter.proj", width)
        terms[f"{name}.{kind}"] = mixture(adapted, model.target(target, path)).mean()
        total = total + weight * terms[f"{name}.{kind}"] / 4
save("masked.safetensors", model, {"mean": (total, terms)}, visible=VISIBLE)
