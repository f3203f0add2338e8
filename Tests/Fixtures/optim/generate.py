"""Makes adamw.json: ten steps of torch.optim.AdamW, with and without clipping (torch 2.15.0).

    python3 generate.py

Two tensors in double, the first with decay, the second without and at half the rate.
"""
import json
import os

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
