# SPDX-License-Identifier: BSD-3-Clause
import contextlib
from types import SimpleNamespace

import pytest
import torch

from skdeepclust.nn.device import autocast, has_fast_bfloat16, has_float64, resolve_device

CPU = torch.device("cpu")


@pytest.mark.parametrize("device", ["cpu", CPU])
def test_devices_by_name_and_by_object(device):
    assert resolve_device(device) == CPU


def test_none_takes_one_that_works():
    device = resolve_device(None)
    assert torch.ones(2, device=device).sum().item() == 2
    if torch.cuda.is_available():
        assert device.type == "cuda"


@pytest.mark.parametrize(
    ("device", "error", "message"),
    [
        ("gpu", ValueError, "device='gpu' cannot be used here.*device=None or 'cpu'"),
        ("", ValueError, "device='' cannot be used here"),
        ("cuda:99", ValueError, "device='cuda:99' cannot be used here"),
        (torch.device("cuda:99"), ValueError, "device='cuda:99' cannot be used here"),
        (0, TypeError, "device must be None, a string such as 'cpu'.*got 0"),
    ],
)
def test_messages_name_the_parameter(device, error, message):
    with pytest.raises(error, match=message):
        resolve_device(device)


@pytest.mark.parametrize(("kind", "expected"), [("cpu", True), ("cuda", True), ("mps", False), ("meta", False)])
def test_devices_that_have_float64(kind, expected):
    assert has_float64(torch.device(kind)) is expected


@pytest.mark.parametrize("expected", [True, False])
def test_an_xpu_says_whether_it_has_float64(expected, monkeypatch):
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda device: SimpleNamespace(has_fp64=expected))
    assert has_float64(torch.device("xpu")) is expected


def test_precision_of_a_product():
    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    for precision, dtype in [("float32", torch.float32), ("bfloat16", torch.bfloat16)]:
        with autocast(CPU, precision):
            assert (x @ x).dtype == dtype
    with autocast(CPU, "auto"):
        assert (x @ x).dtype == (torch.bfloat16 if has_fast_bfloat16(CPU) else torch.float32)
    assert isinstance(autocast(CPU, "float32"), contextlib.nullcontext)
