# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle

import pytest
import torch

from skdeepclust.nn.augment import build_augmentation
from skdeepclust.nn.color_jitter import ColorJitter
from skdeepclust.nn.drawn_augmentation import Chain, apply_where
from skdeepclust.nn.random_affine import RandomAffine
from skdeepclust.nn.random_erasing import RandomErasing

SETS = [
    ("gray", (1, 28, 28)),
    ("gray", (4, 12, 20)),
    ("color", (3, 32, 32)),
    ("color", (3, 64, 80)),
    ("none", (1, 16, 16)),
]


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize(("name", "shape"), SETS)
def test_parameters_are_one_row_per_sample(name, shape):
    augment = build_augmentation(name, shape)
    params = augment.draw(5)
    assert params.shape == (5, len(augment.columns))
    assert params.dtype == torch.float32
    assert params.device.type == "cpu"


@pytest.mark.parametrize(("name", "shape"), SETS)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_parts_of_a_batch_get_the_views_of_the_whole(name, shape, memory_format):
    augment = build_augmentation(name, shape)
    x = torch.rand(20, *shape).contiguous(memory_format=memory_format)
    params = augment.draw(20)
    whole = augment.apply(x, params)
    for start, stop in [(0, 1), (0, 10), (10, 20), (3, 7)]:
        part = augment.apply(x[start:stop], params[start:stop])
        torch.testing.assert_close(part, whole[start:stop], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("name", "shape"), SETS)
def test_a_call_draws_and_applies(name, shape):
    augment = build_augmentation(name, shape)
    x = torch.rand(6, *shape)
    torch.manual_seed(3)
    called = augment(x)
    torch.manual_seed(3)
    params = augment.draw(6)
    assert torch.equal(called, augment.apply(x, params))
    assert torch.equal(augment.apply(x, params), augment.apply(x, params))


@pytest.mark.parametrize(("name", "shape"), SETS)
def test_what_the_pixels_are_does_not_move_the_generator(name, shape):
    augment = build_augmentation(name, shape)
    states = []
    for x in (torch.zeros(6, *shape), torch.rand(6, *shape)):
        torch.manual_seed(3)
        augment(x)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


@pytest.mark.parametrize(("name", "shape"), SETS)
def test_views_keep_memory_format_dtype_and_batch(name, shape):
    augment = build_augmentation(name, shape)
    x = torch.rand(6, *shape)
    params = augment.draw(6)
    for dtype in (torch.float32, torch.float64):
        views = []
        for memory_format in (torch.contiguous_format, torch.channels_last):
            batch = x.to(dtype).contiguous(memory_format=memory_format)
            kept = batch.clone()
            views.append(augment.apply(batch, params))
            assert torch.equal(batch, kept)
            assert views[-1].dtype == dtype
            assert views[-1].is_contiguous(memory_format=memory_format)
        assert torch.equal(*views)


@pytest.mark.parametrize(("name", "shape"), SETS)
def test_copies_do_the_same(name, shape):
    augment = build_augmentation(name, shape)
    x, params = torch.rand(6, *shape), augment.draw(6)
    for other in (copy.deepcopy(augment), pickle.loads(pickle.dumps(augment))):
        assert other == augment
        assert torch.equal(other.apply(x, params), augment.apply(x, params))


def test_a_chain_splits_the_parameters_among_its_steps():
    steps = (RandomAffine((8, 8), degrees=30), ColorJitter(brightness=0.2), RandomErasing((8, 8), 0.5, (0.1, 0.2)))
    chain = Chain(steps)
    assert chain.columns == steps[0].columns + steps[1].columns + steps[2].columns
    x, params = torch.rand(4, 1, 8, 8), chain.draw(4)
    expected = steps[0].apply(x, params[:, :11])
    expected = steps[1].apply(expected, params[:, 11:16])
    expected = steps[2].apply(expected, params[:, 16:])
    assert torch.equal(chain.apply(x, params), expected)


@pytest.mark.parametrize("chosen", [[], [2], [0, 3], [0, 1, 2, 3]])
def test_only_the_chosen_rows_are_changed(chosen):
    x = torch.rand(4, 2, 3, 3)
    params = torch.arange(4.0)[:, None]
    mask = torch.zeros(4, dtype=torch.bool)
    mask[chosen] = True
    kept = x.clone()
    out = apply_where(x, mask, lambda part, row: part + row[:, :, None, None], params)
    for i in range(4):
        assert torch.equal(out[i], x[i] + i if i in chosen else x[i])
    assert torch.equal(x, kept)
