"""Makes the golden cases of this folder with PyTorch and torchvision, in double precision.

Run by hand: `python3 generate.py`. Writes `<case>.bin` (raw little-endian f64 and i32) and `manifest.json` (shapes,
offsets, versions, command). Images and maps are stored (N, H, W, C); weights keep the checkpoint order. Every input is
rounded to float32 first, so the f32 path sees the same numbers. Each case holds inputs, outputs, the upstream gradient
`dy` and the gradient of each differentiable input (`d_<input>`).
"""

import json
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torchvision.ops import roi_align

SEED = 20240517
torch.manual_seed(SEED)
torch.set_num_threads(1)
HERE = pathlib.Path(__file__).resolve().parent
cases = {}


def randn(*shape, scale=1.0, grad=True):
    value = (torch.randn(*shape) * scale).float().double()
    return value.requires_grad_(grad)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def write(name, tensors, attributes=None):
    blob, entries = b"", {}
    for key, value in tensors.items():
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        dtype = "i32" if np.issubdtype(array.dtype, np.integer) else "f64"
        array = np.array(array, order="C", dtype="<i4" if dtype == "i32" else "<f8")
        entries[key] = {"shape": list(array.shape), "dtype": dtype, "offset": len(blob)}
        blob += array.tobytes()
    (HERE / f"{name}.bin").write_bytes(blob)
    cases[name] = {"attributes": attributes or {}, "tensors": entries}


def run(name, inputs, function, attributes=None, extra=None):
    """One case: y = function(**inputs), then gradients under a random upstream gradient."""
    y = function(**inputs)
    dy = torch.randn(y.shape).float().double()
    y.backward(dy)
    tensors = dict(inputs)
    tensors.update({"y": y, "dy": dy})
    tensors.update({f"d_{k}": v.grad for k, v in inputs.items() if v.requires_grad})
    if extra:
        tensors.update(extra())
    write(name, tensors, attributes)


run("layer_norm", dict(x=randn(3, 5, 19), gamma=randn(19), beta=randn(19)),
    lambda x, gamma, beta: F.layer_norm(x, (19,), gamma, beta, 1e-6), {"epsilon": 1e-6})
run("gelu", dict(x=randn(4, 33, scale=2.0)), lambda x: F.gelu(x))
run("log_softmax", dict(x=randn(5, 23, scale=3.0)), lambda x: F.log_softmax(x, -1))


def packed_attention(qkv, heads):
    n, t, c3 = qkv.shape
    q, k, v = qkv.reshape(n, t, 3, heads, c3 // 3 // heads).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c3 // 3)


run("attention", dict(qkv=randn(2, 11, 3 * 10)), lambda qkv: packed_attention(qkv, 2), {"heads": 2})
run("attention_long", dict(qkv=randn(1, 53, 3 * 6)), lambda qkv: packed_attention(qkv, 1), {"heads": 1})

for name, i, o, k, stride, padding, h, w in [
    ("conv2d_3x3", 3, 5, 3, 1, 1, 6, 7), ("conv2d_stride2", 4, 3, 3, 2, 1, 7, 6),
    ("conv2d_1x1", 6, 4, 1, 1, 0, 4, 5), ("conv2d_patch", 3, 7, 4, 4, 0, 8, 12),
    ("conv2d_1x1_stride2", 3, 2, 1, 2, 0, 5, 6),
]:
    run(name, dict(x=randn(2, h, w, i), weight=randn(o, i, k, k), bias=randn(o)),
        lambda x, weight, bias: nhwc(F.conv2d(nchw(x), weight, bias, stride=stride, padding=padding)),
        {"stride": stride, "padding": padding})
run("conv_transpose", dict(x=randn(2, 3, 4, 5), weight=randn(5, 6, 2, 2), bias=randn(6)),
    lambda x, weight, bias: nhwc(F.conv_transpose2d(nchw(x), weight, bias, stride=2)))

for training in (1, 0):
    mean, variance = randn(7, grad=False), (torch.rand(7) + 0.5).float().double()
    before = {"running_mean": mean.clone(), "running_variance": variance.clone()}
    run("batch_norm_train" if training else "batch_norm_eval",
        dict(x=randn(2, 3, 5, 7), gamma=randn(7), beta=randn(7)),
        lambda x, gamma, beta: nhwc(F.batch_norm(nchw(x), mean, variance, gamma, beta, bool(training), 0.1, 1e-5)),
        {"training": training},
        lambda: {**before, "after_mean": mean, "after_variance": variance})


def resize(x, size, mode):
    return nhwc(F.interpolate(nchw(x), size=size, mode=mode, align_corners=False))


for name, h, w, oh, ow in [
    ("bilinear_up", 3, 5, 7, 11), ("bilinear_down", 9, 8, 4, 3), ("bilinear_mixed", 4, 9, 10, 5),
]:
    run(name, dict(x=randn(2, h, w, 3)), lambda x: resize(x, (oh, ow), "bilinear"), {"height": oh, "width": ow})
for name, h, w, oh, ow in [("bicubic_up", 4, 5, 7, 9), ("bicubic_down", 8, 9, 5, 4)]:
    run(name, dict(x=randn(1, h, w, 3)), lambda x: resize(x, (oh, ow), "bicubic"), {"height": oh, "width": ow})
run("adaptive_average_pool", dict(x=randn(2, 7, 10, 3)),
    lambda x: nhwc(F.adaptive_avg_pool2d(nchw(x), (3, 4))), {"height": 3, "width": 4})
run("max_pool", dict(x=randn(2, 7, 8, 3)), lambda x: nhwc(F.max_pool2d(nchw(x), 3, 2)), {"size": 3, "stride": 2})


def loss(name, inputs, function, attributes=None, extra=None):
    y = function(**inputs)
    y.backward()
    tensors = dict(inputs)
    tensors["y"] = y
    tensors.update({f"d_{k}": v.grad for k, v in inputs.items() if v.requires_grad})
    tensors.update(extra or {})
    write(name, tensors, attributes)


labels = torch.randint(0, 9, (13,))
labels[[2, 7, 8]] = 255
loss("cross_entropy", dict(x=randn(13, 9, scale=2.0)), lambda x: F.cross_entropy(x, labels, ignore_index=255),
     {"ignore": 255}, {"labels": labels})
targets = torch.softmax(torch.randn(6, 9).double(), -1)
loss("soft_cross_entropy", dict(x=randn(6, 9, scale=2.0)), lambda x: F.cross_entropy(x, targets), None,
     {"target": targets})
for name, beta in (("smooth_l1", 0.25), ("l1", 0.0)):
    target = randn(5, 7, grad=False)
    loss(name, dict(x=randn(5, 7)), lambda x: F.smooth_l1_loss(x, target, beta=beta), {"beta": beta},
         {"target": target})
target, weight = torch.rand(5, 7).float().double(), (torch.rand(5, 7) + 0.1).float().double()
loss("binary_cross_entropy", dict(x=randn(5, 7, scale=4.0)),
     lambda x: F.binary_cross_entropy_with_logits(x, target, weight), None, {"target": target, "weight": weight})
target = randn(6, 11, grad=False)
loss("cosine", dict(x=randn(6, 11)), lambda x: (1 - F.cosine_similarity(x, target, dim=-1)).mean(), None,
     {"target": target})
target = randn(6, 11, grad=False)
loss("mean_squared_error", dict(x=randn(6, 11)), lambda x: F.mse_loss(x, target), None, {"target": target})

boxes = torch.tensor([
    [0, 8.0, 12.0, 40.0, 52.0], [1, 0.0, 0.0, 63.0, 47.0], [0, -20.5, -9.0, 22.0, 30.0], [1, 50.0, 40.0, 90.0, 75.5],
    [0, 33.3, 21.7, 34.1, 22.2], [1, 5.25, 7.75, 58.5, 11.0], [0, 200.0, 200.0, 220.0, 230.0],
    [1, 10.0, 10.0, 10.0, 30.0],
]).double()
for sampling in (0, 2):
    run(f"roi_align_sampling{sampling}", dict(x=randn(2, 12, 16, 3)),
        lambda x: nhwc(roi_align(nchw(x), boxes, 3, 1 / 4, sampling, aligned=True)),
        {"size": 3, "sampling": sampling, "stride": 4}, lambda: {"boxes": boxes})

p = torch.nn.Parameter(randn(17, grad=False))
optimizer = torch.optim.AdamW([p], lr=0.05, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
trace = {"start": p.detach().clone(), "gradients": [], "after": []}
for _ in range(6):
    p.grad = torch.randn(17).float().double()
    trace["gradients"].append(p.grad.clone())
    optimizer.step()
    trace["after"].append(p.detach().clone())
write("adamw", {"start": trace["start"], "gradients": torch.stack(trace["gradients"]),
                "after": torch.stack(trace["after"])},
      {"rate": 0.05, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "decay": 0.1})

(HERE / "manifest.json").write_text(json.dumps({
    "made by": "python3 generate.py",
    "versions": {"python": platform.python_version(), "torch": torch.__version__,
                 "torchvision": torchvision.__version__, "numpy": np.__version__},
    "seed": SEED,
    "tolerance": "f64 1e-10 of the largest value: two implementations in double; f32 a multiple of 2^-24 per case",
    "cases": cases,
}, indent=1, sort_keys=True) + "\n")
