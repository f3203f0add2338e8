#!/usr/bin/env python3
"""Makes the golden files of the ViT family: weights in their published layout, tokens and gradients of every parameter.

    pip install torch==2.15.0 timm==1.0.31 transformers==5.23.0 safetensors==0.8.0 numpy==2.2.6
    python3 make_family.py

| file | reference | layout of the weights |
|:--|:--|:--|
| beit | timm's Beit: relative position bias, LayerScale, no bias of the keys | unilm's BEiT |
| dinov2 | Hugging Face's Dinov2WithRegisters: registers, LayerScale, SwiGLU | facebookresearch/dinov2 |
| timm-registers | timm's VisionTransformer: registers without positions, a table without class token | timm |
| vitdet | Hugging Face's VitDet: windows, decomposed relative positions, tables of another length | detectron2 |

Values are computed in double precision and stored as f32; pictures are (N, H, W, 3). Gradients are those of
sum(tokens * projection); "steps" are the losses of ten AdamW steps towards the projection.
"""
import os

import torch
from safetensors.torch import save_file
from timm.models.beit import Beit
from timm.models.vision_transformer import VisionTransformer
from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel, VitDetConfig, VitDetModel

HERE = os.path.dirname(os.path.abspath(__file__))
torch.use_deterministic_algorithms(True)


def randomised(model, seed):
    """Values far from any default, so that a swapped or forgotten tensor shows; in f32 precision, held in double."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            drawn = torch.randn(value.shape) * (0.15 if value.ndim > 1 else 0.3)
            value.copy_(drawn + (1 if "norm" in name and name.endswith("weight") else 0))
    return model.double().eval()


def steps(model, images, target, run):
    """The loss of ten AdamW steps towards `target`; biases, norms and other vectors do not decay."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0}], lr=1e-3)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(run(images.double().permute(0, 3, 1, 2)), target.double())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses)


def write(name, model, side, run, layout, extra=()):
    """`layout`: from (name, tensor) of the model to a list of the published names and tensors."""
    images = torch.randn(2, side, side, 3).float()
    tokens = run(images.double().permute(0, 3, 1, 2))
    projection = torch.randn(tokens.shape).float()
    model.zero_grad()
    (tokens * projection.double()).sum().backward()
    weights, found = {}, {"images": images, "tokens": tokens.detach().float(), "projection": projection}
    for key, value in model.named_parameters():
        for published, part in layout(key, value.detach()):
            weights[published] = part.float().contiguous()
    for key, value in model.named_parameters():
        if value.grad is not None:
            for published, part in layout(key, value.grad):
                found["gradient." + published] = part.float().contiguous()
    found["steps"] = steps(model, images, projection, run)
    found.update(dict(extra))
    save_file(weights, os.path.join(HERE, f"{name}.safetensors"))
    save_file({k: v.contiguous() for k, v in found.items()}, os.path.join(HERE, f"{name}-golden.safetensors"))


def beit():
    model = randomised(Beit(img_size=16, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, num_classes=0,
                            use_abs_pos_emb=False, use_rel_pos_bias=True, init_values=0.1, global_pool="token"), 1)
    write("beit", model, 16, model.forward_features, lambda key, value: [(key, value)])


def dinov2():
    config = Dinov2WithRegistersConfig(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, mlp_ratio=2, image_size=16,
                                       patch_size=4, num_register_tokens=3, use_swiglu_ffn=True, layerscale_value=0.1,
                                       attn_implementation="eager")
    model = randomised(Dinov2WithRegistersModel(config), 2)
    parts = {}

    def layout(key, value):
        if key == "embeddings.mask_token":
            return [("mask_token", value)]
        plain = {"embeddings.cls_token": "cls_token", "embeddings.register_tokens": "register_tokens",
                 "embeddings.position_embeddings": "pos_embed", "layernorm.weight": "norm.weight",
                 "layernorm.bias": "norm.bias", "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
                 "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias"}
        if key in plain:
            return [(plain[key], value)]
        block, rest = key.replace("encoder.layer.", "blocks.").split(".", 2)[1:]
        base = f"blocks.{block}."
        joined = {"attention.q_proj": ("qkv", 0, 3), "attention.k_proj": ("qkv", 1, 3), "attention.v_proj": ("qkv", 2, 3),
                  "mlp.gate_proj": ("w12", 0, 2), "mlp.up_proj": ("w12", 1, 2)}
        owner, kind = rest.rsplit(".", 1)
        if owner in joined:
            name, place, count = joined[owner]
            parts[(block, name, kind, place)] = value
            found = [parts.get((block, name, kind, i)) for i in range(count)]
            if any(part is None for part in found):
                return []
            for i in range(count):
                del parts[(block, name, kind, i)]
            return [(f"{base}{'attn' if name == 'qkv' else 'mlp'}.{name}.{kind}", torch.cat(found))]
        rest = rest.replace("attention.o_proj", "attn.proj").replace("mlp.down_proj", "mlp.w3")
        return [(base + rest.replace("layer_scale1.lambda1", "ls1.gamma").replace("layer_scale2.lambda1", "ls2.gamma"), value)]

    def run(x):
        tokens = model(x).last_hidden_state
        return torch.cat([tokens[:, :1], tokens[:, 4:]], dim=1)

    # DINO's rule for positions on another grid: 0.1 is added to the wanted size.
    table = torch.randn(1, 6, 4, 4, dtype=torch.float64)
    resized = torch.nn.functional.interpolate(table, scale_factor=(7.1 / 4, 5.1 / 4), mode="bicubic")
    extra = {"table": table.permute(0, 2, 3, 1).float(), "table.resized": resized.permute(0, 2, 3, 1).float()}
    write("dinov2", model, 16, run, layout, extra)


def timm_registers():
    model = randomised(VisionTransformer(img_size=16, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, reg_tokens=2,
                                         no_embed_class=True, init_values=0.1, num_classes=0, global_pool="token"), 3)

    def run(x):
        tokens = model.forward_features(x)
        return torch.cat([tokens[:, :1], tokens[:, 3:]], dim=1)

    write("timm-registers", model, 16, run, lambda key, value: [(key, value)])


def vitdet():
    # A picture of 5 x 5 patches in windows of 3: windows are filled up, positions resized from 4 x 4, and the global
    # block's tables, made for 6 x 6, are resized too.
    config = VitDetConfig(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, mlp_ratio=2, image_size=24,
                          pretrain_image_size=16, patch_size=4, window_block_indices=[0], window_size=3,
                          use_relative_position_embeddings=True, drop_path_rate=0.0)
    model = randomised(VitDetModel(config), 4)

    def layout(key, value):
        key = key.replace("embeddings.position_embeddings", "pos_embed").replace("embeddings.projection", "patch_embed.proj")
        key = key.replace("encoder.layer.", "blocks.").replace("attention.", "attn.")
        return [(key, value)]

    write("vitdet", model, 20, lambda x: model(x).last_hidden_state.permute(0, 2, 3, 1), layout)


for make in (beit, dinov2, timm_registers, vitdet):
    make()
