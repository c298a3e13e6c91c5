# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch

from benchmarks.quality.recipe import VARIANTS, ColorViews, taught_positives
from skdeepclust.nn.augment import build_augmentation
from skdeepclust.nn.positives import Positives


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


def test_the_surest_of_a_cluster_have_partners_from_it():
    labels = np.repeat([0, 1], [10, 20])
    certainty = np.tile(np.linspace(0.5, 1, 10), 3)
    own = Positives(torch.arange(30)[:, None].repeat(1, 4), torch.ones(30, dtype=torch.int64))
    taught = taught_positives(own, labels, certainty, share=0.5, seed=0)
    for label, n_sure in ((0, 5), (1, 10)):
        members = np.flatnonzero(labels == label)
        sure = members[certainty[members] > 0.75]
        assert len(sure) == n_sure
        assert np.isin(taught.candidates[sure], sure).all()
        assert (taught.counts[sure] == 4).all()
    unsure = certainty < 0.75
    assert torch.equal(taught.candidates[unsure], own.candidates[unsure])
    assert torch.equal(taught.counts[unsure], own.counts[unsure])
