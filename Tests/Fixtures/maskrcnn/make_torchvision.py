#!/usr/bin/env python3
"""torchvision's Mask R-CNN on four taps of a small ViT: inference, losses, every gradient, ten optimizer steps.

    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 safetensors==0.8.0 numpy==2.2.6
    python3 make_torchvision.py

torchvision-heads.pth is what torch.save writes of the detector's state (torchvision's names: rpn.*, roi_heads.*, and the feature
pyramid network below backbone.fpn.*; its ViT and the rescaling of taps are in torchvision.safetensors under this project's names).
torchvision.safetensors holds two pictures with their true boxes, labels and masks, what the model finds on them, the five losses in
training with everything sampled that can be, the gradient of every parameter, and the total loss of ten AdamW steps.

Nothing in torchvision is changed: anchors, matching, pooling, losses and mask pasting are its own.
"""
import os
from collections import OrderedDict

import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

WIDTH, CHANNELS, CLASSES, SIDE = 16, 8, 3, 96
HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(26)


class Rescale(nn.Module):
    """mmsegmentation's Feature2Pyramid: one tap a level."""

    def __init__(self):
        super().__init__()
        self.upsample_4x = nn.Sequential(nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2), nn.BatchNorm2d(WIDTH), nn.GELU(),
                                         nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2))
        self.upsample_2x = nn.Sequential(nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2))

    def forward(self, taps):
        return [self.upsample_4x(taps[0]), self.upsample_2x(taps[1]), taps[2], nn.functional.max_pool2d(taps[3], 2)]


class Backbone(nn.Module):
    out_channels = CHANNELS

    def __init__(self):
        super().__init__()
        self.vit = timm.models.vision_transformer.VisionTransformer(
            img_size=SIDE, patch_size=16, embed_dim=WIDTH, depth=4, num_heads=2, num_classes=0)
        self.rescale = Rescale()
        self.fpn = FeaturePyramidNetwork([WIDTH] * 4, CHANNELS, LastLevelMaxPool())

    def forward(self, images):
        taps = self.vit.get_intermediate_layers(images, n=[0, 1, 2, 3], reshape=True, norm=False)
        return self.fpn(OrderedDict(zip("0123", self.rescale(taps))))


backbone = Backbone()
model = MaskRCNN(
    backbone, min_size=SIDE, max_size=SIDE, image_mean=[0, 0, 0], image_std=[1, 1, 1],
    rpn_anchor_generator=AnchorGenerator(sizes=((9,), (18,), (36,), (50,), (70,)), aspect_ratios=((0.5, 1.0, 2.0),) * 5),
    rpn_head=RPNHead(CHANNELS, 3), rpn_pre_nms_top_n_train=80, rpn_pre_nms_top_n_test=80, rpn_post_nms_top_n_train=30,
    rpn_post_nms_top_n_test=30, rpn_batch_size_per_image=100_000, rpn_positive_fraction=0.5,
    box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2, canonical_scale=60, canonical_level=4),
    box_head=TwoMLPHead(CHANNELS * 49, 16), box_predictor=FastRCNNPredictor(16, CLASSES + 1), box_score_thresh=0.05,
    box_nms_thresh=0.5, box_detections_per_img=14, box_batch_size_per_image=100_000, box_positive_fraction=0.5,
    mask_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2, canonical_scale=60, canonical_level=4),
    mask_head=MaskRCNNHeads(CHANNELS, (CHANNELS, CHANNELS), 1), mask_predictor=MaskRCNNPredictor(CHANNELS, CHANNELS, CLASSES + 1))
with torch.no_grad():
    for name, value in model.named_parameters():
        if "norm" in name or ".1.weight" in name:
            value.copy_(1 + 0.1 * torch.randn(value.shape)) if name.endswith("weight") else value.copy_(0.1 * torch.randn(value.shape))
        elif value.ndim > 1:
            value.copy_(torch.randn(value.shape) * (1.2 / value[0].numel()) ** 0.5)
        else:
            value.copy_(0.1 * torch.randn(value.shape))
    backbone.vit.pos_embed.mul_(0.3)
    model.roi_heads.box_predictor.cls_score.weight.mul_(2.5)
    model.rpn.head.bbox_pred.weight.mul_(0.3)
    model.roi_heads.mask_predictor.mask_fcn_logits.weight.mul_(3)

generator = torch.Generator().manual_seed(4)
pixels = [torch.randint(0, 256, (3, SIDE, SIDE), generator=generator, dtype=torch.uint8) for _ in range(2)]
images = [p.float() / 255 for p in pixels]
rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")


def instance(x, y, w, h):
    ellipse = ((columns + 0.5 - x - w / 2) / (w / 2)) ** 2 + ((rows + 0.5 - y - h / 2) / (h / 2)) ** 2 <= 1
    return [float(x), float(y), float(x + w), float(y + h)], ellipse.to(torch.uint8)


def target(items):
    parts = [instance(*item[:4]) for item in items]
    return {"boxes": torch.tensor([p[0] for p in parts]), "labels": torch.tensor([i[4] + 1 for i in items]),
            "masks": torch.stack([p[1] for p in parts])}


targets = [target([(6, 9, 33, 27, 0), (50, 40, 30, 42, 1), (12, 60, 20, 22, 2)]), target([(15, 36, 54, 45, 2), (70, 5, 18, 20, 0)])]
out = {"images": torch.stack(pixels).permute(0, 2, 3, 1)}
for index, item in enumerate(targets):
    out[f"{index}.true.boxes"], out[f"{index}.true.masks"] = item["boxes"], item["masks"]
    out[f"{index}.true.labels"] = (item["labels"] - 1).to(torch.int32)

model.eval()
with torch.no_grad():
    found = model(images)
for index, item in enumerate(found):
    out[f"{index}.boxes"], out[f"{index}.scores"] = item["boxes"], item["scores"]
    out[f"{index}.labels"] = (item["labels"] - 1).to(torch.int32)
    out[f"{index}.masks"] = (item["masks"][:, 0] >= 0.5).to(torch.uint8)
    near = (item["masks"][:, 0] - 0.5).abs().min().item()
    print(len(item["boxes"]), "detections, classes", sorted(set(item["labels"].tolist())), "mask pixels",
          int(out[f"{index}.masks"].sum()), "closest to 0.5:", near)


def last(weight, group=1):
    return torch.cat([weight[group:], weight[:group]])


def ours():
    """(our name, parameter, transform, rows that the background class would have)"""
    for name, value in backbone.vit.named_parameters():
        if not name.startswith("norm."):
            yield f"backbone.{name}", value, lambda x: x
    yield "backbone.norm.weight", backbone.vit.norm.weight, lambda x: x
    yield "backbone.norm.bias", backbone.vit.norm.bias, lambda x: x
    for name, value in backbone.rescale.named_parameters():
        yield f"detector.backbone.rescale.{name}", value, lambda x: x
    for kind, theirs in (("lateral_convs", backbone.fpn.inner_blocks), ("fpn_convs", backbone.fpn.layer_blocks)):
        for level, block in enumerate(theirs):
            for leaf, value in block[0].named_parameters():
                yield f"detector.backbone.neck.{kind}.{level}.conv.{leaf}", value, lambda x: x
    heads = model.roi_heads
    parts = [("proposal_generator.rpn_head.conv", model.rpn.head.conv[0][0], None),
             ("proposal_generator.rpn_head.objectness_logits", model.rpn.head.cls_logits, None),
             ("proposal_generator.rpn_head.anchor_deltas", model.rpn.head.bbox_pred, None),
             ("roi_heads.box_head.fc1", heads.box_head.fc6, None), ("roi_heads.box_head.fc2", heads.box_head.fc7, None),
             ("roi_heads.box_predictor.cls_score", heads.box_predictor.cls_score, last),
             ("roi_heads.box_predictor.bbox_pred", heads.box_predictor.bbox_pred, lambda x: x[4:]),
             ("roi_heads.mask_head.mask_fcn1", heads.mask_head[0][0], None),
             ("roi_heads.mask_head.mask_fcn2", heads.mask_head[1][0], None),
             ("roi_heads.mask_head.deconv", heads.mask_predictor.conv5_mask, None),
             ("roi_heads.mask_head.predictor", heads.mask_predictor.mask_fcn_logits, lambda x: x[1:])]
    for name, module, transform in parts:
        for leaf, value in module.named_parameters():
            yield f"detector.{name}.{leaf}", value, transform or (lambda x: x)


state = model.state_dict()
torch.save({key: value for key, value in state.items() if not key.startswith(("backbone.vit.", "backbone.rescale."))},
           os.path.join(HERE, "torchvision-heads.pth"))
for name, value, transform in ours():
    if name.startswith(("backbone.", "detector.backbone.rescale.")):
        out[f"weight.{name}"] = value.detach().clone()
for name, value in backbone.rescale.named_buffers():
    if not name.endswith("num_batches_tracked"):
        out[f"weight.detector.backbone.rescale.{name}"] = value.clone()

model.train()
losses = model(images, targets)
names = {"loss_objectness": "rpn_objectness", "loss_rpn_box_reg": "rpn_box", "loss_classifier": "roi_class",
         "loss_box_reg": "roi_box", "loss_mask": "roi_mask"}
for theirs, mine in names.items():
    out[f"loss.{mine}"] = losses[theirs].detach().reshape(1)
    print(mine, losses[theirs].item())
sum(losses.values()).backward()
for name, value, transform in ours():
    if not name.startswith("backbone.norm."):
        out[f"gradient.{name}"] = transform(value.grad).clone()

# The gradient pass above has moved the running statistics once; the steps below go on from there, as a user's would.
groups = {True: [], False: []}
for name, value, _ in ours():
    if not name.startswith("backbone.norm."):
        groups[value.ndim > 1].append(value)
optimizer = torch.optim.AdamW([{"params": groups[True], "weight_decay": 0.05}, {"params": groups[False], "weight_decay": 0.0}], lr=2e-4)
totals = []
for _ in range(10):
    optimizer.zero_grad()
    total = sum(model(images, targets).values())
    total.backward()
    optimizer.step()
    totals.append(total.detach())
out["steps"] = torch.stack(totals)
print("ten steps", [round(t.item(), 5) for t in totals])
file = os.path.join(HERE, "torchvision.safetensors")
save_file({name: value.detach().contiguous() for name, value in out.items()}, file)
for name in ("torchvision.safetensors", "torchvision-heads.pth"):
    os.chmod(os.path.join(HERE, name), 0o644)
    print(name, os.path.getsize(os.path.join(HERE, name)))
