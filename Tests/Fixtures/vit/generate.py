"""Makes the golden files of the ViT: weights, inputs, tokens and gradients of a tiny timm VisionTransformer.

    python3 generate.py            (torch 2.15.0, timm 1.0.31, safetensors 0.8.0)

Every tensor is f32; pictures are (N, H, W, 3), as dmt takes them. Gradients are those of sum(tokens * projection).
"""
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

HERE = os.path.dirname(os.path.abspath(__file__))
NAMED = ["cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "blocks.0.norm1.weight",
         "blocks.0.attn.qkv.bias", "blocks.1.attn.proj.weight", "blocks.1.mlp.fc1.bias", "norm.weight", "norm.bias"]

torch.manual_seed(3)
torch.use_deterministic_algorithms(True)
model = VisionTransformer(img_size=16, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, num_classes=0,
                          global_pool="token", dynamic_img_size=False)
with torch.no_grad():
    for name, value in model.named_parameters():
        # Far from any default, norms included, so that a swapped or forgotten tensor shows.
        value.copy_(torch.randn_like(value) * (0.15 if value.ndim > 1 else 0.3) + (1 if "norm" in name and "weight" in name else 0))
weights = {name: value.detach().clone().contiguous() for name, value in model.state_dict().items()}
save_file(weights, os.path.join(HERE, "tiny.safetensors"), metadata={"origin": "timm VisionTransformer, random weights"})


def case(side):
    """Tokens and gradients of two pictures of `side` pixels, in double; positions resized by bicubic interpolation."""
    exact = model.double()
    images = torch.randn(2, side, side, 3).float()
    x = exact.patch_embed.proj(images.double().permute(0, 3, 1, 2)).flatten(2).transpose(1, 2)
    positions = exact.pos_embed
    grid, trained = side // 4, 4
    if grid != trained:
        table = positions[:, 1:].reshape(1, trained, trained, -1).permute(0, 3, 1, 2)
        table = F.interpolate(table, size=(grid, grid), mode="bicubic", align_corners=False, antialias=False)
        positions = torch.cat([positions[:, :1], table.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
    x = torch.cat([exact.cls_token.expand(2, -1, -1), x], dim=1) + positions
    for block in exact.blocks:
        x = block(x)
    tokens = exact.norm(x)
    if grid == trained:
        # The path above is timm's own.
        assert torch.equal(tokens, exact.forward_features(images.double().permute(0, 3, 1, 2)))
    projection = torch.randn_like(tokens).float()
    exact.zero_grad()
    (tokens * projection.double()).sum().backward()
    found = {"images": images, "tokens": tokens.detach().float(), "projection": projection}
    gradients = dict(exact.named_parameters())
    for name in NAMED:
        found["gradient." + name] = gradients[name].grad.float().clone()
    return {name: value.contiguous() for name, value in found.items()}


def slim(tensors, keep):
    return {name: value for name, value in tensors.items() if not name.startswith("gradient.") or name[9:] in keep}


save_file(case(16), os.path.join(HERE, "native.safetensors"))
save_file(slim(case(24), ["pos_embed", "cls_token"]), os.path.join(HERE, "resized.safetensors"))
