# SPDX-License-Identifier: BSD-3-Clause
import pytest
import torch
from torch import nn

from skdeepclust.nn.running_statistics import statistics_counted_anew


def test_every_batch_counts_the_same():
    norm = nn.BatchNorm1d(3)
    network = nn.Sequential(norm, nn.LayerNorm(3))
    batches = torch.randn(4, 8, 3, generator=torch.Generator().manual_seed(0)) * 5 + 2
    network(batches[0] + 100)  # forgotten
    with statistics_counted_anew(network) as any_norm, torch.no_grad():
        assert any_norm
        for batch in batches:
            network(batch)
    torch.testing.assert_close(norm.running_mean, batches.mean(dim=(0, 1)))
    torch.testing.assert_close(norm.running_var, batches.var(dim=1).mean(dim=0))
    assert norm.momentum == 0.1


def test_the_momentum_comes_back_after_an_error():
    norm = nn.BatchNorm1d(3, momentum=0.3)
    with pytest.raises(RuntimeError, match="broken"), statistics_counted_anew(norm):
        raise RuntimeError("broken")
    assert norm.momentum == 0.3


def test_nothing_to_count():
    with statistics_counted_anew(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False))) as found:
        assert not found
