# SPDX-License-Identifier: BSD-3-Clause
"""The change of classes, and one process; `test_ranks` compares two processes with one."""

import pickle

import pytest
import torch
from torch import nn

from skdeepclust.nn.synchronized_batch_norm import (
    SynchronizedBatchNorm1d,
    SynchronizedBatchNorm2d,
    SynchronizedBatchNorm3d,
    plain_batch_norm,
    synchronize_batch_norm,
)


class OwnBatchNorm(nn.BatchNorm1d):
    def forward(self, x):
        return 2 * super().forward(x)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.BatchNorm1d(36), OwnBatchNorm(36))


def test_there_and_back(network):
    modules, names = list(network), list(network.state_dict())
    parameters = list(network.parameters())
    assert synchronize_batch_norm(network) is network
    assert [type(m) for m in network] == [
        nn.Conv2d,
        SynchronizedBatchNorm2d,
        nn.Flatten,
        SynchronizedBatchNorm1d,
        OwnBatchNorm,
    ]
    assert all(now is before for now, before in zip(network, modules, strict=True))
    assert all(now is before for now, before in zip(network.parameters(), parameters, strict=True))
    assert list(network.state_dict()) == names
    assert plain_batch_norm(network) is network
    assert [type(m) for m in network] == [nn.Conv2d, nn.BatchNorm2d, nn.Flatten, nn.BatchNorm1d, OwnBatchNorm]
    assert b"synchronized_batch_norm" not in pickle.dumps(nn.Sequential(*network[:4]))


@pytest.mark.parametrize(
    ("plain", "synchronized"),
    [
        (nn.BatchNorm1d, SynchronizedBatchNorm1d),
        (nn.BatchNorm2d, SynchronizedBatchNorm2d),
        (nn.BatchNorm3d, SynchronizedBatchNorm3d),
    ],
)
def test_a_batch_norm_itself(plain, synchronized):
    norm = plain(3)
    assert type(synchronize_batch_norm(norm)) is synchronized
    with pytest.raises(ValueError, match="expected"):
        norm(torch.zeros(3))
    assert type(plain_batch_norm(norm)) is plain


def test_alone_it_is_plain_batch_norm_to_the_last_bit(network):
    x = torch.randn(8, 1, 5, 5)
    twin = synchronize_batch_norm(pickle.loads(pickle.dumps(network[:4])))
    network = network[:4]
    for _ in range(2):
        assert torch.equal(twin(x), network(x))
    assert torch.equal(twin.eval()(x), network.eval()(x))
    for name, value in network.state_dict().items():
        assert torch.equal(twin.state_dict()[name], value)
