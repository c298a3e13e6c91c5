# SPDX-License-Identifier: BSD-3-Clause
import copy

import pytest
import torch
from torch import nn

from skdeepclust.nn.inner_layers import InnerLayers, check_layer_names, evaluation_mode


class Twice(nn.Module):
    """Calls one part twice, another never, and draws in training mode."""

    def __init__(self):
        super().__init__()
        self.shared, self.unused, self.drop = nn.Linear(4, 4), nn.Linear(4, 4), nn.Dropout(0.5)
        self.inner = nn.Sequential(nn.BatchNorm1d(4), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.inner(self.drop(self.shared(self.shared(x))))


@pytest.fixture
def module():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Twice()


X = torch.linspace(-1, 1, 12).reshape(3, 4)


def test_outputs_are_those_of_the_parts(module):
    shared, norm, whole = InnerLayers(module, precision="float32").layers(X, ("shared", "inner.0", ""))
    with torch.no_grad():
        module.eval()
        expected = module.shared(module.shared(X))
        assert torch.equal(shared, expected)  # the last call
        assert torch.equal(norm, module.inner[0](expected))  # before the ReLU that overwrites it
        assert torch.equal(whole, module(X))


def test_the_module_is_left_as_it_was(module):
    module.train()
    module.inner[0].eval()
    before = copy.deepcopy(module.state_dict())
    InnerLayers(module).layers(X, ("shared", "inner"))
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert [part.training for part in module.modules()] == [True, True, True, True, True, False, True]
    assert not any(part._forward_hooks for part in module.modules())
    assert module(X).requires_grad


def test_the_module_is_left_as_it_was_after_an_error(module):
    module.train()
    with pytest.raises(ValueError, match=r"the module cannot process a batch of shape \(3, 5\) \(RuntimeErr.*preproc"):
        InnerLayers(module).layers(torch.zeros(3, 5), ("shared",))
    assert all(part.training for part in module.modules())
    assert not any(part._forward_hooks for part in module.modules())


def test_what_a_module_keeps_from_a_pass_serves_in_training():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.kept = nn.Parameter(torch.ones(4)), None

        def forward(self, x):
            if self.kept is None:
                self.kept = torch.arange(4.0)
            return x * self.scale * self.kept

    module = Keeps()
    with torch.inference_mode():
        InnerLayers(module).layers(X.clone(), ("",))
    module(X).sum().backward()
    assert torch.equal(module.scale.grad, X.sum(0) * torch.arange(4.0))


def test_preprocess_comes_first(module):
    (out,) = InnerLayers(module, preprocess=lambda x: 2 * x).layers(X, ("",))
    assert torch.equal(out, InnerLayers(module).layers(2 * X, ("",))[0])
    for wrong, got in ((lambda x: x[:2], "shape"), (lambda x: None, "a NoneType")):
        with pytest.raises(ValueError, match=f"preprocess must return a tensor of 3 samples.*it gave {got}"):
            InnerLayers(module, preprocess=wrong).layers(X, ("",))


def test_preprocess_and_module_may_write_into_the_batch():
    with torch.inference_mode():
        x = X.clone()
        (out,) = InnerLayers(nn.ReLU(inplace=True), preprocess=lambda x: x.mul_(2)).layers(x, ("",))
    assert torch.equal(out, (2 * X).relu())
    assert torch.equal(x, X)


def test_precision(module):
    (full,) = InnerLayers(module, precision="float32").layers(X, ("shared",))
    (half,) = InnerLayers(module, precision="bfloat16").layers(X, ("shared",))
    assert half.dtype == full.dtype == torch.float32
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, rtol=0.02, atol=0.02)
    module.bfloat16()  # a network that is stored in half precision runs in it
    (stored,) = InnerLayers(module, precision="float32").layers(X, ("shared",))
    torch.testing.assert_close(stored, full, rtol=0.02, atol=0.02)


def test_layer_sizes_in_the_order_of_the_names(module):
    network = InnerLayers(module, pooling=lambda x: x[:, :2])
    network.layers(X, ("inner", "shared"))
    assert list(network.layer_sizes.items()) == [("inner", 2), ("shared", 2)]


def test_parts_that_take_no_part_are_named(module):
    with pytest.raises(ValueError, match=r"layers \['unused'\] take no part in the forward pass"):
        InnerLayers(module).layers(X, ("shared", "unused"))


def test_errors_of_a_layer_name_it(module):
    with pytest.raises(ValueError, match=r"pooling must make \(n, features\) of what layer 'inner.0' returns"):
        InnerLayers(module, pooling=lambda x: x.mean()).layers(X, ("inner.0",))


def test_names_are_checked(module):
    assert check_layer_names(module, "inner.1") == ("inner.1",)
    assert check_layer_names(module, ["", "drop"]) == ("", "drop")
    with pytest.raises(ValueError, match=r"Twice has no submodule 'inner.2'; near are \['inner.*"):
        check_layer_names(module, ("shared", "inner.2"))
    with pytest.raises(ValueError, match=r"no submodule 'zzz'; near are \['shared', 'unused', 'drop', 'inner'\]"):
        check_layer_names(module, ("zzz",))
    for wrong in ((), ("drop", "drop")):
        with pytest.raises(ValueError, match="layers must be one or more different names"):
            check_layer_names(module, wrong)
    for wrong in (None, 3, (1,)):
        with pytest.raises(TypeError, match="layers must be a tuple of names of submodules"):
            check_layer_names(module, wrong)


def test_evaluation_mode(module):
    module.drop.eval()
    with evaluation_mode(module):
        assert not any(part.training for part in module.modules())
    assert module.training
    assert not module.drop.training
