# SPDX-License-Identifier: BSD-3-Clause
"""Two processes on this machine do once what `two_ranks` says; the tests compare it with one process."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed as dist
from torch import nn

from skdeepclust.nn.ranks import Ranks, find_ranks, rank_device

sys.path.insert(0, str(Path(__file__).parent))
import two_ranks

CPU = torch.device("cpu")
ALONE = Ranks()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What each of the two ranks found."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, two_ranks.__file__, str(folder)],
            env={**os.environ, **group, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(said)
    assert said == ["", ""], "a rank should end without warnings"
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)]


def close(found, expected, precision):
    """Compare tensors or dictionaries of them, relative to the largest number of each tensor."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name in expected:
            close(found[name], expected[name], precision)
        return
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    tolerance = precision * expected.abs().max().clamp_min(1e-6).item()
    assert (found - expected).abs().max().item() <= tolerance


def test_ranks_find_each_other(both):
    assert [(r["ranks"].rank, r["ranks"].size, r["ranks"].is_first) for r in both] == [(0, 2, True), (1, 2, False)]


def test_workers_of_a_rank_do_not_take_its_place(both):
    assert both[0]["size of worker"] == 1


@pytest.mark.parametrize("backbone", ["compact", "mlp"])
@pytest.mark.parametrize(("dtype", "precision"), [("float64", 1e-12), ("float32", 1e-5)])
def test_a_step_of_two_ranks_is_a_step_of_one(both, backbone, dtype, precision):
    """Losses, gathered outputs in the order of the batch, all gradients, running statistics."""
    expected = two_ranks.step(ALONE, backbone, dtype)
    for found in both:
        close(found["steps"][backbone, dtype], expected, precision)


@pytest.mark.parametrize("backbone", ["compact", "mlp"])
def test_half_precision_is_as_good_on_two_ranks(both, backbone):
    """Rounding to 8 bits changes gradients by a tenth and more: compare the distances from those of float64.

    That of a single bias of ten numbers scatters by a factor of two with the processor; that of all together does not.
    """
    exact = two_ranks.step(ALONE, backbone, "float64")
    alone = two_ranks.step(ALONE, backbone, "bfloat16")
    for found in both:
        found = found["steps"][backbone, "bfloat16"]
        close(found["terms"].double(), exact["terms"], 1e-3)
        errors = {
            name: [(g["gradients"][name].double() - right).norm() for g in (found, alone)]
            for name, right in exact["gradients"].items()
        }
        for name, (error, error_alone) in errors.items():
            assert error <= 3 * error_alone + 1e-9, name
        error, error_alone = torch.tensor(list(errors.values())).norm(dim=0)
        assert error <= 1.5 * error_alone
        close(found["buffers"], alone["buffers"], 1e-3)


@pytest.mark.parametrize("case", two_ranks.CASES)
def test_ranks_agree_to_the_last_bit(both, case):
    first, second = (found["steps"][case] for found in both)
    assert torch.equal(first["terms"], second["terms"])
    for group in ("gradients", "buffers"):
        for name in first[group]:
            assert torch.equal(first[group][name], second[group][name]), name


def test_gathered_rows_are_in_order_and_gradients_are_summed(both):
    rows = torch.arange(6.0).reshape(3, 2)
    expected = two_ranks.weights_of_a_rank(0) + two_ranks.weights_of_a_rank(1)
    for rank, found in enumerate(both):
        assert torch.equal(found["gather"]["rows"], torch.cat([rows, rows + 10]))
        assert torch.equal(found["gather"]["gradient"], expected[3 * rank : 3 * rank + 3])


def test_averages_of_gradients_in_buckets(both):
    for found in both:
        for i, gradient in enumerate(found["averages"]):
            if i == 2:
                assert gradient is None
            else:
                assert torch.equal(gradient, torch.full_like(gradient, i + 0.5))


def test_gradient_of_what_each_rank_computes_from_its_weights(both):
    for found in both:
        assert found["penalty"].tolist() == [2.0, -6.0]


def test_everyone_gets_the_network_and_the_objects_of_the_first(both):
    expected = two_ranks.new_network("compact", torch.float32, seed=0).state_dict()
    for found in both:
        assert found["object"] == {"seed": 7, "names": ["a"]}
        assert list(found["network"]) == list(expected)
        assert all(torch.equal(found["network"][name], expected[name]) for name in expected)


def test_messages_name_the_value_and_the_fix(both):
    for found in both:
        assert found["part"] == (
            "batch_size=15 cannot be shared equally by 2 ranks; use a multiple of 2, such as batch_size=14."
        )
        assert "device='meta' do not travel" in found["device"]
        assert "backend is 'gloo'" in found["device"]
        assert "device='cpu'" in found["device"]


@pytest.mark.parametrize("variant", two_ranks.VARIANTS)
def test_batch_norm_of_two_ranks(both, variant):
    """Against plain batch norm in float64: a mean of 300 costs float32 some digits, its square would cost the rest."""
    x = two_ranks.shifted_rows()
    expected = two_ranks.normalize(ALONE, variant, x.double(), torch.float64)
    for found in both:
        result = found["norms"][variant]
        for name in ("y", "dx"):
            close(result[name].double(), expected[name], 3e-4)
        for gradient, right in zip(result["gradients"], expected["gradients"], strict=True):
            close(gradient.double(), right, 3e-4)
        assert list(result["buffers"]) == list(expected["buffers"])
        for name, right in expected["buffers"].items():
            close(result["buffers"][name].double(), right.double(), 1e-4)


def test_batch_norm_of_two_ranks_in_float64(both):
    expected = two_ranks.normalize(ALONE, "usual", two_ranks.shifted_rows(torch.float64), torch.float64)
    for found in both:
        for name in ("y", "dx", "buffers"):
            close(found["double norm"][name], expected[name], 1e-10)


def test_statistics_of_half_precision_are_float32(both):
    x = two_ranks.shifted_rows(torch.bfloat16) - 300
    expected = two_ranks.normalize(ALONE, "usual", x.double(), torch.float64)["buffers"]
    for found in both:
        assert found["half norm"]["y"].dtype == torch.bfloat16
        for name in ("running_mean", "running_var"):
            assert found["half norm"]["buffers"][name].dtype == torch.float32
            close(found["half norm"]["buffers"][name].double(), expected[name], 1e-5)


def test_alone_everything_is_the_identity():
    assert find_ranks(CPU) == ALONE
    assert ALONE.is_first
    x, value = torch.randn(3, 2, requires_grad=True), {"seed": 1}
    assert ALONE.gather(x) is x
    assert ALONE.broadcast_object(value) is value
    assert ALONE.part(7) == slice(0, 7)
    network = nn.Linear(2, 1)
    before = [w.clone() for w in network.parameters()]
    network(x).sum().backward()
    gradients = [w.grad.clone() for w in network.parameters()]
    ALONE.average_gradients(network.parameters())
    ALONE.broadcast_module(network)
    for w, old, gradient in zip(network.parameters(), before, gradients, strict=True):
        assert torch.equal(w, old)
        assert torch.equal(w.grad, gradient)


def test_parts_cover_the_batch():
    parts = [list(range(12))[Ranks(rank, 4).part(12)] for rank in range(4)]
    assert [row for part in parts for row in part] == list(range(12))
    assert {len(part) for part in parts} == {3}
    with pytest.raises(ValueError, match="batch_size=2 cannot be shared equally by 4 ranks; .*batch_size=4"):
        Ranks(0, 4).part(2)


def test_a_group_of_one_is_alone():
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        assert find_ranks(CPU) == ALONE
    finally:
        dist.destroy_process_group()


def test_each_rank_has_its_own_cuda_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    first, second = torch.device("cuda", 0), torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert rank_device(first) == first, "not launched"
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    assert rank_device(first) == rank_device(torch.device("cuda")) == second
    assert rank_device(CPU) == CPU
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="LOCAL_RANK=2, but this machine has 2 CUDA devices.*--nproc-per-node 2"):
        rank_device(first)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert rank_device(first) == first
