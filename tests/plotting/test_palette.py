# SPDX-License-Identifier: BSD-3-Clause
"""The colours, seen by eyes of four kinds; CIE 1976 L*a*b*, where the table itself was made in another space."""

from itertools import combinations

import numpy as np
import pytest

from skdeepclust.plotting._palette import PALETTE, cluster_colors

# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009.
EYES = {
    "normal": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color):
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color, eye):
    xyz = TO_XYZ @ np.clip(np.array(EYES[eye]) @ linear(color), 0, 1)
    f = np.cbrt(xyz / TO_XYZ.sum(axis=1))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(color, background):
    a, b = sorted(TO_XYZ[1] @ linear(c) for c in (color, background))
    return (b + 0.05) / (a + 0.05)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize(("n", "least"), [(6, 14), (10, 13), (30, 5)])
def test_colors_differ_for_every_eye(eye, n, least):
    """Five units of this space are told apart side by side, ten at a glance."""
    distance = min(np.linalg.norm(lab(a, eye) - lab(b, eye)) for a, b in combinations(PALETTE[:n], 2))
    assert distance > least


@pytest.mark.parametrize("background", ["#ffffff", "#14171c"])
def test_colors_are_seen_on_white_and_on_near_black(background):
    assert min(contrast(color, background) for color in PALETTE) > 2


def test_colors_repeat_after_the_last():
    assert cluster_colors(31) == [*PALETTE, PALETTE[0]]
