"""Makes adamw.json and momentum.json: ten steps of torch.optim.AdamW and SGD, with and without clipping, and of LARS by its
equation (torch 2.15.0, numpy 2.2.6).

    python3 generate.py

Tensors in double: a matrix with decay, a vector without and at half the rate, and for LARS a matrix of zeros.
"""
import json
import os

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(5)


def draw(*shape, scale=1.0):
    return torch.randn(*shape, dtype=torch.float64) * scale


weight, bias = draw(5, 7), draw(7)
scales = [3.0 ** (i % 4 - 1) for i in range(10)]
gradients = [(draw(5, 7, scale=s), draw(7, scale=s)) for s in scales]


def steps(clip):
    p, q = torch.nn.Parameter(weight.clone()), torch.nn.Parameter(bias.clone())
    optimizer = torch.optim.AdamW([{"params": [p], "lr": 0.02, "weight_decay": 0.1},
                                   {"params": [q], "lr": 0.01, "weight_decay": 0.0}], betas=(0.9, 0.95), eps=1e-8)
    after = {"weight": [], "bias": []}
    for g, h in gradients:
        p.grad, q.grad = g.clone(), h.clone()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([p, q], clip)
        optimizer.step()
        after["weight"].append(p.detach().flatten().tolist())
        after["bias"].append(q.detach().tolist())
    return after


golden = {"weight": weight.flatten().tolist(), "bias": bias.tolist(),
          "weight_gradients": [g.flatten().tolist() for g, _ in gradients],
          "bias_gradients": [h.tolist() for _, h in gradients], "free": steps(None), "clipped": steps(4.0)}
with open(os.path.join(HERE, "adamw.json"), "w") as file:
    json.dump(golden, file)
    file.write("\n")


def sgd(clip, **choices):
    p, q = torch.nn.Parameter(weight.clone()), torch.nn.Parameter(bias.clone())
    optimizer = torch.optim.SGD([{"params": [p], "lr": 0.02, "weight_decay": 0.1},
                                 {"params": [q], "lr": 0.01, "weight_decay": 0.0}], **choices)
    after = {"weight": [], "bias": []}
    for g, h in gradients:
        p.grad, q.grad = g.clone(), h.clone()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([p, q], clip)
        optimizer.step()
        after["weight"].append(p.detach().flatten().tolist())
        after["bias"].append(q.detach().tolist())
    return after


def lars(rate, momentum, trust, decays):
    """Matrices go at a rate of their own and decay, vectors do neither."""
    names = ["weight", "bias", "zeros"]
    values = {"weight": weight.numpy().copy(), "bias": bias.numpy().copy(), "zeros": np.zeros((3, 2))}
    speed = {name: np.zeros_like(value) for name, value in values.items()}
    after = {name: [] for name in names}
    for step, (g, h) in enumerate(gradients):
        changes = {"weight": g.numpy(), "bias": h.numpy(), "zeros": zero_gradients[step].numpy()}
        for name in names:
            change, value = changes[name], values[name]
            if value.ndim > 1:
                change = change + decays[name] * value
                own, other = np.sqrt((value ** 2).sum()), np.sqrt((change ** 2).sum())
                if own > 0 and other > 0:
                    change = change * (trust * own / other)
            speed[name] = momentum * speed[name] + change
            values[name] = value - rate * speed[name]
            after[name].append(values[name].flatten().tolist())
    return after


# The second one is zero: its norm divides nothing.
zero_gradients = [draw(3, 2) * (0 if i == 1 else 1) for i in range(10)]
momentum = {"sgd": sgd(None, momentum=0.9), "sgd_clipped": sgd(4.0, momentum=0.9),
            "sgd_nesterov": sgd(None, momentum=0.8, nesterov=True), "sgd_plain": sgd(None),
            "lars": lars(2.0, 0.9, 0.001, {"weight": 0.1, "zeros": 0.0}),
            "zero_gradients": [g.flatten().tolist() for g in zero_gradients]}
with open(os.path.join(HERE, "momentum.json"), "w") as file:
    json.dump(momentum, file)
    file.write("\n")
