# SPDX-License-Identifier: BSD-3-Clause
"""Speed of a training step: against the bare network, and against a plain loop of the usual kind.

    python -m benchmarks.speed.training [--backbone compact resnet34] [--size 28] [--channels 1] [--plain]

Three things, taken in turns in one process on the same random images, medians of the rounds:

* whole: a step of `ContrastiveTraining`: batch, augmentation, both views, forward, losses, backward, optimiser;
* bare: forward and backward of the same network in the same precision, on a ready tensor of as many views;
* plain (with --plain): float32 in torch's default memory layout; each image opened as a PIL image, cropped,
  mirrored, its colours changed twice in two worker processes of a DataLoader, each view through the network by
  itself, Adam: how the loop of Contrastive Clustering is built.

An image counts once, though it is seen in two views. Beside them stands how much of the rate of a large matrix product,
in the precision of the training, the whole step reaches, and how much a step five times as fast as the plain loop would
need: more than 1 cannot be had on the machine, whatever the code.
"""

import argparse
import statistics
import time

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from skdeepclust.nn.augment import build_augmentation
from skdeepclust.nn.backbones import build_backbone
from skdeepclust.nn.contrastive_network import ContrastiveNetwork
from skdeepclust.nn.contrastive_training import ContrastiveTraining
from skdeepclust.nn.device import autocast, has_fast_bfloat16, resolve_device
from skdeepclust.nn.losses import balance_penalty, cluster_contrast, normalized_temperature_cross_entropy
from skdeepclust.nn.recipe import Recipe
from skdeepclust.nn.samples import fit_reader

BATCH = 256


class TwoViews(Dataset):
    """Two augmented views per image, one image at a time."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.view(index), self.view(index)

    def view(self, index):
        draw = np.random.default_rng()
        image = Image.fromarray(self.images[index].squeeze())
        side = image.size[0]
        cut = max(2, round(side * np.sqrt(draw.uniform(0.2, 1.0))))
        left, top = draw.integers(0, side - cut + 1, 2)
        image = image.resize((side, side), Image.Resampling.BILINEAR, (left, top, left + cut, top + cut))
        if draw.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            image = change(image).enhance(draw.uniform(0.6, 1.4))
        pixels = np.array(image, dtype=np.float32) / 255
        return torch.from_numpy(np.atleast_3d(pixels).transpose(2, 0, 1).copy())


def build(backbone, in_shape):
    torch.manual_seed(0)
    return ContrastiveNetwork(*build_backbone(backbone, in_shape), 10)


def whole_and_bare(X, shape, backbone, device):
    """Two functions that make one round, an epoch over the rows of X, and return images per second."""
    reader = fit_reader(X, shape, device)
    recipe = Recipe(1, BATCH, 1e-3, 1e-4, 0.5, 0, "input", (), "auto")
    network = build(backbone, reader.in_shape).to(device, memory_format=torch.channels_last)
    augment = build_augmentation("auto", reader.in_shape)
    views = reader(X[: 2 * BATCH])
    n_steps = len(X) // BATCH

    def whole():
        training = ContrastiveTraining(network, reader, X, augment, recipe, seed=0)
        training.run()
        return training.history[0]["samples_per_second"]

    def bare():
        network.train()
        started = time.perf_counter()
        for _ in range(n_steps):
            network.zero_grad()
            with autocast(device, "auto"):
                z, logits = network(views)
            loss = z.float().sum() + logits.float().sum()
            loss.backward()
        loss.item()  # waits for the device
        return n_steps * BATCH / (time.perf_counter() - started)

    return whole, bare


def plain(images, backbone, device, n_steps):
    """One round of the plain loop; images per second after its first batch."""
    shape = (images.shape[3], *images.shape[1:3])
    network = build(backbone, shape).to(device)
    optimizer = torch.optim.Adam(network.parameters(), 3e-4)
    loader = DataLoader(TwoViews(images), BATCH, shuffle=True, drop_last=True, num_workers=2)
    started = None
    for step, (a, b) in enumerate(loader):
        z_a, logits_a = network(a.to(device))
        z_b, logits_b = network(b.to(device))
        p_a, p_b = logits_a.softmax(1), logits_b.softmax(1)
        loss = normalized_temperature_cross_entropy(z_a, z_b) + cluster_contrast(p_a, p_b)
        loss = loss + balance_penalty(p_a) + balance_penalty(p_b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        if step == 0:
            started = time.perf_counter()
        if step == n_steps:
            break
    return step * BATCH / (time.perf_counter() - started)


def matrix_rate(device):
    """Multiplications and additions per second of a matrix product in the training precision, GFLOP/s; best of five."""
    dtype = torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    n = 2048 if device.type == "cpu" else 8192
    a = torch.randn(n, n, device=device).to(dtype)
    best = np.inf
    for _ in range(6):
        started = time.perf_counter()
        float((a @ a)[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * n**3 / best / 1e9


def work_per_image(backbone, in_shape):
    """Multiplications and additions of forward and backward for an image in two views, in GFLOP."""
    network = build(backbone, in_shape)
    with FlopCounterMode(display=False) as counter:
        z, logits = network(torch.rand(4, *in_shape))
        (z.sum() + logits.sum()).backward()
    return counter.get_total_flops() / 2 / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", nargs="+", default=["compact"])
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--channels", type=int, default=1, choices=(1, 3))
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    device = resolve_device(None)
    shape = (arguments.size, arguments.size, arguments.channels)
    n = BATCH * (arguments.steps + 1)  # the first batch of the plain loop starts its workers and is not timed
    X = np.random.default_rng(0).integers(0, 256, (n, int(np.prod(shape))), dtype=np.uint8)
    fast = has_fast_bfloat16(device)
    rate, threads = matrix_rate(device), torch.get_num_threads()
    print(f"{shape}, {device}, {threads} threads, bfloat16: {fast}, matrix product: {rate:.0f} GFLOP/s\n")
    titles = ("backbone", "whole step", "bare", "whole / bare", "plain loop", "whole / plain")
    titles += ("whole / matrix rate", "5 plain / matrix rate")
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    for backbone in arguments.backbone:
        whole, bare = whole_and_bare(X, shape, backbone, device)
        whole(), bare()
        rounds = []
        for _ in range(arguments.rounds):
            of_plain = plain(X.reshape(n, *shape), backbone, device, arguments.steps) if arguments.plain else np.nan
            rounds.append((whole(), bare(), of_plain))
        w, b, p = (statistics.median(column) for column in zip(*rounds, strict=True))
        seconds = work_per_image(backbone, (shape[2], *shape[:2])) / rate  # of an image at that rate
        cells = (f"{w:.0f} images/s", f"{b:.0f}", f"{w / b:.2f}", f"{p:.0f}", f"{w / p:.1f}")
        cells += (f"{w * seconds:.2f}", f"{5 * p * seconds:.2f}")
        print(f"| {backbone} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
