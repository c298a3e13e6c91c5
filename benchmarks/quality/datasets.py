# SPDX-License-Identifier: BSD-3-Clause
"""Data sets of the quality benchmark: name -> function of the data folder that returns (X, y).

To add one, write a function and put it under ``DATASETS``. A folder holds npz files with the keys X and y.
"""

from functools import partial
from itertools import pairwise

import numpy as np


def from_npz(folder, file, rows=slice(None)):
    """Rows of ``folder/file.npz``."""
    if folder is None:
        raise ValueError(f"{file}.npz is looked for in a folder: give it with --data.")
    with np.load(folder / f"{file}.npz", allow_pickle=False) as data:
        return data["X"][rows], data["y"][rows].astype(np.int64)


def digits(folder):
    """The 1,797 digits of 8 x 8 pixels that scikit-learn ships, as uint8 images."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images * (255 / 16)).astype(np.uint8), data.target


def digits_bands(folder):
    """Two channels of uint16: the left halves of the digits, and with a 60th of the light the right halves."""
    X, y = digits(folder)
    left, right = X.astype(np.uint16) * 60, X.astype(np.uint16)
    left[:, :, 4:] = 0
    right[:, :, :4] = 0
    return np.stack([left, right], axis=3), y


def digits_copies(folder):
    """300 of the digits, each six times with noise of its own: the neighbours of an image are its copies."""
    X, y = digits(folder)
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.permutation(len(X))[:300], 6)
    noisy = X[rows] + rng.normal(0, 12, (len(rows), 8, 8))
    return noisy.clip(0, 255).astype(np.uint8), y[rows]


def digits_dark(folder):
    """The same digits with a fifth of their light."""
    X, y = digits(folder)
    return X // 5, y


def digits_defect(folder):
    """The same digits of 12 bits in uint16, with one defective pixel in one of them."""
    X, y = digits(folder)
    X = X.astype(np.uint16) * 16
    X[5, 3, 3] = 65535
    return X, y


def cmu_pie_unit(folder):
    """The faces of CMU-PIE with every image scaled to unit length, which takes out some of the lighting."""
    X, y = from_npz(folder, "cmu_pie")
    lengths = np.linalg.norm(X.reshape(len(X), -1).astype(np.float64), axis=1)
    unit = X / lengths[:, None, None]
    return (unit / unit.max()).astype(np.float32), y


def cifar10(folder):
    """The 60,000 colour images of CIFAR-10, from the lossless strips ``folder/cifar10/*.webp``; needs pillow."""
    from PIL import Image

    strips = [np.asarray(Image.open(path).convert("RGB")) for path in sorted((folder / "cifar10").glob("*.webp"))]
    labels = np.load(folder / "cifar10" / "labels.npy", allow_pickle=False)
    return np.concatenate([strip.reshape(-1, 32, 32, 3) for strip in strips]), labels.astype(np.int64)


def imagenette(folder):
    """500 photographs of ten classes, (500, 160, 160, 3): the middle squares of ``folder/imagenette_val.npz``."""
    from io import BytesIO

    from PIL import Image

    with np.load(folder / "imagenette_val.npz", allow_pickle=False) as data:
        jpeg, offset, y = data["jpeg"], data["offset"], data["y"].astype(np.int64)
    images = []
    for start, stop in pairwise(offset):
        image = np.asarray(Image.open(BytesIO(jpeg[start:stop].tobytes())).convert("RGB"))
        top, left = ((size - 160) // 2 for size in image.shape[:2])
        images.append(image[top : top + 160, left : left + 160])
    return np.stack(images), y


TEST_ROWS = slice(60_000, None)  # MNIST and its heirs: 60,000 training images, then 10,000 test images

DATASETS = {
    "cifar10": cifar10,
    "cmu_pie": partial(from_npz, file="cmu_pie"),
    "cmu_pie_unit": cmu_pie_unit,
    "coil20": partial(from_npz, file="coil20_32"),
    "digits": digits,
    "digits_bands": digits_bands,
    "digits_copies": digits_copies,
    "digits_dark": digits_dark,
    "digits_defect": digits_defect,
    "fashion": partial(from_npz, file="fashion_mnist"),
    "fashion_test": partial(from_npz, file="fashion_mnist", rows=TEST_ROWS),
    "imagenette": imagenette,
    "letters": partial(from_npz, file="letters"),
    "mnist": partial(from_npz, file="mnist"),
    "mnist_test": partial(from_npz, file="mnist", rows=TEST_ROWS),
    "pendigits": partial(from_npz, file="pendigits"),
    "usps": partial(from_npz, file="usps11k"),
}
