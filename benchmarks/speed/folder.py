# SPDX-License-Identifier: BSD-3-Clause
"""From a folder of JPEG files to features and to clusters: does the network wait for the files?

    python -m benchmarks.speed.folder [--n-images 10000] [--size 64] [--channels 32] [--weights FILE] [--tasks NAME ...]

Writes coloured JPEG files of 160 pixels into a temporary folder and takes, in turns in one process, medians of the
rounds:

* decoding: all files into arrays, batch by batch, by ``ImageFolder(cache=None)``;
* network: ``FrozenEncoder.fit_transform`` on the decoded array in memory;
* together: ``FrozenEncoder.fit_transform`` on ``ImageFolder(background=True)``, decoded while the network works;
* in_turn: all files into memory by ``ImageFolder``, and the network after it;
* command: ``skdeepclust fit FOLDER --encoder ...`` in a process of its own, from the start of Python to labels, model
  and report of ten clusters.

The ratios are those to the slower of the first two, which are always measured. 1 is a perfect overlap; where both keep
all cores busy, no order of the work can be faster than the sum of their processor seconds over the cores, which is
printed too. The network is a small one of random weights, or with --weights two layers of EfficientNet-Lite0.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
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
BATCH = 64  # files decoded at a time
LAYERS = ("stage7", "head")  # of EfficientNet-Lite0
MORE = ("together", "in_turn", "command")
ENCODER = """
from pathlib import Path
from benchmarks.speed.folder import make_encoder

def build():
    return make_encoder({weights!r}, {channels})
"""


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
    return FrozenEncoder(nn.Sequential(*blocks), layers=("5", "7"))


def make_encoder(weights, channels):
    """The network that is measured."""
    return small_network(channels) if weights is None else frozen_encoder(weights, LAYERS)


def run_command(folder, work, size):
    """``skdeepclust fit``, with the encoder from a file in the working directory."""
    command = [sys.executable, "-m", "skdeepclust", "fit", folder, "-k", "10", "-o", work / "out", "--overwrite"]
    options = ["--image-size", str(size), "--encoder", "measured_network:build", "--quiet"]
    path = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    subprocess.run([*command, *options], cwd=work, env=os.environ | {"PYTHONPATH": path}, check=True)


def decode(folder, size):
    images = ImageFolder(folder, size, cache=None)
    for start in range(0, len(images), BATCH):
        images[start : start + BATCH]


def seconds(function, *arguments):
    """Seconds on the clock, and of the processor, child processes included."""
    started, used = time.perf_counter(), sum(os.times()[:4])
    function(*arguments)
    return time.perf_counter() - started, sum(os.times()[:4]) - used


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-images", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=64, help="pixels that the network gets")
    parser.add_argument("--channels", type=int, default=32, help="width of the small network")
    parser.add_argument("--weights", type=Path, default=None, help="of EfficientNet-Lite0, in place of the small one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", nargs="*", choices=MORE, default=MORE, help="beside decoding and network")
    arguments = parser.parse_args()
    size = arguments.size
    weights = None if arguments.weights is None else str(arguments.weights.resolve())
    encoder = make_encoder(weights, arguments.channels)
    device = resolve_device(None)

    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as work:
        work = Path(work)
        (work / "measured_network.py").write_text(ENCODER.format(weights=weights, channels=arguments.channels))
        write_files(Path(place), arguments.n_images)
        decoded = np.asarray(ImageFolder(place, size))
        encoder.fit_transform(decoded[: 2 * BATCH])  # warm
        tasks = {
            "decoding": lambda: decode(place, size),
            "network": lambda: encoder.fit_transform(decoded),
            "together": lambda: encoder.fit_transform(ImageFolder(place, size, background=True)),
            "in_turn": lambda: encoder.fit_transform(ImageFolder(place, size)),
            "command": lambda: run_command(place, work, size),
        }
        tasks = {name: task for name, task in tasks.items() if name not in MORE or name in arguments.tasks}
        rounds = [{name: seconds(task) for name, task in tasks.items()} for _ in range(arguments.rounds)]
        if "command" in tasks:
            steps = json.loads((work / "out" / "run.json").read_text())["seconds"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{arguments.n_images} files, {size} pixels, {device}, {cores} cores, {torch.get_num_threads()} torch threads"
    )
    wall, used = ({name: statistics.median(r[name][i] for r in rounds) for name in tasks} for i in (0, 1))
    slower = max(wall["decoding"], wall["network"])
    for name in tasks:
        print(f"{name:>12}: {wall[name]:8.2f} s, {used[name]:8.2f} s of the processor, ratio {wall[name] / slower:.2f}")
    print(f"       bound: {(used['decoding'] + used['network']) / cores:8.2f} s, processor seconds over cores")
    if "command" in tasks:
        print("the command's own steps, last round: " + ", ".join(f"{name} {step} s" for name, step in steps.items()))


if __name__ == "__main__":
    main()
