#!/usr/bin/env python3
"""Writes the weights of tiny.safetensors as torch.save leaves them in each published layout.

    pip install torch==2.15.0 safetensors==0.8.0 numpy==2.2.6
    python3 make_layouts.py          (after generate.py)

The features of each file are those of native.safetensors. Beside the encoder stand what the code bases save with it: optimizer
state, arguments, momentum encoders, heads and decoders.
"""
import argparse
import os

import torch
from safetensors.torch import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(11)
weights = load_file(os.path.join(HERE, "tiny.safetensors"))
args = argparse.Namespace(batch_size=64, lr=None, blr=1.5e-4, model="mae_vit_base_patch16", output_dir="./out", mask_ratio=0.75)
optimizer = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(4)}},
             "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.95), "params": [0, 1]}]}


def prefixed(prefix, tensors=weights):
    return {prefix + name: value for name, value in tensors.items()}


other = {name: torch.randn_like(value) for name, value in weights.items() if name.startswith("norm")}
decoder = {"mask_token": torch.randn(1, 1, 12), "decoder_pos_embed": torch.randn(1, 17, 12),
           "decoder_embed.weight": torch.randn(12, 24)}
head = {"head.weight": torch.randn(5, 24), "head.bias": torch.randn(5)}

layouts = {
    "mae": {"model": weights | decoder, "optimizer": optimizer, "epoch": 3, "scaler": {"scale": 65536.0}, "args": args},
    "mocov3": {"epoch": 300, "arch": "vit_base", "optimizer": optimizer, "scaler": {},
               "state_dict": prefixed("module.base_encoder.") | prefixed("module.momentum_encoder.", other)
               | {"module.base_encoder.head.0.weight": torch.randn(8, 24), "module.predictor.0.weight": torch.randn(8, 8)}},
    "ibot": {"student": prefixed("module.backbone.", other), "teacher": prefixed("backbone.") | {"head.mlp.0.weight": torch.randn(8, 24)},
             "optimizer": optimizer, "epoch": 1, "args": args, "ibot_loss": {"center": torch.zeros(1, 8)}},
    "dino": {"teacher": prefixed("backbone.") | {"head.mlp.0.weight": torch.randn(8, 24)}, "epoch": 1, "args": args},
    "deit": {"model": weights | head},
    "timm": weights | head,
}
for name, content in layouts.items():
    torch.save(content, os.path.join(HERE, f"{name}-layout.pth"))
