#!/usr/bin/env python3
"""Restates every equation of distillation in PyTorch, in double precision, and writes losses.safetensors.

    pip install torch==2.15.0 safetensors==0.8.0 numpy==2.2.6
    python3 make_losses.py

Each group of tensors has a prefix: `loss.`, `adapter.`, `dropping.`, `gate.`, `zscore.`, `norm.`, `phi.`, `relation.`; gradients
are named `<value>.d_<input>`. Nothing of the package is used: losses are those of torch.nn.functional, the orthogonal matrices
those of torch.linalg. A Hadamard matrix of order 12 is Paley's of the first kind, rows and columns 0 the border, the first column
-1 below the diagonal; eigenvectors stand in the order of ascending values, the entry of largest size positive.

Tolerances: values in double agree to 1e-10 of the largest (a few thousand roundings); where the package keeps statistics as f32
(z-scores and PHI-S while training), to 1e-5.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(11)
out = {}


def draw(*shape, scale=1.0, offset=0.0):
    return torch.tensor(offset + scale * rng.standard_normal(shape))


def leaf(tensor):
    return tensor.clone().requires_grad_(True)


def keep(name, value, **inputs):
    """Stores a value and, for a scalar, its gradients."""
    out[name] = value.detach().clone().contiguous()
    if inputs:
        for key, gradient in zip(inputs, torch.autograd.grad(value, list(inputs.values()), retain_graph=True)):
            out[f"{name}.d_{key}"] = gradient.clone().contiguous()


def rows(s, t, cosine=0.0, smooth=0.0, beta=1.0, mse=0.0, kl=0.0, temperature=1.0):
    """One loss a token."""
    loss = cosine * (1 - F.cosine_similarity(s, t, dim=-1))
    loss = loss + smooth * F.smooth_l1_loss(s, t, beta=beta, reduction="none").mean(-1)
    loss = loss + mse * F.mse_loss(s, t, reduction="none").mean(-1)
    divergence = F.kl_div((s / temperature).log_softmax(-1), (t / temperature).log_softmax(-1), reduction="none",
                          log_target=True).sum(-1)
    return loss + kl * temperature ** 2 * divergence


# Losses of tokens, with and without row weights.
s, t, weights = leaf(draw(10, 6)), draw(10, 6, scale=1.5), torch.tensor(rng.uniform(0, 2, 10))
out["loss.student"], out["loss.target"], out["loss.weights"] = s.detach().clone(), t, weights
for name, settings in {
    "cosine": dict(cosine=1.0), "smooth1": dict(smooth=1.0), "smooth2": dict(smooth=1.0, beta=2.0), "mse": dict(mse=1.0),
    "kl": dict(kl=1.0), "kl3": dict(kl=1.0, temperature=3.0), "mix": dict(cosine=0.9, smooth=0.1),
    "all": dict(cosine=0.5, smooth=0.5, beta=2.0, mse=0.25, kl=0.75, temperature=2.0),
}.items():
    losses = rows(s, t, **settings)
    keep(f"loss.{name}.rows", losses)
    keep(f"loss.{name}.mean", losses.mean(), student=s)
    keep(f"loss.{name}.weighted", (weights * losses).sum() / len(losses), student=s)

# Through an adapter: layer norm and linear layer, whose parameters have gradients too.
tokens, target = leaf(draw(3, 4, 5)), draw(3, 4, 6)
gamma, beta, weight, bias = leaf(draw(5, offset=1.0)), leaf(draw(5)), leaf(draw(6, 5)), leaf(draw(6))
row_weights = torch.tensor(rng.uniform(0, 2, 12))
adapted = F.linear(F.layer_norm(tokens, (5,), gamma, beta, eps=1e-6), weight, bias).reshape(12, 6)
inputs = {"tokens": tokens, "norm.weight": gamma, "norm.bias": beta, "proj.weight": weight, "proj.bias": bias}
for key, value in inputs.items():
    out[f"adapter.{key}"] = value.detach().clone()
out["adapter.target"], out["adapter.weights"] = target, row_weights
keep("adapter.loss", (row_weights * rows(adapted, target.reshape(12, 6), cosine=0.9, smooth=0.1)).mean(), **inputs)

# Teacher dropping: l_i(n) is the mean of class and patch losses; the total is the mean of the terms kept.
pictures, patches, widths = 5, 4, (6, 4, 5)
kept = torch.tensor([[1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [1, 0, 0, 1, 1]])
terms, inputs = [], {}
for i, width in enumerate(widths):
    cls, patch = leaf(draw(pictures, width)), leaf(draw(pictures, patches, width))
    targets = draw(pictures, width), draw(pictures, patches, width)
    inputs[f"cls{i}"], inputs[f"patch{i}"] = cls, patch
    out[f"dropping.cls{i}"], out[f"dropping.patch{i}"] = cls.detach().clone(), patch.detach().clone()
    out[f"dropping.cls_target{i}"], out[f"dropping.patch_target{i}"] = targets
    settings = dict(cosine=0.5, smooth=0.5)
    terms.append((rows(cls, targets[0], **settings) + rows(patch, targets[1], **settings).mean(1)) / 2)
losses = torch.stack(terms)
out["dropping.kept"] = kept.to(torch.int32)
out["dropping.largest"] = losses.argmax(0).to(torch.int32)
keep("dropping.losses", losses)
keep("dropping.total", (kept * losses).sum() / kept.sum(), **inputs)

# The gate, with both agreements.
groups, count = 2, 5
for name, gate_widths, temperature in (("tokens", (4, 6, 3), 0.3), ("direct", (4, 4, 4), 0.5)):
    targets = [draw(groups, count, width) for width in gate_widths]
    students = [draw(groups, count, width) for width in gate_widths]
    affinity = torch.stack([F.cosine_similarity(a, b, dim=-1) for a, b in zip(targets, students)])
    profiles = targets
    if name == "tokens":
        profiles = []
        for x in targets:
            unit = F.normalize(x, dim=-1)
            similarity = unit @ unit.transpose(1, 2)
            others = ~torch.eye(count, dtype=torch.bool)
            profiles.append(similarity[:, others].reshape(groups, count, count - 1))
    agreement = []
    for i in range(3):
        pairs = [F.cosine_similarity(profiles[i], profiles[j], dim=-1) for j in range(3) if j != i]
        agreement.append(torch.stack(pairs).mean(0))
    gate = (affinity * torch.stack(agreement) / temperature).softmax(0)
    for i in range(3):
        out[f"gate.{name}.target{i}"], out[f"gate.{name}.affinity{i}"] = targets[i], affinity[i].reshape(-1, 1)
        out[f"gate.{name}.weights{i}"] = gate[i].reshape(-1, 1)

# z-scores by moving statistics with momentum 1, 1/2, 0.4, 0.4; the least deviation is 0.1 of the typical size.
mean, variance = torch.zeros(5), torch.ones(5)
scales = torch.tensor([1.0, 2.0, 0.5, 0.01, 3.0])
for step, momentum in enumerate((1.0, 0.5, 0.4, 0.4)):
    x = draw(8, 5) * scales + torch.tensor([0.5, -1.0, 0.0, 1.0, 2.0]) + 0.3 * step
    fresh, spread = x.mean(0), x.var(0, unbiased=False)
    variance = (1 - momentum) * variance + momentum * spread + momentum * (1 - momentum) * (fresh - mean) ** 2
    mean = (1 - momentum) * mean + momentum * fresh
    size = (mean ** 2 + variance).sqrt().quantile(0.5)
    out[f"zscore.x{step}"], out[f"zscore.mean{step}"], out[f"zscore.variance{step}"] = x, mean.clone(), variance.clone()
    out[f"zscore.y{step}"] = (x - mean) / torch.maximum(variance.sqrt(), 0.1 * size)

# Layer norm of targets.
x = draw(6, 7, scale=2.0, offset=0.4)
out["norm.x"], out["norm.y"] = x, F.layer_norm(x, (7,), eps=1e-6)


def paley(q):
    squares = {i * i % q for i in range(1, q)}
    h = torch.eye(q + 1)
    h[0, 1:], h[1:, 0] = 1, -1
    for i in range(q):
        for j in range(q):
            h[i + 1, j + 1] += 0 if i == j else 1 if (i - j) % q in squares else -1
    return h / (q + 1) ** 0.5


def phi_s(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    largest = vectors.abs().argmax(0)
    vectors = vectors * vectors[largest, torch.arange(len(values))].sign()
    h = paley(len(values) - 1)
    assert torch.allclose(h @ h.T, torch.eye(len(values)))
    return (h @ vectors.T) / values.clamp(min=0).mean().sqrt()


# PHI-S over three batches; the transform follows after batches 1, 2 and, the last to be fitted, 3; a fourth changes nothing.
width = 12
mixer = torch.linalg.qr(draw(width, width))[0] * torch.linspace(0.3, 4, width)
mean, covariance = torch.zeros(width), torch.zeros(width, width)
for step in range(4):
    x = draw(40, width) @ mixer.T + 0.5 * step
    if step < 3:
        fresh, momentum = x.mean(0), 1 / (step + 1)
        gap = fresh - mean
        covariance = (1 - momentum) * covariance + momentum * torch.cov(x.T, correction=0)
        covariance = covariance + momentum * (1 - momentum) * torch.outer(gap, gap)
        mean = mean + momentum * gap
        transform = phi_s(covariance)
    out[f"phi.x{step}"], out[f"phi.y{step}"] = x, (x - mean) @ transform.T
out["phi.mean"], out["phi.covariance"], out["phi.transform"] = mean, covariance, transform.contiguous()
student = leaf(draw(40, width))
out["phi.student"] = student.detach().clone()
keep("phi.mse", F.mse_loss(student, out["phi.y3"]), student=student)


def heads(qkv, count):
    n, tokens, triple = qkv.shape
    return qkv.reshape(n, tokens, 3, count, triple // 3 // count).permute(2, 0, 3, 1, 4)


def relation(a, b):
    return a @ b.transpose(-2, -1) / a.shape[-1] ** 0.5


# Relations: widths 12 and 8, four heads on both sides; attention maps from three heads to four.
student, teacher = leaf(draw(2, 5, 36)), draw(2, 5, 24)
out["relation.student"], out["relation.teacher"] = student.detach().clone(), teacher
(q, k, v), (tq, tk, tv) = heads(student, 4), heads(teacher, 4)
for name, mine, theirs in (("qk", relation(q, k), relation(tq, tk)), ("vv", relation(v, v), relation(tv, tv))):
    divergence = F.kl_div(mine.log_softmax(-1), theirs.log_softmax(-1), reduction="none", log_target=True).sum(-1)
    keep(f"relation.{name}", divergence.mean(), student=student)
mixing = leaf(draw(4, 3, 1, 1))
out["relation.mixing"] = mixing.detach().clone()
q, k, _ = heads(student, 3)
mixed = F.conv2d(relation(q, k).softmax(-1), mixing)
keep("relation.maps", F.mse_loss(mixed, relation(tq, tk).softmax(-1)), student=student, mixing=mixing)

save_file(out, pathlib.Path(__file__).parent / "losses.safetensors",
          metadata={"torch": torch.__version__.split("+")[0], "numpy": np.__version__})
