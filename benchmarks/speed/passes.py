# SPDX-License-Identifier: BSD-3-Clause
"""How many images should go through a frozen network at a time, on a CPU?

    python -m benchmarks.speed.passes [--batch-sizes auto 1 2 4 8 16 64] [--n-images 256] [--rounds 3]

Milliseconds per image of ``FrozenEncoder.transform`` with EfficientNet-Lite0 of random weights on images of 224 x 224,
medians of the rounds: on the clock, of the processor in the program, and of the processor in the operating system, most
of which goes to clearing pages of memory that was given back and is asked for again. Every batch size has a process of
its own, as what the C library keeps of freed memory depends on what has been freed before; rounds go over all sizes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import torch

from benchmarks.quality.efficientnet_lite import LAYERS, SIZE, EfficientNetLite0
from skdeepclust import FrozenEncoder


def measure(batch_size, n_images):
    """Milliseconds per image: clock, program, system."""
    torch.manual_seed(0)
    X = np.random.default_rng(0).integers(0, 256, (n_images, SIZE, SIZE, 3), dtype=np.uint8)
    layers = (LAYERS["stage7"], LAYERS["head"])
    encoder = FrozenEncoder(EfficientNetLite0(), layers, batch_size=batch_size, device="cpu").fit(X)
    encoder.transform(X[:64])
    before = time.perf_counter(), *os.times()[:2]
    encoder.transform(X)
    after = time.perf_counter(), *os.times()[:2]
    return [1e3 * (b - a) / n_images for a, b in zip(before, after, strict=True)]


def batch_size_of(text):
    return text if text == "auto" else int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = ["auto", 1, 2, 4, 8, 16, 64]
    parser.add_argument("--batch-sizes", nargs="+", type=batch_size_of, default=sizes)
    parser.add_argument("--n-images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", action="store_true", help="measure the first size here, and print JSON")
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments.batch_sizes[0], arguments.n_images)))
        return
    found = {size: [] for size in arguments.batch_sizes}
    for _ in range(arguments.rounds):
        for size, rounds in found.items():
            command = [sys.executable, "-m", "benchmarks.speed.passes", "--child", "--batch-sizes", str(size)]
            out = subprocess.run([*command, "--n-images", str(arguments.n_images)], stdout=subprocess.PIPE, check=True)
            rounds.append(json.loads(out.stdout))
    print(f"{torch.get_num_threads()} torch threads; milliseconds per image")
    print("| batch size | clock | program | system |\n|---|---|---|---|")
    for size, rounds in found.items():
        clock, program, system = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {size} | {clock:.1f} | {program:.1f} | {system:.1f} |")


if __name__ == "__main__":
    main()
