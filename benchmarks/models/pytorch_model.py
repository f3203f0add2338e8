"""Times steps of a timm ViT in PyTorch, eager or compiled; prints one JSON object like `dmt bench model --json`."""
import argparse
import json
import resource
import statistics
import time

import timm
import torch

NAMES = {"vit-tiny": "vit_tiny_patch16_224", "vit-small": "vit_small_patch16_224", "vit-base": "vit_base_patch16_224"}


def classifier(options, images):
    """Forward, or a training step, of a 1000-way classifier."""
    model = timm.create_model(NAMES[options.arch], pretrained=False, num_classes=1000)
    labels = torch.randint(1000, (options.batch,))
    if options.compile:
        model = torch.compile(model)
    if options.kind == "forward":
        model.eval()

        def forward():
            with torch.inference_mode():
                model(images)
        return forward
    model.train()
    return training([model], lambda: torch.nn.functional.cross_entropy(model(images).float(), labels))


def distillation(options, images):
    """Three frozen ViT-B forward, then a step of the student on all tokens: one Linear a teacher, cosine and SmoothL1."""
    def encoder(name):
        return timm.create_model(name, pretrained=False, num_classes=0)

    student = encoder(NAMES[options.arch]).train()
    teachers = [encoder(NAMES["vit-base"]).eval().requires_grad_(False) for _ in range(3)]
    if options.compile:
        for model in [student, *teachers]:
            model.forward_features = torch.compile(model.forward_features)
    adapters = torch.nn.ModuleList(torch.nn.Linear(student.embed_dim, t.embed_dim) for t in teachers)

    def loss():
        with torch.no_grad():
            targets = [teacher.forward_features(images).float() for teacher in teachers]
        tokens = student.forward_features(images)
        found = [adapter(tokens).float() for adapter in adapters]
        terms = [0.9 * (1 - torch.nn.functional.cosine_similarity(x, y, dim=-1)).mean()
                 + 0.1 * torch.nn.functional.smooth_l1_loss(x, y) for x, y in zip(found, targets)]
        return sum(terms) / len(terms)

    return training([student, adapters], loss)


def training(models, loss):
    parameters = [p for model in models for p in model.parameters()]
    optimizer = torch.optim.AdamW([{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
                                   {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}], lr=1e-4)

    def step():
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", choices=NAMES, required=True)
    parser.add_argument("--pass", dest="kind", choices=["forward", "train", "distill"], required=True)
    parser.add_argument("--precision", choices=["f32", "bf16"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    images = torch.randn(options.batch, 3, 224, 224)
    plain = (distillation if options.kind == "distill" else classifier)(options, images)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            plain()

    for _ in range(2):
        step()
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"images_per_second": options.batch / statistics.median(seconds), "seconds_per_step": seconds,
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "idle_rss_mib": idle,
                      "versions": {"torch": torch.__version__, "timm": timm.__version__}}))


if __name__ == "__main__":
    main()
