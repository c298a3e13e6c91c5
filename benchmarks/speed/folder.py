# SPDX-License-Identifier: BSD-3-Clause
"""Features of a folder of JPEG files: does the network wait for the files?

    python -m benchmarks.speed.folder [--n-images 10000] [--size 64] [--channels 32] [--weights FILE]

Writes coloured JPEG files of 160 pixels into a temporary folder and takes, in turns in one process, medians of the
rounds:

* decoding: all files into arrays, batch by batch, by ``ImageFolder(cache=None)``;
* network: ``FrozenEncoder.fit_transform`` on the decoded array in memory;
* together: ``FrozenEncoder.fit_transform`` on the folder, whose next batch is decoded while the network works;
* first, then: all files into memory by ``ImageFolder(cache="memory")``, and the network after it.

The ratio is that of "together" to the slower of the first two. 1 is a perfect overlap; where both keep all cores busy,
no order of the work can be faster than the sum of their processor seconds over the cores, which is printed too. The
network is a small one of random weights, or with --weights EfficientNet-Lite0.
"""

import argparse
import os
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from benchmarks.quality.efficientnet_lite import frozen_encoder
from skdeepclust import FrozenEncoder
from skdeepclust.datasets import ImageFolder
from skdeepclust.nn.device import resolve_device

FILE_SIDE = 160
BATCH = 64


def write_files(folder, n):
    """Smooth random colours with some noise, which compress like photographs: about 6 kB a file."""
    rng = np.random.default_rng(0)
    for i in range(n):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((FILE_SIDE, FILE_SIDE), Image.Resampling.BICUBIC), dtype=np.int16)
        noisy = np.clip(smooth + rng.integers(-8, 9, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{i:06}.jpg", quality=85)


def small_network(channels):
    """Four convolutions, the last three of stride 2."""
    torch.manual_seed(0)
    widths = (3, channels, channels, 2 * channels, 4 * channels)
    blocks = []
    for i, (c_in, c_out) in enumerate(pairwise(widths)):
        blocks += [nn.Conv2d(c_in, c_out, 3, stride=1 if i == 0 else 2, padding=1), nn.ReLU()]
    return FrozenEncoder(nn.Sequential(*blocks), layers=("5", "7"), batch_size=BATCH)


def decode(folder, size):
    images = ImageFolder(folder, size, cache=None)
    for start in range(0, len(images), BATCH):
        images[start : start + BATCH]


def seconds(function, *arguments):
    """Seconds on the clock, and of the processor."""
    started, used = time.perf_counter(), time.process_time()
    function(*arguments)
    return time.perf_counter() - started, time.process_time() - used


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-images", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=64, help="pixels that the network gets")
    parser.add_argument("--channels", type=int, default=32, help="width of the small network")
    parser.add_argument("--weights", type=Path, default=None, help="of EfficientNet-Lite0, in place of the small one")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    size = arguments.size
    small = arguments.weights is None
    encoder = small_network(arguments.channels) if small else frozen_encoder(arguments.weights, batch_size=BATCH)
    device = resolve_device(None)

    with tempfile.TemporaryDirectory() as place:
        write_files(Path(place), arguments.n_images)
        decoded = np.asarray(ImageFolder(place, size))
        encoder.fit_transform(decoded[: 2 * BATCH])  # warm
        tasks = {
            "decoding": lambda: decode(place, size),
            "network": lambda: encoder.fit_transform(decoded),
            "together": lambda: encoder.fit_transform(ImageFolder(place, size, cache=None)),
            "first, then": lambda: encoder.fit_transform(ImageFolder(place, size)),
        }
        rounds = [{name: seconds(task) for name, task in tasks.items()} for _ in range(arguments.rounds)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{arguments.n_images} files, {size} pixels, {device}, {cores} cores, {torch.get_num_threads()} torch threads"
    )
    wall, used = ({name: statistics.median(r[name][i] for r in rounds) for name in tasks} for i in (0, 1))
    for name in tasks:
        print(f"{name:>12}: {wall[name]:8.2f} s, {used[name]:8.2f} s of the processor")
    slower = max(wall["decoding"], wall["network"])
    print(f"       bound: {(used['decoding'] + used['network']) / cores:8.2f} s, processor seconds over cores")
    print(f"       ratio: {wall['together'] / slower:8.2f} together, {wall['first, then'] / slower:.2f} first, then")


if __name__ == "__main__":
    main()
