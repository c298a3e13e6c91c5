# SPDX-License-Identifier: BSD-3-Clause
import pytest
import torch

from benchmarks.quality.recipe import VARIANTS, ColorViews
from skdeepclust.nn.augment import build_augmentation


def views(augmentation, images):
    torch.manual_seed(0)
    return augmentation(images)


@pytest.mark.parametrize("size", [32, 64])  # with a blur from 64 pixels on
def test_color_views_are_the_preset_but_for_what_is_changed(size):
    images = torch.rand(8, 3, size, size)
    preset = views(build_augmentation("color", (3, size, size)), images)
    assert torch.equal(views(ColorViews(), images), preset)
    changed = [name for name in VARIANTS if name.startswith("colour") and "augmentation" in VARIANTS[name]]
    for name in changed:
        assert not torch.equal(views(VARIANTS[name]["augmentation"], images), preset), name
