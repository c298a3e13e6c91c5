# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the command line share: images in files, calls, labels that were written."""

import csv

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from skdeepclust.cli import main

IMAGES = (load_digits().images[:60] * 15).astype(np.uint8)
DAMAGED = "b/damaged.png"


def write_images(folder, images=IMAGES):
    """PNG and JPEG files in two folders."""
    for i, image in enumerate(images):
        path = folder / "ab"[i % 2] / f"{i:02}.{'jpg' if i % 5 == 0 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def read_labels(path):
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def fit(source, out, *more, method="uspec", k=4):
    return main(["fit", str(source), "-k", str(k), "-o", str(out), "--method", method, "--quiet", *more])
