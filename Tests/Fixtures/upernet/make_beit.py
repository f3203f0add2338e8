#!/usr/bin/env python3
"""BEiT with UPerNet as Hugging Face builds it, in the layouts of unilm and mmsegmentation: logits, loss, gradients, ten steps.

    pip install torch==2.15.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.2.6
    python3 make_beit.py
    python3 make_beit.py FOLDER     # BEiT-B at 512 pixels and a decoder of 768, logits alone, written to FOLDER

beit-unilm.pth and beit-mmseg.pth are what torch.save writes of the two code bases' segmentors (weights below "state_dict", indices
of relative positions and counters of batches beside them); values are the same. beit-golden.safetensors holds pictures, labels,
logits at the pictures' size, the loss in training (cross-entropy of resized logits + 0.4 of the auxiliary head's, 255 ignored), the
gradient of every parameter under this project's names, and the loss of ten AdamW steps.
"""
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import BeitConfig, UperNetConfig, UperNetForSemanticSegmentation

FULL = len(sys.argv) > 1
HERE = sys.argv[1] if FULL else os.path.dirname(os.path.abspath(__file__))
SIDE, CLASSES, WIDTH, DEPTH, HEADS, TAPS = (512, 150, 768, 12, 12, [4, 6, 8, 12]) if FULL else (64, 3, 12, 4, 3, [1, 2, 3, 4])
CHANNELS, AUXILIARY, RATIO, SPREAD = (768, 256, 4, 0.03) if FULL else (6, 5, 2, 0.3)
torch.manual_seed(3)
config = UperNetConfig(
    backbone_config=BeitConfig(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, intermediate_size=RATIO * WIDTH, image_size=SIDE, patch_size=16,
        use_relative_position_bias=True, layer_scale_init_value=0.1, drop_path_rate=0.0, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, add_fpn=True, reshape_hidden_states=True, out_indices=TAPS,
        layer_norm_eps=1e-6, use_mask_token=False, use_absolute_position_embeddings=False),
    hidden_size=CHANNELS, num_labels=CLASSES, auxiliary_channels=AUXILIARY, auxiliary_num_convs=1, auxiliary_loss_weight=0.4)
model = UperNetForSemanticSegmentation(config)
with torch.no_grad():
    for name, value in model.named_parameters():
        drawn = torch.randn(value.shape) * SPREAD
        norm = name.endswith("weight") and ("norm" in name or "normalization" in name)
        value.copy_(drawn + (1 if norm else 0))
    for name, value in model.named_buffers():
        if name.endswith("running_mean"):
            value.copy_(0.1 * torch.randn(value.shape))
        elif name.endswith("running_var"):
            value.copy_(0.5 + torch.rand(value.shape))


def parts(values):
    """Names of unilm's segmentor and their tensors; queries, keys and values are one projection there."""
    result, joined = {}, {}
    for name, value in values:
        name = name.replace("batch_norm", "bn").replace("classifier", "conv_seg")
        if not name.startswith("backbone."):
            result[name] = value
            continue
        for theirs, published in (("backbone.beit.patch_embeddings.projection", "backbone.patch_embed.proj"),
                                  ("backbone.beit.embeddings.patch_embeddings.projection", "backbone.patch_embed.proj"),
                                  ("backbone.beit.layers.", "backbone.blocks."), ("backbone.beit.", "backbone."),
                                  ("relative_position_bias.relative_position_bias_table", "attn.relative_position_bias_table"),
                                  ("attention.o_proj", "attn.proj"), ("embeddings.cls_token", "cls_token"), ("lambda_", "gamma_"),
                                  ("layernorm_before", "norm1"), ("layernorm_after", "norm2"),
                                  ("fpn.fpn1.conv_transpose1", "fpn1.0"), ("fpn.fpn1.normalization", "fpn1.1"),
                                  ("fpn.fpn1.conv_transpose2", "fpn1.3"), ("fpn.fpn2.", "fpn2.0.")):
            name = name.replace(theirs, published)
        for index, kind in enumerate(("q_proj", "k_proj", "v_proj")):
            if f"attention.{kind}.weight" in name:
                joined.setdefault(name.replace(f"attention.{kind}.weight", "attn.qkv.weight"), [None] * 3)[index] = value
                name = None
                break
        if name:
            result[name.replace("attention.q_proj.bias", "attn.q_bias").replace("attention.v_proj.bias", "attn.v_bias")] = value
    return result | {name: torch.cat(three) for name, three in joined.items()}


def mmseg(name):
    for theirs, published in (("backbone.fpn1.", "neck.upsample_4x."), ("backbone.fpn2.", "neck.upsample_2x."),
                              ("backbone.blocks.", "backbone.layers."), (".norm1.", ".ln1."), (".norm2.", ".ln2."),
                              (".mlp.fc1.", ".ffn.layers.0.0."), (".mlp.fc2.", ".ffn.layers.1."),
                              ("patch_embed.proj.", "patch_embed.projection.")):
        name = name.replace(theirs, published)
    return name


def ours(name):
    name = name.replace("backbone.fpn1.", "neck.upsample_4x.").replace("backbone.fpn2.", "neck.upsample_2x.")
    return name.replace("gamma_1", "ls1.gamma").replace("gamma_2", "ls2.gamma")


state = parts([(n, v.detach().clone()) for n, v in model.named_parameters()] +
              [(n, v.clone()) for n, v in model.named_buffers() if "running" in n or "num_batches" in n])
for block in range(DEPTH):
    state[f"backbone.blocks.{block}.attn.relative_position_index"] = torch.zeros(3, 3, dtype=torch.int64)
torch.save({"meta": {"epoch": 1}, "state_dict": state}, os.path.join(HERE, "beit-unilm.pth"))
torch.save({"meta": {"epoch": 1}, "state_dict": {mmseg(n): v for n, v in state.items()}}, os.path.join(HERE, "beit-mmseg.pth"))

images = torch.randn(2, 3, SIDE, SIDE)
labels = torch.randint(0, CLASSES, (2, SIDE, SIDE))
labels[:, :7] = 255
out = {"images": images.permute(0, 2, 3, 1), "labels": labels.to(torch.int32)}
model.eval()
with torch.no_grad():
    out["logits"] = model(images).logits.permute(0, 2, 3, 1)
if FULL:
    save_file({n: out[n].contiguous() for n in ("images", "logits")}, os.path.join(HERE, "beit-golden.safetensors"))
    sys.exit()
model.train()


def loss():
    return model(images, labels=labels).loss


value = loss()
out["loss"] = value.detach().reshape(1)
value.backward()
for name, gradient in parts([(n, v.grad) for n, v in model.named_parameters()]).items():
    out[f"gradient.{ours(name)}"] = gradient.clone()
named = list(model.parameters())
optimizer = torch.optim.AdamW([{"params": [v for v in named if v.ndim > 1], "weight_decay": 0.05},
                               {"params": [v for v in named if v.ndim == 1], "weight_decay": 0.0}], lr=1e-3)
totals = []
for _ in range(10):
    optimizer.zero_grad()
    total = loss()
    total.backward()
    optimizer.step()
    totals.append(total.detach())
out["steps"] = torch.stack(totals)
print("ten steps", [round(t.item(), 5) for t in totals])
save_file({n: v.detach().contiguous() for n, v in out.items()}, os.path.join(HERE, "beit-golden.safetensors"))
for name in ("beit-unilm.pth", "beit-mmseg.pth", "beit-golden.safetensors"):
    os.chmod(os.path.join(HERE, name), 0o644)
    print(name, os.path.getsize(os.path.join(HERE, name)))
