"""Times decoding, resizing and normalising of a folder of JPEG files with one Python library; prints JSON.

    python peer.py torchvision FOLDER --threads 2 --workers threads
"""
import argparse
import concurrent.futures
import io
import json
import multiprocessing
import os
import statistics
import time

SIZE, SHORT = 224, 256
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def torchvision_view(scaled):
    import torch
    import torchvision
    from torchvision.transforms.v2 import functional
    torch.set_num_threads(1)

    def view(data):
        picture = torchvision.io.decode_jpeg(torch.frombuffer(data, dtype=torch.uint8), mode="RGB")
        picture = functional.center_crop(functional.resize(picture, [SHORT], antialias=True), [SIZE, SIZE])
        return functional.normalize(functional.to_dtype(picture, torch.float32, scale=True), MEAN, DEVIATION,
                                    inplace=True)
    return view, {"torch": torch.__version__, "torchvision": torchvision.__version__}


def table():
    import numpy
    levels = numpy.arange(256, dtype=numpy.float32)[:, None] / 255
    return ((levels - numpy.float32(MEAN)) / numpy.float32(DEVIATION)).astype(numpy.float32)


def shapes(height, width):
    """The resized size and the corner of the middle square."""
    short = min(height, width)
    height, width = (SHORT if side == short else side * SHORT // short for side in (height, width))
    return height, width, (height - SIZE + 1) // 2, (width - SIZE + 1) // 2


def opencv_view(scaled):
    import cv2
    import numpy
    cv2.setNumThreads(1)
    levels = table().reshape(1, 256, 3)

    def view(data):
        flags = cv2.IMREAD_COLOR_RGB
        if scaled:
            flags = cv2.IMREAD_REDUCED_COLOR_2
        picture = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), flags)
        height, width, top, left = shapes(*picture.shape[:2])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        picture = picture[top:top + SIZE, left:left + SIZE]
        if scaled:
            picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return cv2.LUT(numpy.ascontiguousarray(picture), levels)
    return view, {"opencv": cv2.__version__}


def pillow_view(scaled):
    import cv2
    import numpy
    import PIL
    from PIL import Image
    cv2.setNumThreads(1)
    levels = table().reshape(1, 256, 3)

    def view(data):
        picture = Image.open(io.BytesIO(data))
        if scaled:
            picture.draft("RGB", (SHORT, SHORT))
        picture = picture.convert("RGB")
        height, width, top, left = shapes(picture.height, picture.width)
        picture = picture.resize((width, height), Image.BILINEAR).crop((left, top, left + SIZE, top + SIZE))
        return cv2.LUT(numpy.asarray(picture), levels)
    return view, {"pillow": PIL.__version__}


PEERS = {"torchvision": torchvision_view, "opencv": opencv_view, "pillow": pillow_view}
state = {}


def prepare(peer, scaled, files):
    state["view"] = PEERS[peer](scaled)[0]
    state["files"] = files


def work(numbers):
    for number in numbers:
        state["view"](state["files"][number])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--workers", choices=("threads", "processes"), default="threads")
    parser.add_argument("--scaled", action="store_true")
    options = parser.parse_args()
    files = []
    for name in sorted(os.listdir(options.folder)):
        with open(os.path.join(options.folder, name), "rb") as file:
            files.append(bytearray(file.read()))
    versions = PEERS[options.peer](options.scaled)[1]
    prepare(options.peer, options.scaled, files)
    shared = {"max_workers": options.threads}
    if options.workers == "processes":
        pool = concurrent.futures.ProcessPoolExecutor(
            **shared, mp_context=multiprocessing.get_context("spawn"), initializer=prepare,
            initargs=(options.peer, options.scaled, files))
    else:
        pool = concurrent.futures.ThreadPoolExecutor(**shared)
    # Pieces of eight keep both workers busy to the end and cost nothing to hand out.
    pieces = [range(start, min(start + 8, len(files))) for start in range(0, len(files), 8)]
    seconds = []
    with pool:
        for number in range(options.passes + 1):
            start = time.perf_counter()
            list(pool.map(work, pieces))
            if number > 0:
                seconds.append(time.perf_counter() - start)
    print(json.dumps({"images_per_second": len(files) / statistics.median(seconds), "seconds_per_pass": seconds,
                      "pictures": len(files), "versions": versions}))


if __name__ == "__main__":
    main()
