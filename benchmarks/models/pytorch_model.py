"""Times steps of a timm ViT in PyTorch eager; prints one JSON object like `dmt bench model --json`."""
import argparse
import json
import resource
import time

import timm
import torch

NAMES = {"vit-tiny": "vit_tiny_patch16_224", "vit-small": "vit_small_patch16_224", "vit-base": "vit_base_patch16_224"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", choices=NAMES, required=True)
    parser.add_argument("--pass", dest="kind", choices=["forward", "train"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = timm.create_model(NAMES[options.arch], pretrained=False, num_classes=1000)
    images = torch.randn(options.batch, 3, 224, 224)
    labels = torch.randint(1000, (options.batch,))

    if options.kind == "forward":
        model.eval()

        def step():
            with torch.inference_mode():
                model(images)
    else:
        model.train()
        decayed = [p for p in model.parameters() if p.ndim > 1]
        other = [p for p in model.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05},
                                       {"params": other, "weight_decay": 0.0}], lr=1e-4)

        def step():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

    for _ in range(2):
        step()
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    middle = sorted(seconds)[len(seconds) // 2] if len(seconds) % 2 else sum(
        sorted(seconds)[len(seconds) // 2 - 1:len(seconds) // 2 + 1]) / 2
    print(json.dumps({"images_per_second": options.batch / middle, "seconds_per_step": seconds,
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                      "versions": {"torch": torch.__version__, "timm": timm.__version__}}))


if __name__ == "__main__":
    main()
