# SPDX-License-Identifier: BSD-3-Clause
"""A folder of images with a damaged one, a table, what was fitted on the folder; helpers stand in command_line.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command_line import DAMAGED, IMAGES, fit, write_images


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = write_images(tmp_path_factory.mktemp("photos"))
    whole = (folder / "b" / "01.png").read_bytes()
    (folder / DAMAGED).write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "table.npz"
    np.savez(path, X=IMAGES.reshape(60, -1), y=np.zeros(60))
    return path


@pytest.fixture(scope="module")
def fitted(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("fitted") / "out"
    assert fit(photos, out) == 0
    return out
