# SPDX-License-Identifier: BSD-3-Clause
"""Training speed in bfloat16 against float32, in one run.

    python -m benchmarks.speed.precision [--images 4096] [--size 28] [--channels 1] [--backbone compact]

Trains the same network on the same random images for a few epochs in each precision, alternating, and prints
the median images per second (an image counts once, though it is seen in two views) and their ratio. The speed
is that of the whole step: augmentation, forward, losses, backward, optimiser.
"""

import argparse
import statistics

import numpy as np
import torch

from skdeepclust import ContrastiveEncoder
from skdeepclust.nn.device import has_fast_bfloat16


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--backbone", default="compact")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    shape = (arguments.images, arguments.size, arguments.size, arguments.channels)
    X = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    speeds = {"float32": [], "bfloat16": []}
    for _ in range(arguments.rounds):
        for precision, found in speeds.items():
            encoder = ContrastiveEncoder(
                backbone=arguments.backbone, precision=precision, max_epochs=2, n_neighbors=0, random_state=0
            )
            history = encoder.fit(X).history_
            found.append(history[-1]["samples_per_second"])  # the first epoch warms up
    medians = {precision: statistics.median(found) for precision, found in speeds.items()}
    device = encoder.reader_.device
    print(f"{arguments.backbone}, {shape[1:]}, {device}, {torch.get_num_threads()} threads,", end=" ")
    print(f"bfloat16 in hardware: {has_fast_bfloat16(device)}")
    for precision, speed in medians.items():
        print(f"{precision:>9}: {speed:7.0f} images/s")
    print(f"    ratio: {medians['bfloat16'] / medians['float32']:7.2f}")


if __name__ == "__main__":
    main()
