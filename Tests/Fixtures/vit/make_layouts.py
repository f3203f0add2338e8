#!/usr/bin/env python3
"""Writes the weights of tiny.safetensors as torch.save leaves them in each published layout.

    pip install torch==2.15.0 timm==1.0.31 safetensors==0.8.0 numpy==2.2.6
    python3 make_layouts.py          (after generate.py)

The features of most files are those of native.safetensors; those of networks that timm's plain ViT does not have (a token of
distillation, relative positions, no last norm) are in layouts-golden.safetensors, from the same pictures. Beside the encoder
stand what the code bases save with it: optimizer state, arguments, momentum encoders, heads and decoders.
"""
import argparse
import os

import torch
from safetensors.torch import load_file, save_file
from timm.models.beit import Beit
from timm.models.vision_transformer import VisionTransformer

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

# Students of MAE: plain names, predictors and a token of distillation beside them.
run = {"optimizer": optimizer, "epoch": 299, "scaler": {"scale": 65536.0}, "args": args}
predictors = {f"{stage}feature_pred.fc{i}.{part}": torch.randn(*shape) for stage, width in [("encoder", 24), ("decoder", 12)]
              for i in (1, 2) for part, shape in [("weight", (6, width) if i == 1 else (6, 6)), ("bias", (6,))]}
dist = {"dist_token": torch.randn(1, 1, 24) * 0.5, "head_dist.weight": torch.randn(5, 24), "head_dist.bias": torch.randn(5)}
layouts |= {
    "mae-lite": {"start_epoch": 400, "model": prefixed("module.model.", weights | decoder), "optimizer": optimizer},
    "tinymim": {"model": weights} | run,
    "g2sd-generic": {"model": weights | decoder | predictors} | run,
    "g2sd-specific": {"model": weights | head | dist} | run,
}

# DINOv2 in chunks: blocks.chunk.block, counted over all chunks.
layouts["dinov2-chunked"] = {"teacher": {
    "backbone." + (f"blocks.{name.split('.')[1]}.{name[7:]}" if name.startswith("blocks.") else name): value
    for name, value in weights.items()} | {"backbone.mask_token": torch.randn(1, 24), "dino_head.mlp.0.weight": torch.randn(8, 24)}}


def mmseg(tensors, prefix, attention=()):
    """timm's names in mmsegmentation's layout; `attention` are further replacements."""
    found = {}
    for name, value in tensors.items():
        if name.startswith("norm."):
            name = name.replace("norm.", "ln1.")
        for old, new in [("blocks.", "layers."), ("norm", "ln"), ("mlp.fc1", "ffn.layers.0.0"), ("mlp.fc2", "ffn.layers.1"),
                         ("patch_embed.proj.", "patch_embed.projection."), *attention]:
            name = name.replace(old, new)
        found[prefix + name] = value
    return found


def relative(seed, absolute):
    """timm's Beit with random weights and tables; its tokens of the golden pictures, before and behind the last norm."""
    torch.manual_seed(seed)
    model = Beit(img_size=16, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, num_classes=0, use_abs_pos_emb=absolute,
                 use_rel_pos_bias=True, init_values=0.1, global_pool="token")
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(torch.randn_like(value) * (0.15 if value.ndim > 1 else 0.3) + (1 if "norm" in name and "weight" in name else 0))
        for block in model.blocks:
            # mmsegmentation's MAE has a bias of the keys too.
            block.attn.k_bias.copy_(torch.randn(24) * 0.3 if absolute else torch.zeros(24))
    state = {name: value.detach().clone() for name, value in model.state_dict().items() if not name.endswith("k_bias")}
    for i, block in enumerate(model.blocks):
        index = torch.randint(0, 52, (17, 17))
        state[f"blocks.{i}.attn.relative_position_index"] = index
        if absolute:
            parts = [state.pop(f"blocks.{i}.attn.q_bias"), block.attn.k_bias.detach().clone(), state.pop(f"blocks.{i}.attn.v_bias")]
            state[f"blocks.{i}.attn.qkv.bias"] = torch.cat(parts)
    exact = model.double()
    with torch.no_grad():
        x = exact.patch_embed(pictures)
        x = torch.cat([exact.cls_token.expand(2, -1, -1), x], dim=1)
        x = x if exact.pos_embed is None else x + exact.pos_embed
        for block in exact.blocks:
            x = block(x)
        return state, x.float(), exact.norm(x).float()


pictures = load_file(os.path.join(HERE, "native.safetensors"))["images"].double().permute(0, 3, 1, 2)
heads = {"decode_head.conv_seg.weight": torch.randn(5, 8, 1, 1), "auxiliary_head.conv_seg.weight": torch.randn(5, 8, 1, 1)}
golden = {}

# BEiT inside a segmentor, MAE alone with both kinds of positions, VisionTransformer with mmcv's attention.
state, golden["mmseg-beit"], _ = relative(21, absolute=False)
state = {name: value for name, value in state.items() if not name.startswith("norm.")}
layouts["mmseg-beit"] = {"meta": {"CLASSES": ("wall", "sky")}, "state_dict": mmseg(state, "backbone.") | heads, "optimizer": optimizer}
state, _, golden["mmseg-mae"] = relative(22, absolute=True)
layouts["mmseg-mae"] = mmseg(state, "")
attention = [("attn.qkv.", "attn.attn.in_proj_"), ("attn.proj.", "attn.attn.out_proj.")]
layouts["mmseg-vit"] = {"meta": {}, "state_dict": mmseg(weights, "backbone.", attention) | heads}

# The token of distillation comes last and has no position.
model = VisionTransformer(img_size=16, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, num_classes=0)
model.load_state_dict(weights)
model = model.double().eval()
with torch.no_grad():
    x = torch.cat([model.cls_token.expand(2, -1, -1), model.patch_embed(pictures)], dim=1) + model.pos_embed
    x = torch.cat([x, dist["dist_token"].double().expand(2, -1, -1)], dim=1)
    for block in model.blocks:
        x = block(x)
    golden["g2sd-specific"] = model.norm(x)[:, :-1].float()

for name, content in layouts.items():
    torch.save(content, os.path.join(HERE, f"{name}-layout.pth"))
save_file({name: value.contiguous() for name, value in golden.items()}, os.path.join(HERE, "layouts-golden.safetensors"))
