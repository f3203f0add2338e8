#!/usr/bin/env python3
"""Writes encoders of full size with random weights and what they compute, for the tests behind DMT_FULL_SIZE.

    pip install torch==2.15.0 timm==1.0.31 safetensors==0.8.0 numpy==2.2.6
    python3 make_full.py FOLDER

mae.pth: ViT-B/16 in MAE's layout. timm.pth: ViT-B/14 of DINOv2 with registers and LayerScale, at 518 pixels, as timm names it. Beside
each NAME-golden.safetensors with two pictures and all tokens behind the final norm.
"""
import os
import sys

import timm
import torch
from safetensors.torch import save_file

for name, variant, key in (("mae", "vit_base_patch16_224", "model"), ("timm", "vit_base_patch14_reg4_dinov2", None)):
    torch.manual_seed(1)
    model = timm.create_model(variant, num_classes=0).eval()
    with torch.no_grad():
        for parameter, value in model.named_parameters():
            value.add_(0.02 * torch.randn(value.shape))
        side = model.patch_embed.img_size[0]
        images = torch.randn(2, 3, side, side)
        tokens = model.forward_features(images)
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("fc_norm")}
    torch.save({key: state} if key else state, os.path.join(sys.argv[1], f"{name}.pth"))
    found = {"images": images.permute(0, 2, 3, 1).contiguous(), "class": tokens[:, 0].contiguous(),
             "patches": tokens[:, model.num_prefix_tokens:].contiguous()}
    save_file(found, os.path.join(sys.argv[1], f"{name}-golden.safetensors"))
