"""Times one dense model or operation in PyTorch eager; prints one JSON object like `dmt bench`."""
import argparse
import json
import resource
import statistics
import time

import timm
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models.convnext import LayerNorm2d
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign, roi_align

NAMES = {"vit-tiny": "vit_tiny_patch16_224", "vit-small": "vit_small_patch16_224"}
OBJECTS, DETECTION_CLASSES, SEMANTIC_CLASSES = 10, 80, 150


def norm(channels):
    return LayerNorm2d(channels, eps=1e-6)


class SimplePyramid(nn.Module):
    """ViTDet's simple feature pyramid on the last map of a ViT, and every second pixel of its coarsest level."""
    out_channels = 256

    def __init__(self, arch, image):
        super().__init__()
        self.vit = timm.create_model(NAMES[arch], pretrained=False, num_classes=0, img_size=image)
        width, half, quarter = self.vit.embed_dim, self.vit.embed_dim // 2, self.vit.embed_dim // 4
        steps = [([nn.ConvTranspose2d(width, half, 2, 2), norm(half), nn.GELU(),
                   nn.ConvTranspose2d(half, quarter, 2, 2)], quarter),
                 ([nn.ConvTranspose2d(width, half, 2, 2)], half), ([], width), ([nn.MaxPool2d(2)], width)]
        self.levels = nn.ModuleList(
            nn.Sequential(*scale, nn.Conv2d(inputs, 256, 1, bias=False), norm(256),
                          nn.Conv2d(256, 256, 3, padding=1, bias=False), norm(256)) for scale, inputs in steps)

    def forward(self, images):
        x = self.vit.forward_intermediates(images, indices=[len(self.vit.blocks) - 1], norm=False,
                                           intermediates_only=True)[0]
        maps = [level(x) for level in self.levels]
        maps.append(F.max_pool2d(maps[-1], 1, 2))
        return {str(index): level for index, level in enumerate(maps)}


def detector(options):
    """torchvision's Mask R-CNN with the heads of the recipe detect-coco-640: 4 convolutions and one linear layer for
    boxes, 4 convolutions for masks, layer norm of the channels."""
    levels = ["0", "1", "2", "3"]
    anchors = AnchorGenerator(tuple((s,) for s in (20, 40, 80, 160, 320)), ((0.5, 1.0, 2.0),) * 5)
    return MaskRCNN(
        SimplePyramid(options.arch, options.image), min_size=options.image, max_size=options.image,
        rpn_anchor_generator=anchors, rpn_head=RPNHead(256, 3, conv_depth=2),
        rpn_pre_nms_top_n_train=2000, rpn_pre_nms_top_n_test=1000, rpn_post_nms_top_n_train=1000,
        rpn_post_nms_top_n_test=1000, box_roi_pool=MultiScaleRoIAlign(levels, 7, 0),
        box_head=FastRCNNConvFCHead((256, 7, 7), [256] * 4, [1024], norm_layer=norm),
        box_predictor=FastRCNNPredictor(1024, DETECTION_CLASSES + 1), box_score_thresh=0.0,
        mask_roi_pool=MultiScaleRoIAlign(levels, 14, 0), mask_head=MaskRCNNHeads(256, [256] * 4, 1, norm_layer=norm),
        mask_predictor=MaskRCNNPredictor(256, 256, DETECTION_CLASSES + 1))


def objects(image):
    """Boxes and diamonds in them, as `dmt bench model` draws them."""
    sizes = image * (0.05 + 0.45 * torch.rand(OBJECTS, 2))
    corners = torch.rand(OBJECTS, 2) * (image - sizes)
    centres = corners + sizes / 2
    grid = torch.arange(image) + 0.5
    across = (grid[None, None, :] - centres[:, 0, None, None]).abs() / (sizes[:, 0, None, None] / 2)
    down = (grid[None, :, None] - centres[:, 1, None, None]).abs() / (sizes[:, 1, None, None] / 2)
    return {"boxes": torch.cat([corners, corners + sizes], 1),
            "labels": torch.randint(1, DETECTION_CLASSES + 1, (OBJECTS,)), "masks": (across + down <= 1).to(torch.uint8)}


def mask_rcnn(options):
    model = detector(options)
    images = list(torch.randn(options.batch, 3, options.image, options.image))
    if options.kind == "forward":
        model.eval()
        return inference(lambda: model(images))
    targets = [objects(options.image) for _ in range(options.batch)]
    return training(model.train(), lambda: sum(model(images, targets).values()))


class SegmentationNetwork(nn.Module):
    """A ViT tapped at four blocks, the rescaling of BEiT's and mmsegmentation's pyramids, transformers' UPerNet heads."""

    def __init__(self, arch, image):
        super().__init__()
        from transformers import UperNetConfig
        from transformers.models.upernet.modeling_upernet import UperNetFCNHead, UperNetHead
        self.vit = timm.create_model(NAMES[arch], pretrained=False, num_classes=0, img_size=image)
        width = self.vit.embed_dim
        config = UperNetConfig(hidden_size=512, auxiliary_in_channels=width, num_labels=SEMANTIC_CLASSES)
        self.scales = nn.ModuleList([
            nn.Sequential(nn.ConvTranspose2d(width, width, 2, 2), nn.BatchNorm2d(width), nn.GELU(),
                          nn.ConvTranspose2d(width, width, 2, 2)),
            nn.ConvTranspose2d(width, width, 2, 2), nn.Identity(), nn.MaxPool2d(2)])
        self.head = UperNetHead(config, [width] * 4)
        self.auxiliary = UperNetFCNHead(config, [width] * 4)

    def forward(self, images):
        taps = self.vit.forward_intermediates(images, indices=[3, 5, 7, 11], norm=False, intermediates_only=True)
        maps = [scale(tap) for scale, tap in zip(self.scales, taps)]
        size = images.shape[-2:]
        logits = F.interpolate(self.head(maps), size=size, mode="bilinear", align_corners=False)
        if not self.training:
            return logits, None
        return logits, F.interpolate(self.auxiliary(maps), size=size, mode="bilinear", align_corners=False)


def upernet(options):
    model = SegmentationNetwork(options.arch, options.image)
    images = torch.randn(options.batch, 3, options.image, options.image)
    labels = torch.randint(SEMANTIC_CLASSES, (options.batch, options.image, options.image))
    if options.channels_last:
        model, images = model.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)
    if options.kind == "forward":
        model.eval()
        return inference(lambda: model(images)[0].argmax(1))

    def loss():
        logits, auxiliary = model(images)
        return F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(auxiliary, labels)
    return training(model.train(), loss)


def inference(call):
    def step():
        with torch.inference_mode():
            call()
    return step


def training(model, loss):
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW([{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
                                   {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}], lr=1e-4)

    def step():
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return step


def operation(options):
    """One operation; `both` is forward and backward to all inputs."""
    shape = [int(size) for size in options.shape.split(",")]
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    if options.op == "roi_align":
        regions, size, height, width, channels = shape
        x = torch.randn(1, channels, height, width)
        extent = torch.tensor([width, height]) * (0.05 + 0.45 * torch.rand(regions, 2))
        corners = torch.rand(regions, 2) * (torch.tensor([width, height]) - extent)
        boxes = torch.cat([torch.zeros(regions, 1), corners, corners + extent], 1)
        inputs, call = [x], lambda: roi_align(x, boxes, size, 1.0, 2, aligned=True)
    elif options.op == "conv3x3":
        n, height, width, ins, outs = shape
        x, w = torch.randn(n, ins, height, width).to(memory_format=layout), torch.randn(outs, ins, 3, 3)
        w = w.to(memory_format=layout)
        inputs, call = [x, w], lambda: F.conv2d(x, w, padding=1)
    elif options.op == "conv_transpose":
        n, height, width, ins, outs = shape
        x, w, b = torch.randn(n, ins, height, width).to(memory_format=layout), torch.randn(ins, outs, 2, 2), torch.randn(outs)
        inputs, call = [x, w, b], lambda: F.conv_transpose2d(x, w, b, stride=2)
    elif options.op == "batch_norm":
        n, height, width, channels = shape
        x = torch.randn(n, channels, height, width).to(memory_format=layout)
        w, b, mean, var = (torch.ones(channels) for _ in range(4))
        inputs, call = [x, w, b], lambda: F.batch_norm(x, mean, var, w, b, training=True)
    elif options.op == "resize":
        n, height, width, channels, to_height, to_width = shape
        x = torch.randn(n, channels, height, width).to(memory_format=layout)
        inputs, call = [x], lambda: F.interpolate(x, (to_height, to_width), mode="bilinear", align_corners=False)
    else:
        raise SystemExit(f"no peer for {options.op}")
    if options.kind == "forward":
        return inference(call)
    for value in inputs:
        value.requires_grad_(True)
    upstream = torch.full_like(call(), 1e-3).detach()

    def step():
        torch.autograd.grad(call(), inputs, upstream)
    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--op")
    parser.add_argument("--shape")
    parser.add_argument("--head", choices=["mask-rcnn", "upernet"])
    parser.add_argument("--arch", choices=NAMES)
    parser.add_argument("--pass", dest="kind", choices=["forward", "train", "both"], required=True)
    parser.add_argument("--precision", choices=["f32", "bf16"], required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--image", type=int)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--channels-last", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    plain = operation(options) if options.op else {"mask-rcnn": mask_rcnn, "upernet": upernet}[options.head](options)
    seconds, cpu = [], []
    for _ in range(options.warmup + options.steps):
        start, cpu_start = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            plain()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    seconds, cpu = seconds[options.warmup:], cpu[options.warmup:]
    versions = {module.__name__: module.__version__ for module in (torch, torchvision, timm)}
    if options.head == "upernet":
        import transformers
        versions["transformers"] = transformers.__version__
    print(json.dumps({"seconds": statistics.median(seconds), "seconds_per_step": seconds,
                      "cpu_seconds": statistics.median(cpu),
                      "images_per_second": options.batch / statistics.median(seconds),
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "idle_rss_mib": idle,
                      "versions": versions}))


if __name__ == "__main__":
    main()
