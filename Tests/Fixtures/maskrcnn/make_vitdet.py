#!/usr/bin/env python3
"""ViTDet's Mask R-CNN in detectron2's layout and under its rules: inference, losses, every gradient, ten optimizer steps.

    pip install torch==2.15.0 torchvision==0.29.2 transformers==5.23.0 safetensors==0.8.0 numpy==2.2.6
    python3 make_vitdet.py
    python3 make_vitdet.py FOLDER     # ViT-B at 1024 pixels with full heads, inference alone, written to FOLDER

The backbone is Hugging Face's VitDet, proposals and heads are torchvision's with detectron2's rules (detectron2_rules.py), the
simple feature pyramid is written here. vitdet.pth is what a training run of detectron2 saves: the weights below "model", the
anchors' buffers and the normalisation beside them. vitdet-golden.safetensors: see make_torchvision.py.
"""
import os
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from transformers import VitDetConfig, VitDetModel

import detectron2_rules as d2

FULL = len(sys.argv) > 1
HERE = sys.argv[1] if FULL else os.path.dirname(os.path.abspath(__file__))
WIDTH, DEPTH, HEADS, RATIO, WINDOW, LOCAL = (768, 12, 12, 4, 14, [0, 1, 3, 4, 6, 7, 9, 10]) if FULL else (16, 4, 2, 2, 3, [0, 2])
CHANNELS, CLASSES, SIDE, PRETRAINED = (256, 80, 1024, 224) if FULL else (8, 3, 128, 96)
ANCHORS, CANONICAL, LIMITS = ((32, 64, 128, 256, 512), 224, (1000, 1000, 100)) if FULL else ((16, 32, 64, 96, 120), 64, (80, 30, 14))
CONVOLUTIONS, BOX_WIDTH, MASK_POOL = (4, 1024, 14) if FULL else (2, 16, 7)
torch.manual_seed(6)


class Pyramid(nn.Module):
    """detectron2's SimpleFeaturePyramid and LastLevelMaxPool."""

    def __init__(self):
        super().__init__()
        up = nn.ConvTranspose2d
        scales = {2: [up(WIDTH, WIDTH // 2, 2, 2), d2.LayerNorm2d(WIDTH // 2), nn.GELU(), up(WIDTH // 2, WIDTH // 4, 2, 2)],
                  3: [up(WIDTH, WIDTH // 2, 2, 2)], 4: [], 5: [nn.MaxPool2d(2, 2)]}
        inputs = {2: WIDTH // 4, 3: WIDTH // 2, 4: WIDTH, 5: WIDTH}
        for stage, layers in scales.items():
            layers = layers + [d2.NormedConv(inputs[stage], CHANNELS, 1), d2.NormedConv(CHANNELS, CHANNELS, 3)]
            setattr(self, f"simfp_{stage}", nn.Sequential(*layers))

    def forward(self, x):
        maps = {str(stage - 2): getattr(self, f"simfp_{stage}")(x) for stage in (2, 3, 4, 5)}
        maps["pool"] = F.max_pool2d(maps["3"], 1, 2)
        return maps


class Backbone(Pyramid):
    def __init__(self):
        super().__init__()
        self.net = VitDetModel(VitDetConfig(
            hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, mlp_ratio=RATIO, image_size=SIDE,
            pretrain_image_size=PRETRAINED, patch_size=16, window_block_indices=LOCAL, window_size=WINDOW, use_relative_position_embeddings=True, drop_path_rate=0.0))

    def forward(self, images):
        return super().forward(self.net(images).last_hidden_state)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        anchors = d2.ExactAnchors(sizes=tuple((size,) for size in ANCHORS), aspect_ratios=((0.5, 1.0, 2.0),) * 5)
        limits = [{"training": limit, "testing": limit} for limit in LIMITS[:2]]
        self.rpn = d2.Proposals(anchors, d2.Objectness(CHANNELS, 3), 0.7, 0.3, 8192, 0.5, *limits, 0.7)
        self.rpn.pictures, self.rpn.min_size = 2, 0.0
        self.roi_heads = RoIHeads(
            d2.AlignedPool(7, CHANNELS, CANONICAL), d2.BoxHead(CHANNELS, BOX_WIDTH, CONVOLUTIONS), d2.BoxPredictor(BOX_WIDTH, CLASSES),
            0.5, 0.5, 100_000, 0.5, None, 0.05, 0.5, LIMITS[2], d2.AlignedPool(MASK_POOL, CHANNELS, CANONICAL),
            d2.MaskHead(CHANNELS, CLASSES, CONVOLUTIONS), nn.Identity())

    def forward(self, images, targets=None):
        maps = self.backbone(images)
        sizes = [(SIDE, SIDE)] * len(images)
        proposals, losses = self.rpn(ImageList(images, sizes), maps, targets)
        found, more = self.roi_heads(maps, proposals, sizes, targets)
        return found, losses | more


model = Detector()
d2.randomise(model)
with torch.no_grad():
    model.backbone.net.embeddings.position_embeddings.mul_(0.3)
    for layer in model.backbone.net.encoder.layer:
        layer.attention.rel_pos_h.copy_(0.3 * torch.randn(layer.attention.rel_pos_h.shape))
        layer.attention.rel_pos_w.copy_(0.3 * torch.randn(layer.attention.rel_pos_w.shape))
    model.roi_heads.box_predictor.cls_score.weight.mul_(2.5)
    model.rpn.head.anchor_deltas.weight.mul_(0.3)
    model.roi_heads.mask_head.predictor.weight.mul_(3)


def published(name):
    """detectron2's name of a parameter of this script's modules."""
    name = name.replace("net.embeddings.position_embeddings", "net.pos_embed").replace("net.embeddings.projection", "net.patch_embed.proj")
    name = name.replace("net.encoder.layer.", "net.blocks.").replace("attention.", "attn.")
    return name.replace("rpn.head.", "proposal_generator.rpn_head.")


def ours(name):
    name = published(name)
    return name.replace("backbone.net.", "backbone.") if "backbone.net." in name else f"detector.{name}"


generator = torch.Generator().manual_seed(4)
pixels = torch.randint(0, 256, (1 if FULL else 2, 3, SIDE, SIDE), generator=generator, dtype=torch.uint8)
images = pixels.float() / 255
targets = [] if FULL else [d2.target([(6, 9, 43, 37, 0), (70, 60, 40, 52, 1), (12, 80, 28, 30, 2)], SIDE),
           d2.target([(15, 36, 74, 65, 2), (90, 5, 26, 28, 0)], SIDE)]
out = {"images": pixels.permute(0, 2, 3, 1)}
for index, item in enumerate(targets):
    out[f"{index}.true.boxes"], out[f"{index}.true.masks"] = item["boxes"], item["masks"]
    out[f"{index}.true.labels"] = (item["labels"] - 1).to(torch.int32)
state = {published(name): value.detach().clone() for name, value in model.named_parameters()}
state |= {f"proposal_generator.anchor_generator.cell_anchors.{i}": torch.zeros(3, 4) for i in range(5)}
state |= {"pixel_mean": torch.zeros(3, 1, 1), "pixel_std": torch.ones(3, 1, 1)}
torch.save({"model": state, "iteration": 9}, os.path.join(HERE, "vitdet.pth"))

model.eval()
with torch.no_grad():
    found, _ = model(images)
for index, item in enumerate(found):
    soft = d2.paste(item["masks"][:, 0], item["boxes"], SIDE, SIDE)
    out[f"{index}.boxes"], out[f"{index}.scores"] = item["boxes"], item["scores"]
    out[f"{index}.labels"], out[f"{index}.masks"] = (item["labels"] - 1).to(torch.int32), (soft >= 0.5).to(torch.uint8)
    print(len(item["boxes"]), "detections, classes", sorted(set(item["labels"].tolist())), "mask pixels",
          int(out[f"{index}.masks"].sum()), "closest to 0.5:", (soft - 0.5).abs().min().item())

if FULL:
    save_file({name: value.detach().contiguous() for name, value in out.items()}, os.path.join(HERE, "vitdet-golden.safetensors"))
    sys.exit()
model.train()
_, losses = model(images, targets)
names = {"loss_objectness": "rpn_objectness", "loss_rpn_box_reg": "rpn_box", "loss_classifier": "roi_class",
         "loss_box_reg": "roi_box", "loss_mask": "roi_mask"}
for theirs, mine in names.items():
    out[f"loss.{mine}"] = losses[theirs].detach().reshape(1)
    print(mine, losses[theirs].item())
sum(losses.values()).backward()
for name, value in model.named_parameters():
    out[f"gradient.{ours(name)}"] = value.grad.clone()
optimizer = torch.optim.AdamW(d2.groups(model.named_parameters()), lr=2e-4)
totals = []
for _ in range(10):
    optimizer.zero_grad()
    total = sum(model(images, targets)[1].values())
    total.backward()
    optimizer.step()
    totals.append(total.detach())
out["steps"] = torch.stack(totals)
print("ten steps", [round(t.item(), 5) for t in totals])
save_file({name: value.detach().contiguous() for name, value in out.items()}, os.path.join(HERE, "vitdet-golden.safetensors"))
for name in ("vitdet-golden.safetensors", "vitdet.pth"):
    os.chmod(os.path.join(HERE, name), 0o644)
    print(name, os.path.getsize(os.path.join(HERE, name)))
