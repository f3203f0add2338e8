"""detectron2's rules where torchvision's are others, as changes to torchvision's modules; used by the generators beside this file.

Written after detectron2 modeling/{poolers,box_regression,roi_heads/fast_rcnn,proposal_generator/rpn}.py and
layers/mask_ops.py.
"""
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.detection import roi_heads as tv_roi_heads
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers
from torchvision.ops import roi_align


class LayerNorm2d(nn.Module):
    """Over the channels of (N, C, H, W)."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, 1e-6).permute(0, 3, 1, 2)


class NormedConv(nn.Conv2d):
    """A convolution whose norm is named as detectron2 names it."""

    def __init__(self, inputs, outputs, kernel, norm=LayerNorm2d):
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = norm(outputs)

    def forward(self, x):
        return self.norm(super().forward(x))


class ExactAnchors(AnchorGenerator):
    def generate_anchors(self, scales, aspect_ratios, dtype=torch.float32, device=None):
        ratios = torch.as_tensor(aspect_ratios, dtype=dtype).sqrt()
        scales = torch.as_tensor(scales, dtype=dtype)
        width, height = (scales / ratios), (scales * ratios)
        return torch.stack([-width, -height, width, height], 1) / 2


class AlignedPool(nn.Module):
    """Regions from the level of their size, samples shifted by half a pixel, as many as a bin has pixels."""

    def __init__(self, size, channels, canonical):
        super().__init__()
        self.output_size, self.channels, self.canonical = (size, size), channels, canonical

    def level(self, boxes):
        size = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
        return torch.floor(4 + torch.log2(size / self.canonical + 1e-8)).clamp(2, 5).long() - 2

    def forward(self, maps, boxes, image_shapes):
        rois = torch.cat([torch.cat([torch.full((len(b), 1), float(i)), b], 1) for i, b in enumerate(boxes)])
        levels = self.level(rois[:, 1:])
        result = torch.zeros(len(rois), self.channels, *self.output_size)
        for level, key in enumerate("0123"):
            chosen = torch.where(levels == level)[0]
            result = result.index_add(0, chosen, roi_align(maps[key], rois[chosen], self.output_size, 1 / (4 << level), 0, True))
        return result


class Proposals(RegionProposalNetwork):
    """Both losses are sums over the sampled anchors, divided by what may be sampled; boxes are learned with L1."""

    def compute_loss(self, objectness, deltas, labels, targets):
        positive, negative = self.fg_bg_sampler(labels)
        positive, negative = torch.where(torch.cat(positive))[0], torch.where(torch.cat(negative))[0]
        sampled = torch.cat([positive, negative])
        labels, targets = torch.cat(labels), torch.cat(targets)
        divisor = self.fg_bg_sampler.batch_size_per_image * self.pictures
        box = F.l1_loss(deltas[positive], targets[positive], reduction="sum") / divisor
        return F.binary_cross_entropy_with_logits(objectness.flatten()[sampled], labels[sampled], reduction="sum") / divisor, box


class Objectness(nn.Module):
    """The proposal network's convolutions under detectron2's names."""

    def __init__(self, channels, anchors):
        super().__init__()
        conv = {f"conv{i}": nn.Conv2d(channels, channels, 3, padding=1) for i in range(2)}
        self.conv = nn.ModuleDict(conv)
        self.objectness_logits, self.anchor_deltas = nn.Conv2d(channels, anchors, 1), nn.Conv2d(channels, 4 * anchors, 1)

    def forward(self, maps):
        logits, deltas = [], []
        for x in maps:
            for layer in self.conv.values():
                x = layer(x).relu()
            logits.append(self.objectness_logits(x))
            deltas.append(self.anchor_deltas(x))
        return logits, deltas


class BoxHead(nn.Module):
    def __init__(self, channels, width, convolutions, norm=LayerNorm2d):
        super().__init__()
        for index in range(convolutions):
            setattr(self, f"conv{index + 1}", NormedConv(channels, channels, 3, norm))
        self.count, self.fc1 = convolutions, nn.Linear(channels * 49, width)

    def forward(self, x):
        for index in range(self.count):
            x = getattr(self, f"conv{index + 1}")(x).relu()
        return self.fc1(x.flatten(1)).relu()


class BoxPredictor(nn.Module):
    """Background last in the weights, first in what torchvision's heads are given."""

    def __init__(self, width, classes):
        super().__init__()
        self.cls_score, self.bbox_pred = nn.Linear(width, classes + 1), nn.Linear(width, 4 * classes)

    def forward(self, x):
        logits, deltas = self.cls_score(x), self.bbox_pred(x)
        return torch.cat([logits[:, -1:], logits[:, :-1]], 1), torch.cat([deltas.new_zeros(len(deltas), 4), deltas], 1)


class MaskHead(nn.Module):
    def __init__(self, channels, classes, convolutions, conv=NormedConv):
        super().__init__()
        for index in range(convolutions):
            setattr(self, f"mask_fcn{index + 1}", conv(channels, channels, 3))
        self.count, self.deconv = convolutions, nn.ConvTranspose2d(channels, channels, 2, 2)
        self.predictor = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        for index in range(self.count):
            x = getattr(self, f"mask_fcn{index + 1}")(x).relu()
        logits = self.predictor(self.deconv(x).relu())
        return torch.cat([torch.zeros_like(logits[:, :1]), logits], 1)


def box_loss(logits, deltas, labels, targets):
    labels, targets = torch.cat(labels), torch.cat(targets)
    positive = torch.where(labels > 0)[0]
    chosen = deltas.reshape(len(deltas), -1, 4)[positive, labels[positive]]
    return F.cross_entropy(logits, labels), F.l1_loss(chosen, targets[positive], reduction="sum") / labels.numel()


def mask_targets(masks, boxes, matched, side):
    rois = torch.cat([matched[:, None].to(boxes), boxes], dim=1)
    return (roi_align(masks[:, None].to(rois), rois, (side, side), 1.0, 0, True)[:, 0] >= 0.5).to(rois)


tv_roi_heads.fastrcnn_loss = box_loss
tv_roi_heads.project_masks_on_boxes = mask_targets


def paste(masks, boxes, height, width):
    """Soft masks (R, M, M) sampled at the centres of a picture's pixels, zero outside."""
    x, y = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    x = (x - boxes[:, :1]) / (boxes[:, 2:3] - boxes[:, :1]) * 2 - 1
    y = (y - boxes[:, 1:2]) / (boxes[:, 3:4] - boxes[:, 1:2]) * 2 - 1
    grid = torch.stack([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], 3)
    return F.grid_sample(masks[:, None], grid, align_corners=False)[:, 0]


def ellipse(x, y, w, h, side):
    """A true object: its box and its mask."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    inside = ((columns + 0.5 - x - w / 2) / (w / 2)) ** 2 + ((rows + 0.5 - y - h / 2) / (h / 2)) ** 2 <= 1
    return [float(x), float(y), float(x + w), float(y + h)], inside.to(torch.uint8)


def target(items, side):
    parts = [ellipse(*item[:4], side) for item in items]
    return {"boxes": torch.tensor([p[0] for p in parts]), "labels": torch.tensor([i[4] + 1 for i in items]),
            "masks": torch.stack([p[1] for p in parts])}


def randomise(model):
    """Weights that keep the size of activations, so that something is found."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            norm = "norm" in name or (value.ndim == 1 and name.endswith(".1.weight")) or name.endswith("upsample_4x.1.weight")
            if norm and name.endswith("weight"):
                value.copy_(1 + 0.1 * torch.randn(value.shape))
            elif value.ndim > 1:
                value.copy_(torch.randn(value.shape) * (1.2 / value[0].numel()) ** 0.5)
            else:
                value.copy_(0.1 * torch.randn(value.shape))


def groups(named):
    """AdamW's: weight decay on everything but biases and norms."""
    named = [value for _, value in named]
    return [{"params": [v for v in named if v.ndim > 1], "weight_decay": 0.05}, {"params": [v for v in named if v.ndim == 1], "weight_decay": 0.0}]
