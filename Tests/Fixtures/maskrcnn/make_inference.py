#!/usr/bin/env python3
"""Runs torchvision's region proposals and region heads on drawn feature maps and writes what they find.

    pip install torch==2.15.0 torchvision==0.29.2 safetensors==0.8.0 numpy==2.2.6
    python3 make_inference.py

inference.safetensors holds the maps of five pyramid levels for two pictures (one of them smaller than its batch), the weights
under detectron2's names with the background class moved last, and per picture the proposals, boxes, scores, labels and 14x14 mask
probabilities.

Where torchvision's rules are others than detectron2's, this script does as detectron2: regions are pooled with the half-pixel
shift (aligned), and anchors have ratios 1/4, 1 and 4, for which rounding their corners changes nothing. torchvision drops
detections below 0.01 pixels and pastes masks by another rule; the first does not occur here, and masks are compared before
pasting.
"""
import functools
import os

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.models.convnext import LayerNorm2d
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import roi_align
from torchvision.ops.poolers import LevelMapper

CHANNELS, CLASSES, SIDE = 8, 3, 128
torch.manual_seed(8)


class AlignedPool(nn.Module):
    """Multi-level RoIAlign with the half-pixel shift; levels by torchvision's own rule."""

    def __init__(self, size):
        super().__init__()
        self.output_size = (size, size)
        self.mapper = LevelMapper(2, 5, canonical_scale=56, canonical_level=4, eps=1e-8)

    def forward(self, maps, boxes, image_shapes):
        rois = torch.cat([torch.cat([torch.full((len(b), 1), float(i)), b], 1) for i, b in enumerate(boxes)])
        levels = self.mapper(boxes)
        result = torch.zeros(len(rois), CHANNELS, *self.output_size)
        for level, key in enumerate("0123"):
            chosen = torch.where(levels == level)[0]
            result[chosen] = roi_align(maps[key], rois[chosen], self.output_size, 1 / (4 << level), 0, True)
        return result


norm = functools.partial(LayerNorm2d, eps=1e-6)
anchors = AnchorGenerator(sizes=((8,), (16,), (32,), (64,), (128,)), aspect_ratios=((0.25, 1.0, 4.0),) * 5)
rpn = RegionProposalNetwork(anchors, RPNHead(CHANNELS, 3, conv_depth=2), 0.7, 0.3, 256, 0.5, {"training": 0, "testing": 150},
                            {"training": 0, "testing": 60}, 0.7)
heads = RoIHeads(AlignedPool(7), FastRCNNConvFCHead((CHANNELS, 7, 7), [CHANNELS], [16], norm_layer=norm),
                 FastRCNNPredictor(16, CLASSES + 1), 0.5, 0.5, 512, 0.25, None, 0.05, 0.5, 20,
                 AlignedPool(7), MaskRCNNHeads(CHANNELS, (CHANNELS, CHANNELS), 1, norm_layer=norm),
                 MaskRCNNPredictor(CHANNELS, CHANNELS, CLASSES + 1))
with torch.no_grad():
    for name, value in list(rpn.named_parameters()) + list(heads.named_parameters()):
        value.copy_(torch.randn(value.shape) * (0.15 if value.ndim > 1 else 0.2) + (1 if value.ndim == 1 and ".1.weight" in name else 0))
    heads.box_predictor.cls_score.weight.mul_(3)
    rpn.head.bbox_pred.weight.mul_(0.5)
rpn.eval()
heads.eval()

maps = {str(level): torch.randn(2, CHANNELS, SIDE >> (2 + level), SIDE >> (2 + level)) for level in range(4)}
maps["pool"] = maps["3"][:, :, ::2, ::2].contiguous()
sizes = [(128, 128), (112, 90)]
images = ImageList(torch.zeros(2, 3, SIDE, SIDE), sizes)
with torch.no_grad():
    proposals, _ = rpn(images, maps)
    found, _ = heads(maps, proposals, sizes)

out = {f"map.{level}": value.permute(0, 2, 3, 1) for level, value in enumerate(maps.values())}
for picture, (boxes, result) in enumerate(zip(proposals, found)):
    out[f"{picture}.proposals"] = boxes
    out[f"{picture}.boxes"], out[f"{picture}.scores"] = result["boxes"], result["scores"]
    out[f"{picture}.labels"] = (result["labels"] - 1).to(torch.int32)
    out[f"{picture}.masks"] = result["masks"][:, 0]
    print(len(boxes), "proposals,", len(result["boxes"]), "detections, smallest side",
          float((result["boxes"][:, 2:] - result["boxes"][:, :2]).min()), "classes", sorted(set(result["labels"].tolist())))


def last(weight, group=1):
    """Background from the first to the last place."""
    return torch.cat([weight[group:], weight[:group]])


def give(name, module, transform=lambda x: x):
    for kind, value in module.named_parameters():
        out[f"weight.{name}.{kind}"] = transform(value.detach())


give("proposal_generator.rpn_head.conv.conv0", rpn.head.conv[0][0])
give("proposal_generator.rpn_head.conv.conv1", rpn.head.conv[1][0])
give("proposal_generator.rpn_head.objectness_logits", rpn.head.cls_logits)
give("proposal_generator.rpn_head.anchor_deltas", rpn.head.bbox_pred)
give("roi_heads.box_head.conv1", heads.box_head[0][0])
give("roi_heads.box_head.conv1.norm", heads.box_head[0][1])
give("roi_heads.box_head.fc1", heads.box_head[2])
give("roi_heads.box_predictor.cls_score", heads.box_predictor.cls_score, last)
give("roi_heads.box_predictor.bbox_pred", heads.box_predictor.bbox_pred, lambda x: x[4:])
for index in range(2):
    give(f"roi_heads.mask_head.mask_fcn{index + 1}", heads.mask_head[index][0])
    give(f"roi_heads.mask_head.mask_fcn{index + 1}.norm", heads.mask_head[index][1])
give("roi_heads.mask_head.deconv", heads.mask_predictor.conv5_mask)
give("roi_heads.mask_head.predictor", heads.mask_predictor.mask_fcn_logits, lambda x: x[1:])
file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inference.safetensors")
save_file({name: value.contiguous() for name, value in out.items()}, file)
os.chmod(file, 0o644)
