#!/usr/bin/env python3
"""iBOT's Cascade Mask R-CNN under mmdetection's rules: inference, losses, every gradient, ten optimizer steps.

    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 safetensors==0.8.0 numpy==2.2.6
    python3 make_cascade.py

Four taps of timm's ViT, transposed convolutions, torchvision's feature pyramid network (mmdetection's has the same rules), and
written here after mmdetection 2: the anchors within the picture, MaxIoUAssigner with low-quality matches that overwrite, three
stages at overlaps 0.5, 0.6 and 0.7 with GIoU on decoded boxes (weight 10), batch normalisation in the box heads, a mask head a
stage. Sampling takes everything. cascade.safetensors holds the weights as well; see make_torchvision.py for the rest.
"""
import math
import os
from collections import OrderedDict

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torchvision.ops import FeaturePyramidNetwork, batched_nms, box_iou, roi_align
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

import detectron2_rules as d2

WIDTH, CHANNELS, CLASSES, SIDE = 16, 8, 3, 96
HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(5)
STDS = [[0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1], [0.033, 0.033, 0.067, 0.067]]
SIZES, STRIDES, FINEST = [10, 20, 36, 50, 70], [4, 8, 16, 32, 64], 16


def decode(boxes, deltas, stds, limit=None):
    deltas = deltas * torch.tensor(stds)
    bound = abs(math.log(16 / 1000))
    size, center = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    center = center + size * deltas[:, :2]
    size = size * deltas[:, 2:].clamp(-bound, bound).exp()
    result = torch.cat([center - size / 2, center + size / 2], 1)
    return result if limit is None else result.clamp(0, limit)


def encode(boxes, target):
    size, center = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    goal, middle = target[:, 2:] - target[:, :2], (target[:, 2:] + target[:, :2]) / 2
    return torch.cat([(middle - center) / size, (goal / size).log()], 1)


def giou_loss(a, b):
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    union = ((a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared).clamp(min=1e-6)
    around = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).clamp(min=0).prod(1).clamp(min=1e-6)
    return 1 - (shared / union - (around - union) / around)


def assign(boxes, truths, low, high, least=None):
    """0 background, -1 ignored, 1 + index of the truth; `least` allows low-quality matches from there on."""
    overlaps = box_iou(truths, boxes)
    best, index = overlaps.max(0)
    result = torch.full((len(boxes),), -1)
    result[best < low] = 0
    result[best >= high] = index[best >= high] + 1
    if least is not None:
        for truth in range(len(truths)):
            if overlaps[truth].max() >= least:
                result[overlaps[truth] == overlaps[truth].max()] = truth + 1
    return result


class Rescale(nn.Module):
    def __init__(self):
        super().__init__()
        self.upsample_4x = nn.Sequential(nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2), nn.BatchNorm2d(WIDTH), nn.GELU(),
                                         nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2))
        self.upsample_2x = nn.Sequential(nn.ConvTranspose2d(WIDTH, WIDTH, 2, 2))

    def forward(self, taps):
        return [self.upsample_4x(taps[0]), self.upsample_2x(taps[1]), taps[2], F.max_pool2d(taps[3], 2)]


def plain_conv(inputs, outputs, kernel):
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.vit = timm.models.vision_transformer.VisionTransformer(
            img_size=SIDE, patch_size=16, embed_dim=WIDTH, depth=4, num_heads=2, num_classes=0)
        self.rescale, self.fpn = Rescale(), FeaturePyramidNetwork([WIDTH] * 4, CHANNELS, LastLevelMaxPool())
        self.rpn_conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.rpn_cls, self.rpn_reg = nn.Conv2d(CHANNELS, 3, 1), nn.Conv2d(CHANNELS, 12, 1)
        self.box_head = nn.ModuleList(d2.BoxHead(CHANNELS, 16, 2, nn.BatchNorm2d) for _ in range(3))
        self.box_predictor = nn.ModuleList(d2.BoxPredictor(16, CLASSES) for _ in range(3))
        self.mask_head = nn.ModuleList(d2.MaskHead(CHANNELS, CLASSES, 2, plain_conv) for _ in range(3))

    def pool(self, maps, rois, size):
        scale = ((rois[:, 3] - rois[:, 1]) * (rois[:, 4] - rois[:, 2])).sqrt()
        levels = torch.floor(torch.log2(scale / FINEST + 1e-6)).clamp(0, 3).long()
        result = torch.zeros(len(rois), CHANNELS, size, size)
        for level in range(4):
            chosen = torch.where(levels == level)[0]
            result = result.index_add(0, chosen, roi_align(maps[level], rois[chosen], (size, size), 1 / STRIDES[level], 0, True))
        return result

    def first_stage(self, images):
        taps = self.vit.get_intermediate_layers(images, n=[0, 1, 2, 3], reshape=True, norm=False)
        maps = list(self.fpn(OrderedDict(zip("0123", self.rescale(taps)))).values())
        anchors, logits, deltas = [], [], []
        for size, stride, x in zip(SIZES, STRIDES, maps):
            ratios = torch.tensor([0.5, 1.0, 2.0]).sqrt()
            cell = torch.stack([-size / ratios, -size * ratios, size / ratios, size * ratios], 1) / 2
            rows, columns = torch.meshgrid(torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij")
            shift = torch.stack([columns, rows, columns, rows], 2).reshape(-1, 1, 4) * float(stride)
            anchors.append((shift + cell).reshape(-1, 4))
            x = self.rpn_conv(x).relu()
            logits.append(self.rpn_cls(x).permute(0, 2, 3, 1).reshape(len(images), -1))
            deltas.append(self.rpn_reg(x).permute(0, 2, 3, 1).reshape(len(images), -1, 4))
        return maps, anchors, logits, deltas

    @torch.no_grad()
    def proposals(self, anchors, logits, deltas, picture):
        boxes, scores, levels = [], [], []
        for level in range(5):
            best = logits[level][picture].sort(descending=True, stable=True).indices[:80]
            found = decode(anchors[level][best], deltas[level][picture][best], [1.0] * 4, SIDE)
            keep = ((found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1]))
            boxes.append(found[keep])
            scores.append(logits[level][picture][best][keep])
            levels.append(torch.full((int(keep.sum()),), level))
        boxes, scores, levels = torch.cat(boxes), torch.cat(scores), torch.cat(levels)
        return boxes[batched_nms(boxes, scores, levels, 0.7)[:30]]

    def stage(self, maps, rois, index):
        return self.box_predictor[index](self.box_head[index](self.pool(maps, rois, 7)))

    def refine(self, rois, logits, deltas, index, labels=None):
        best = logits[:, 1:].argmax(1) if labels is None else torch.where(labels > 0, labels - 1, logits[:, 1:].argmax(1))
        chosen = deltas.reshape(len(deltas), -1, 4)[torch.arange(len(deltas)), best + 1]
        return torch.cat([rois[:, :1], decode(rois[:, 1:], chosen, STDS[index], SIDE)], 1)

    def losses(self, images, targets):
        maps, anchors, logits, deltas = self.first_stage(images)
        flat = torch.cat(anchors)
        inside = (flat[:, 0] >= 0) & (flat[:, 1] >= 0) & (flat[:, 2] < SIDE) & (flat[:, 3] < SIDE)
        objectness, box, count, result = 0.0, 0.0, 0, {}
        for picture, target in enumerate(targets):
            verdict = torch.full((len(flat),), -1)
            verdict[inside] = assign(flat[inside], target["boxes"], 0.3, 0.7, 0.3)
            rows = verdict >= 0
            scores = torch.cat([level[picture] for level in logits])
            objectness = objectness + F.binary_cross_entropy_with_logits(scores[rows], (verdict[rows] > 0).float(), reduction="sum")
            positive = verdict > 0
            wanted = encode(flat[positive], target["boxes"][verdict[positive] - 1])
            found = torch.cat([level[picture] for level in deltas])[positive]
            box = box + F.smooth_l1_loss(found, wanted, beta=1 / 9, reduction="sum")
            count += int(rows.sum())
        result["rpn_objectness"], result["rpn_box"] = objectness / count, box / count
        boxes = [self.proposals(anchors, logits, deltas, picture) for picture in range(len(images))]
        for index, (overlap, weight) in enumerate([(0.5, 1.0), (0.6, 0.5), (0.7, 0.25)]):
            rois, labels, truths, masks, added = [], [], [], [], []
            for picture, target in enumerate(targets):
                candidates = torch.cat([boxes[picture], target["boxes"]])
                verdict = assign(candidates, target["boxes"], overlap, overlap)
                order = torch.cat([torch.where(verdict > 0)[0], torch.where(verdict == 0)[0]])
                verdict = verdict[order]
                rois.append(torch.cat([torch.full((len(order), 1), float(picture)), candidates[order]], 1))
                matched = (verdict - 1).clamp(min=0)
                labels.append(torch.where(verdict > 0, target["labels"][matched], 0))
                truths.append(target["boxes"][matched])
                masks.append(target["masks"][matched])
                added.append(order >= len(boxes[picture]))
            rois, labels, truths, masks, added = map(torch.cat, (rois, labels, truths, masks, added))
            logits_, deltas_ = self.stage(maps, rois, index)
            positive = torch.where(labels > 0)[0]
            chosen = deltas_.reshape(len(deltas_), -1, 4)[positive, labels[positive]]
            box = giou_loss(decode(rois[positive, 1:], chosen, STDS[index]), truths[positive]).sum() / len(rois)
            soft = self.mask_head[index](self.pool(maps, rois[positive], 7))[torch.arange(len(positive)), labels[positive]]
            crop = torch.cat([torch.arange(len(positive))[:, None].float(), rois[positive, 1:]], 1)
            wanted = (roi_align(masks[positive][:, None].float(), crop, (14, 14), 1.0, 0, True)[:, 0] >= 0.5).float()
            result[f"s{index}.roi_class"] = weight * F.cross_entropy(logits_, labels)
            result[f"s{index}.roi_box"] = weight * 10 * box
            result[f"s{index}.roi_mask"] = weight * F.binary_cross_entropy_with_logits(soft, wanted)
            with torch.no_grad():
                refined = self.refine(rois, logits_, deltas_, index, labels)[~added]
                refined = refined[(refined[:, 3] > refined[:, 1]) & (refined[:, 4] > refined[:, 2])]
                boxes = [refined[refined[:, 0] == picture, 1:] for picture in range(len(images))]
        return result

    @torch.no_grad()
    def find(self, images):
        maps, anchors, logits, deltas = self.first_stage(images)
        boxes = [self.proposals(anchors, logits, deltas, picture) for picture in range(len(images))]
        rois = torch.cat([torch.cat([torch.full((len(b), 1), float(i)), b], 1) for i, b in enumerate(boxes)])
        total = 0
        for index in range(3):
            scores, corrections = self.stage(maps, rois, index)
            total = total + scores
            if index < 2:
                rois = self.refine(rois, scores, corrections, index)
        scores = (total / 3).softmax(1)
        results = []
        for picture in range(len(images)):
            rows = torch.where(rois[:, 0] == picture)[0]
            found, values, labels = [], [], []
            for label in range(1, CLASSES + 1):
                chosen = corrections.reshape(len(rois), -1, 4)[rows, label]
                found.append(decode(rois[rows, 1:], chosen, STDS[2], SIDE))
                values.append(scores[rows, label])
                labels.append(torch.full((len(rows),), label))
            # Region by region, as flattening (region, class) does.
            found, values, labels = torch.stack(found, 1).reshape(-1, 4), torch.stack(values, 1).flatten(), torch.stack(labels, 1).flatten()
            keep = values > 0.05
            found, values, labels = found[keep], values[keep], labels[keep]
            keep = batched_nms(found, values, labels, 0.5)[:14]
            found, values, labels = found[keep], values[keep], labels[keep]
            where = torch.cat([torch.full((len(found), 1), float(picture)), found], 1)
            soft = sum(head(self.pool(maps, where, 7))[torch.arange(len(found)), labels].sigmoid() for head in self.mask_head) / 3
            results.append((found, values, labels, d2.paste(soft, found, SIDE, SIDE)))
        return results


model = Detector()
d2.randomise(model)
with torch.no_grad():
    model.vit.pos_embed.mul_(0.3)
    model.rpn_reg.weight.mul_(0.3)
    for predictor, mask in zip(model.box_predictor, model.mask_head):
        predictor.cls_score.weight.mul_(2)
        mask.predictor.weight.mul_(3)


def ours(name):
    name = name.replace("vit.", "backbone.", 1) if name.startswith("vit.") else name
    for theirs, mine in (("rescale.", "detector.backbone.rescale."), ("rpn_conv.", "detector.proposal_generator.rpn_head.conv."),
                         ("rpn_cls.", "detector.proposal_generator.rpn_head.objectness_logits."),
                         ("rpn_reg.", "detector.proposal_generator.rpn_head.anchor_deltas.")):
        if name.startswith(theirs):
            return name.replace(theirs, mine, 1)
    if name.startswith("fpn."):
        _, kind, level, _, leaf = name.split(".")
        return f"detector.backbone.neck.{'lateral_convs' if kind == 'inner_blocks' else 'fpn_convs'}.{level}.conv.{leaf}"
    return f"detector.roi_heads.{name}" if name.startswith(("box_", "mask_")) else name


generator = torch.Generator().manual_seed(4)
pixels = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=generator, dtype=torch.uint8)
images = pixels.float() / 255
targets = [d2.target([(6, 9, 22, 24, 0), (50, 40, 30, 42, 1), (12, 60, 20, 22, 2)], SIDE),
           d2.target([(15, 36, 34, 41, 2), (70, 5, 18, 20, 0)], SIDE)]
for item in targets:
    # Off the grid, and none of them around whole anchors: no two anchors overlap a truth equally, which single and double precision would break differently.
    item["boxes"] += torch.tensor([0.37, 0.21, -0.13, 0.29])
out = {"images": pixels.permute(0, 2, 3, 1)}
for index, item in enumerate(targets):
    out[f"{index}.true.boxes"], out[f"{index}.true.masks"] = item["boxes"], item["masks"]
    out[f"{index}.true.labels"] = (item["labels"] - 1).to(torch.int32)
for name, value in list(model.named_parameters()) + list(model.named_buffers()):
    if not name.endswith("num_batches_tracked"):
        out[f"weight.{ours(name)}"] = value.detach().clone()
model.eval()
for index, (boxes, scores, labels, soft) in enumerate(model.find(images)):
    out[f"{index}.boxes"], out[f"{index}.scores"] = boxes, scores
    out[f"{index}.labels"], out[f"{index}.masks"] = (labels - 1).to(torch.int32), (soft >= 0.5).to(torch.uint8)
    print(len(boxes), "detections, classes", sorted(set(labels.tolist())), "mask pixels", int((soft >= 0.5).sum()),
          "closest to 0.5:", (soft - 0.5).abs().min().item())
model.train()
losses = model.losses(images, targets)
for name, value in losses.items():
    out[f"loss.{name}"] = value.detach().reshape(1)
    print(name, value.item())
sum(losses.values()).backward()
trained = [(name, value) for name, value in model.named_parameters() if not name.startswith("vit.norm.")]
for name, value in trained:
    out[f"gradient.{ours(name)}"] = value.grad.clone()
optimizer = torch.optim.AdamW(d2.groups(trained), lr=2e-4)
totals = []
for _ in range(10):
    optimizer.zero_grad()
    total = sum(model.losses(images, targets).values())
    total.backward()
    optimizer.step()
    totals.append(total.detach())
out["steps"] = torch.stack(totals)
print("ten steps", [round(t.item(), 5) for t in totals])
file = os.path.join(HERE, "cascade.safetensors")
save_file({name: value.detach().contiguous() for name, value in out.items()}, file)
os.chmod(file, 0o644)
print(os.path.getsize(file))
