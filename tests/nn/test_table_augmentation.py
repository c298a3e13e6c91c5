# SPDX-License-Identifier: BSD-3-Clause
import pytest
import torch

from skdeepclust.nn.table_augmentation import TableAugmentation


def view(augment, x, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return augment(x)


def test_replaced_entries_come_from_the_same_column():
    n, d = 400, 6
    x = torch.arange(n * d, dtype=torch.float32).reshape(n, d)  # every entry is another number; column = entry % d
    views = view(TableAugmentation(noise=0.0, corruption=0.2), x)
    assert torch.equal(views % d, x % d)
    assert set(views.flatten().tolist()) <= set(x.flatten().tolist())
    replaced = (views != x).float().mean().item()
    assert replaced == pytest.approx(0.2, abs=0.03)  # binomial with 2400 draws: 0.008 is one standard deviation
    assert len(torch.unique((views != x).sum(dim=1))) > 2  # entry by entry, not row by row


def test_noise_has_the_size_asked_for():
    x = torch.zeros(500, 8)
    views = view(TableAugmentation(noise=0.3, corruption=0.0), x)
    assert views.std().item() == pytest.approx(0.3, abs=0.02)
    assert torch.equal(view(TableAugmentation(noise=0.0, corruption=0.0), x), x)
