#!/usr/bin/env python3
"""Runs Hugging Face's UperNet head, its auxiliary FCN head and a Semantic FPN on drawn maps and writes heads.safetensors.

    pip install torch==2.15.0 torchvision==0.29.2 transformers==5.23.0 safetensors==0.8.0 numpy==2.2.6
    python3 make_heads.py

Semantic FPN is torchvision's feature pyramid network and, written here, the branches of mmsegmentation's fpn_head.py.

Weights have mmsegmentation's names (`bn`, `conv_seg`). Stored are logits with running statistics, and, with those of the batch,
the logits, the cross-entropy of logits resized to the labels (255 ignored, mean over labelled pixels) and the gradient of every
parameter and map. Values are computed in double precision.
"""
import os

import torch
import torch.nn.functional as F
import transformers.models.upernet.modeling_upernet as upernet
from safetensors.torch import save_file
from torch import nn
from torchvision.ops import FeaturePyramidNetwork
from transformers import BeitConfig, UperNetConfig

torch.manual_seed(4)
CHANNELS, CLASSES, SIDE = [6, 5, 4, 7], 3, 32
config = UperNetConfig(backbone_config=BeitConfig(hidden_size=16, num_attention_heads=2, num_hidden_layers=2, intermediate_size=16),
                       hidden_size=5, num_labels=CLASSES, auxiliary_channels=4, auxiliary_num_convs=1)


class Conv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv, self.batch_norm = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.batch_norm(self.conv(x)).relu()


class SemanticFPN(nn.Module):
    def __init__(self, width, channels):
        super().__init__()
        self.fpn, self.classifier = FeaturePyramidNetwork(CHANNELS, width), nn.Conv2d(channels, CLASSES, 1)
        self.scale_heads = nn.ModuleList()
        for level in range(4):
            layers = []
            for step in range(max(level, 1)):
                layers.append(Conv(width if step == 0 else channels, channels))
                if level > 0:
                    layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
            self.scale_heads.append(nn.Sequential(*layers))

    def forward(self, inputs):
        levels = list(self.fpn(dict(zip("0123", inputs))).values())
        total = self.scale_heads[0](levels[0])
        for head, level in zip(self.scale_heads[1:], levels[1:]):
            total = total + F.interpolate(head(level), size=total.shape[2:], mode="bilinear", align_corners=False)
        return self.classifier(total)


heads = {"upper": upernet.UperNetHead(config, CHANNELS), "fcn": upernet.UperNetFCNHead(config, CHANNELS),
         "semantic_fpn": SemanticFPN(5, 4)}
maps = [torch.randn(2, c, SIDE >> (2 + i), (SIDE >> (2 + i)) if i < 3 else 1) for i, c in enumerate(CHANNELS)]
labels = torch.randint(0, CLASSES, (2, SIDE, SIDE))
labels[:, :5] = 255
out = {f"map.{i}": m.permute(0, 2, 3, 1) for i, m in enumerate(maps)} | {"labels": labels.to(torch.int32)}


def published(name):
    for theirs, ours in (("fpn.inner_blocks.", "fpn.lateral_convs."), ("fpn.layer_blocks.", "fpn.fpn_convs.")):
        if name.startswith(theirs):
            level, _, leaf = name[len(theirs):].split(".")
            return f"{ours}{level}.conv.{leaf}"
    return name.replace("batch_norm", "bn").replace("classifier", "conv_seg")


for kind, head in heads.items():
    with torch.no_grad():
        for name, value in head.state_dict().items():
            if "num_batches" in name:
                continue
            drawn = torch.randn(value.shape) * (0.3 if value.ndim > 1 else 0.2)
            value.copy_(drawn.abs() + 0.5 if "running_var" in name else drawn + (1 if "batch_norm.weight" in name else 0))
    weights = {f"{kind}.weight.{published(n)}": v.clone() for n, v in head.state_dict().items() if "num_batches" not in n}
    head.double().eval()
    inputs = [m.double().requires_grad_() for m in maps]
    out[f"{kind}.evaluation"] = head(inputs).detach().permute(0, 2, 3, 1)
    head.train()
    logits = head(inputs)
    out[f"{kind}.training"] = logits.detach().permute(0, 2, 3, 1)
    loss = F.cross_entropy(F.interpolate(logits, size=(SIDE, SIDE), mode="bilinear", align_corners=False), labels, ignore_index=255)
    loss.backward()
    out[f"{kind}.loss"] = loss.detach().reshape(1)
    for name, value in head.named_parameters():
        out[f"{kind}.gradient.{published(name)}"] = value.grad
    for index, value in enumerate(inputs):
        if value.grad is not None:
            out[f"{kind}.map_gradient.{index}"] = value.grad.permute(0, 2, 3, 1)
    out |= weights
file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "heads.safetensors")
save_file({n: (v if v.dtype == torch.int32 else v.float()).contiguous() for n, v in out.items()}, file)
os.chmod(file, 0o644)
