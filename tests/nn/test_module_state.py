# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle

import joblib
import pytest
import torch
from torch import nn

from skdeepclust.nn.module_state import restore, store


def network(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(3, 3), nn.Linear(3, 3))
    module[3].weight = module[2].weight  # shared
    module[2].bias.requires_grad_(False)
    module.register_buffer("table", torch.arange(6).reshape(2, 3), persistent=False)
    module.register_buffer("none", None)
    module.half_weights = nn.Parameter(torch.linspace(0, 1, 5, dtype=torch.bfloat16))
    module.scalar = nn.Parameter(torch.tensor(3.0))
    return module


def test_restored_modules_equal_the_stored_ones():
    module = network()
    again = restore(pickle.loads(pickle.dumps(store(module))))
    for values, found in (
        (dict(module.named_parameters()), dict(again.named_parameters())),
        (dict(module.named_buffers()), dict(again.named_buffers())),
    ):
        assert list(values) == list(found)
        for name, value in values.items():
            assert torch.equal(value, found[name])
            assert (value.dtype, value.requires_grad) == (found[name].dtype, found[name].requires_grad)
            assert type(value) is type(found[name])
    assert torch.equal(again.table, module.table)
    assert again[3].weight is again[2].weight
    assert again.none is None


def test_the_stored_module_is_untouched_and_shares_nothing():
    module = network()
    before = copy.deepcopy(module.state_dict())
    again = restore(store(module))
    with torch.no_grad():
        for value in again.parameters():
            value.zero_()
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert isinstance(module.scalar, nn.Parameter)


def test_equal_modules_have_equal_hashes():
    expected = joblib.hash(store(network()))
    for equal in (
        network(),
        copy.deepcopy(network()),
        pickle.loads(pickle.dumps(network())),
        restore(store(network())),
    ):
        assert joblib.hash(store(equal)) == expected
    assert joblib.hash(store(network(1))) != expected
    other = network()
    with torch.no_grad():
        other[1].running_mean[1] += 1e-6
    assert joblib.hash(store(other)) != expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.bool, torch.complex64])
def test_types(dtype):
    module = nn.Module()
    module.register_buffer("values", torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype).T)
    again = restore(store(module))
    assert torch.equal(again.values, module.values)
    assert again.values.dtype == dtype
