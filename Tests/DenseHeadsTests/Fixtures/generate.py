"""Writes heads.json: what PyTorch and torchvision compute for the cases that GoldenTests.swift rebuilds.

    python generate.py            # torch 2.15.0, torchvision 0.29.2

Weights are not stored: value i of the k-th parameter (names sorted) is 0.3 sin(0.7 i + k), plus 1 where the name ends in
"norm.weight" or "bn.weight" or names a norm of the pyramid. Inputs are cos(0.9 i + k). Both sides draw them alike.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.detection._utils import BoxCoder, Matcher

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
out = {"versions": {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0]}}


def flat(t):
    return [round(float(v), 9) for v in t.reshape(-1)]


def filled(shape, k, scale=0.3):
    n = math.prod(shape)
    return torch.tensor([scale * math.sin(0.7 * i + k) for i in range(n)]).reshape(shape)


def wave(shape, k):
    """An input (N, H, W, C), returned channels first."""
    n = math.prod(shape)
    return torch.tensor([math.cos(0.9 * i + k) for i in range(n)]).reshape(shape).permute(0, 3, 1, 2).contiguous()


def nhwc(t):
    return t.permute(0, 2, 3, 1)


def fill(module, norms):
    state = module.state_dict()
    names = sorted(n for n in state if "running" not in n and "num_batches" not in n)
    for k, name in enumerate(names):
        state[name].copy_(filled(state[name].shape, k) + (1 if any(name.endswith(s) for s in norms) else 0))


def boxes(n, side, k):
    g = torch.Generator().manual_seed(k)
    xy = torch.rand(n, 2, generator=g) * side
    wh = 1 + torch.rand(n, 2, generator=g) * side / 3
    return torch.round(torch.cat([xy, xy + wh], 1) * 64) / 64


# Box coder, suppression, matcher.
a, b = boxes(6, 50, 1), boxes(6, 50, 2)
coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
deltas = coder.encode_single(b, a)
wild = torch.tensor([[0.5, -1, 40, 2], [3, 2, -30, 50]] * 3)
out["coder"] = {
    "source": flat(a), "target": flat(b), "deltas": flat(deltas), "wild": flat(wild),
    "decoded": flat(coder.decode_single(wild, a)),
}
c = boxes(60, 40, 3)
scores = torch.randperm(60, generator=torch.Generator().manual_seed(4)).double() / 64
out["suppression"] = {
    "boxes": flat(c), "scores": flat(scores), "kept": torchvision.ops.nms(c, scores, 0.3).tolist(),
}
truths, anchors = boxes(5, 40, 5), boxes(80, 40, 6)
iou = torchvision.ops.box_iou(truths, anchors)
out["matcher"] = {"truths": flat(truths), "candidates": flat(anchors)}
for name, m in (("proposals", Matcher(0.7, 0.3, True)), ("regions", Matcher(0.5, 0.5, False))):
    out["matcher"][name] = m(iou).tolist()

# Mask targets and pasting.
yy, xx = torch.meshgrid(torch.arange(30), torch.arange(40), indexing="ij")
bitmap = (((xx - 17.3) / 11) ** 2 + ((yy - 13.8) / 9) ** 2 <= 1).double()
rois = torch.tensor([[3.5, 2.25, 33.0, 27.5], [10.0, 8.0, 20.0, 15.0], [-4.0, 5.0, 12.0, 34.0]])
crops = torchvision.ops.roi_align(bitmap[None, None], [rois], (28, 28), 1.0, 0, True) >= 0.5
out["mask_targets"] = {
    "bitmap_rows": ["".join(str(int(v)) for v in row) for row in bitmap.tolist()], "boxes": flat(rois),
    "targets": ["".join(str(int(v)) for v in crop.reshape(-1)) for crop in crops],
}
soft = torch.tensor([0.5 + 0.5 * math.sin(0.37 * i) for i in range(28 * 28)]).reshape(1, 1, 28, 28)
box = torch.tensor([[5.3, 3.1, 36.7, 26.4]])
x0, y0, x1, y1 = box[0]
gy = ((torch.arange(30) + 0.5 - y0) / (y1 - y0) * 2 - 1)[:, None].expand(30, 40)
gx = ((torch.arange(40) + 0.5 - x0) / (x1 - x0) * 2 - 1)[None].expand(30, 40)
pasted = F.grid_sample(soft, torch.stack([gx, gy], 2)[None], align_corners=False)[0, 0] >= 0.5
out["paste"] = {"box": flat(box), "rows": ["".join(str(int(v)) for v in row) for row in pasted.tolist()]}


# UPerNet's decoder, in evaluation mode with fresh running statistics.
class ConvModule(nn.Module):
    def __init__(self, i, o, k):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(i, o, k, padding=k // 2, bias=False), nn.BatchNorm2d(o)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


class UPer(nn.Module):
    def __init__(self, ins, c, classes, bins=(1, 2, 3, 6)):
        super().__init__()
        self.psp_modules = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(s), ConvModule(ins[-1], c, 1)) for s in bins)
        self.bottleneck = ConvModule(ins[-1] + len(bins) * c, c, 3)
        self.lateral_convs = nn.ModuleList(ConvModule(i, c, 1) for i in ins[:-1])
        self.fpn_convs = nn.ModuleList(ConvModule(c, c, 3) for _ in ins[:-1])
        self.fpn_bottleneck = ConvModule(len(ins) * c, c, 3)
        self.conv_seg = nn.Conv2d(c, classes, 1)

    def forward(self, maps):
        def to(x, like):
            return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)

        x = maps[-1]
        top = self.bottleneck(torch.cat([x] + [to(p(x), x) for p in self.psp_modules], 1))
        levels = [l(m) for l, m in zip(self.lateral_convs, maps)] + [top]
        for i in range(len(levels) - 1, 0, -1):
            levels[i - 1] = levels[i - 1] + to(levels[i], levels[i - 1])
        levels = [f(m) for f, m in zip(self.fpn_convs, levels)] + [levels[-1]]
        return self.conv_seg(self.fpn_bottleneck(torch.cat([to(m, levels[0]) for m in levels], 1)))


uper = UPer([3, 5, 4, 6], 4, 3).eval()
fill(uper, ["bn.weight"])
maps = [wave((2, h, w, c), k) for k, (h, w, c) in enumerate([(12, 8, 3), (6, 4, 5), (3, 2, 4), (2, 1, 6)])]
with torch.no_grad():
    out["uper"] = flat(nhwc(uper(maps)))


# The simple feature pyramid and the second stage's heads.
class ChannelNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))

    def forward(self, x):
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        return self.weight[:, None, None] * ((x - u) / torch.sqrt(s + 1e-6)) + self.bias[:, None, None]


class NormConv(nn.Conv2d):
    def __init__(self, i, o, k):
        super().__init__(i, o, k, padding=k // 2, bias=False)
        self.norm = ChannelNorm(o)

    def forward(self, x):
        return self.norm(super().forward(x))


def simple(d, c):
    up = nn.ConvTranspose2d
    stages = {
        "simfp_2": [up(d, d // 2, 2, 2), ChannelNorm(d // 2), nn.GELU(), up(d // 2, d // 4, 2, 2), NormConv(d // 4, c, 1)],
        "simfp_3": [up(d, d // 2, 2, 2), NormConv(d // 2, c, 1)], "simfp_4": [NormConv(d, c, 1)],
        "simfp_5": [nn.MaxPool2d(2, 2), NormConv(d, c, 1)],
    }
    return nn.ModuleDict({k: nn.Sequential(*v, NormConv(c, c, 3)) for k, v in stages.items()})


pyramid = simple(8, 4)
fill(pyramid, ["norm.weight", "simfp_2.1.weight"])
x = wave((1, 4, 2, 8), 1)
with torch.no_grad():
    out["simple_pyramid"] = {k: flat(nhwc(m(x))) for k, m in pyramid.items()}


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.box_head = nn.ModuleDict({"conv1": NormConv(3, 4, 3), "conv2": NormConv(4, 4, 3), "fc1": nn.Linear(4 * 49, 5)})
        self.box_predictor = nn.ModuleDict({"cls_score": nn.Linear(5, 3), "bbox_pred": nn.Linear(5, 8)})
        self.mask_head = nn.ModuleDict({
            "mask_fcn1": NormConv(3, 4, 3), "deconv": nn.ConvTranspose2d(4, 4, 2, 2), "predictor": nn.Conv2d(4, 2, 1)})

    def forward(self, x, y):
        b, p, m = self.box_head, self.box_predictor, self.mask_head
        h = b["conv2"](b["conv1"](x).relu()).relu()
        h = b["fc1"](h.flatten(1)).relu()
        mask = m["predictor"](m["deconv"](m["mask_fcn1"](y).relu()).relu())
        return p["cls_score"](h), p["bbox_pred"](h), mask


heads = Heads()
fill(heads, ["norm.weight"])
with torch.no_grad():
    logits, boxes_, mask = heads(wave((2, 7, 7, 3), 2), wave((2, 2, 2, 3), 3))
out["heads"] = {"logits": flat(logits), "deltas": flat(boxes_), "mask": flat(torch.stack([mask[0, 1], mask[1, 0]]))}

pathlib.Path(__file__).with_name("heads.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
