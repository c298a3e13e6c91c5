# SPDX-License-Identifier: BSD-3-Clause
"""Flattened images are recognised, other tables are not taken for them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits, make_blobs, make_classification

from skdeepclust._support._flattened_images import advice_on_flattened_images

RNG = np.random.default_rng(0)
COLOUR = gaussian_filter(RNG.random((60, 16, 16, 3)), sigma=(0, 1.5, 1.5, 0.3))


@pytest.mark.parametrize(
    ("X", "advice"),
    [
        (load_digits().data, "8 x 8 pixels: pass image_shape=(8, 8)"),
        ((load_digits().data[:100] * 15).astype(np.uint8), "8 x 8 pixels: pass image_shape=(8, 8)"),
        (COLOUR[..., 0], "16 x 16 pixels: pass image_shape=(16, 16)"),
        (COLOUR, "16 x 16 pixels in colour: pass image_shape=(16, 16, 3)"),
        (
            COLOUR.transpose(0, 3, 1, 2),
            "16 x 16 pixels in colour, a plane each: pass X.reshape(-1, 3, 16, 16).transpose(0, 2, 3, 1)",
        ),
    ],
    ids=["digits", "bytes", "grey", "colour", "planes"],
)
def test_images_are_recognised(X, advice):
    assert advice_on_flattened_images(X.reshape(len(X), -1)) == advice


@pytest.mark.parametrize(
    "X",
    [
        load_digits().data[:, :-1],
        load_digits().data[:, RNG.permutation(64)],
        make_blobs(300, 64, centers=5, random_state=0)[0],
        make_classification(300, 256, n_informative=30, n_redundant=60, random_state=0)[0],
        RNG.normal(size=(300, 5)) @ RNG.normal(size=(5, 192)),
        RNG.normal(size=(300, 1)) + 0.3 * RNG.normal(size=(300, 100)),
        RNG.normal(size=(300, 1024)).cumsum(axis=1),
        np.sin(np.arange(400) / RNG.uniform(3, 40, size=(300, 1)) + RNG.uniform(0, 6, size=(300, 1))),
        np.zeros((20, 64)),
        RNG.normal(size=(2, 64)),
        load_digits().data[:1],
    ],
    ids=[
        "63 columns",
        "shuffled",
        "blobs",
        "classes",
        "low rank",
        "one factor",
        "walks",
        "waves",
        "zero",
        "two",
        "one",
    ],
)
def test_other_tables_are_not(X):
    assert advice_on_flattened_images(X) is None
