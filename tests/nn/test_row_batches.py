# SPDX-License-Identifier: BSD-3-Clause
"""Rows on the device, staged or on the host make the same batches; where they lie is decided by a rule."""

import numpy as np
import pytest
import torch

from skdeepclust.encoders import ContrastiveEncoder
from skdeepclust.nn import row_batches
from skdeepclust.nn.row_batches import RowBatches, Staging, placement
from skdeepclust.nn.samples import fit_reader

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (50, 64), dtype=np.uint8)
CASES = {
    "uint8 images, enlarged": (PIXELS, (8, 8, 1)),
    "colour images": (RNG.integers(0, 256, (50, 588), dtype=np.uint8), (14, 14, 3)),
    "floats in [0, 1]": (RNG.random((50, 64), dtype=np.float32), (8, 8, 1)),
    "floats in another range": (RNG.normal(5, 3, (50, 64)), (8, 8, 1)),
    "table": (RNG.normal(1e6, 1, (50, 7)), None),
    "table of float32": (RNG.normal(3, 1, (50, 7)).astype(np.float32), None),
    "table of bytes": (PIXELS, None),
    "column by column": (np.asfortranarray(RNG.normal(3, 1, (50, 7))), None),
    "backwards": (RNG.normal(3, 1, (50, 7))[::-1, ::-1], None),
    "images backwards": (PIXELS[::-1], (8, 8, 1)),
}


@pytest.mark.parametrize(
    ("kind", "n_bytes", "free", "in_memory", "place"),
    [
        ("cpu", 10, None, True, "host"),
        ("mps", 10, None, True, "host"),
        ("cuda", 10, 30, True, "device"),
        ("cuda", 11, 30, True, "staged"),
        ("cuda", 10, 30, False, "staged"),
        ("cuda", 10, None, True, "staged"),
        ("xpu", 10, 30, True, "device"),
        ("xpu", 10, 30, False, "host"),
    ],
)
def test_placement(kind, n_bytes, free, in_memory, place):
    assert placement(kind, n_bytes, free, in_memory) == place


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("place", ["device", "staged"])
def test_same_bits_wherever_the_rows_lie(case, place):
    X, shape = CASES[case]
    reader = fit_reader(X, shape, CPU)
    here, there = RowBatches(X, reader), RowBatches(X, reader, place)
    for n in (12, 5, 20, 12):
        rows = RNG.permutation(50)[:n]
        expected = here(rows)
        np.testing.assert_array_equal(there(rows).numpy(), expected.numpy())
        assert there(rows).stride() == expected.stride()


def test_scaling_is_that_of_numpy():
    """What the network sees is defined by the formula in numpy, whatever library makes it."""
    X, _ = CASES["table"]
    found = fit_reader(X, None, CPU)(X).numpy()
    np.testing.assert_array_equal(found, ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32))
    found = fit_reader(PIXELS, (8, 8, 1), CPU).on(None)(np.zeros((1, 64), np.uint8) + 77)
    assert (found.numpy() == np.float32(77) / np.float32(255)).all()


def test_buffers_take_turns():
    staging = Staging(CPU)
    kept = [staging(PIXELS[i : i + 4]) for i in range(3)]
    np.testing.assert_array_equal(staging.buffers[0], PIXELS[2:6])
    np.testing.assert_array_equal(staging.buffers[1], PIXELS[1:5])
    for i, moved in enumerate(kept):  # what was handed out is not written over
        np.testing.assert_array_equal(moved, PIXELS[i : i + 4])


def test_a_buffer_is_filled_again_when_the_device_has_read_it(monkeypatch):
    """With a CPU that is taken for a CUDA device."""
    seen, staging = [], Staging(CPU)

    class Event:
        def record(self, stream):
            self.stream = stream

        def synchronize(self):
            seen.append((self.stream, [buffer.clone() for buffer in staging.buffers]))

    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *shape, pin_memory, **keywords: empty(*shape, **keywords))
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    monkeypatch.setattr(staging, "_is_asynchronous", True)
    blocks = [PIXELS[i : i + 4] for i in range(4)]
    staging(blocks[0]), staging(blocks[1])
    assert not seen, "nothing to wait for"
    staging(blocks[2]), staging(blocks[3])
    for turn, (stream, held) in enumerate(seen):
        assert stream == "stream of cpu"
        np.testing.assert_array_equal(held[turn], blocks[turn])  # not written over before
    assert len(seen) == 2


def test_rows_move_once_and_are_let_go():
    X = PIXELS.copy()
    batches = RowBatches(X, fit_reader(X, (8, 8, 1), CPU), "device")
    before = batches(np.arange(3))
    X[:] = 0
    np.testing.assert_array_equal(batches(np.arange(3)), before)
    batches.close()
    assert batches(np.arange(3)).max() == 0


@pytest.mark.parametrize("place", ["device", "staged"])
def test_a_training_is_the_same(place, monkeypatch):
    images = PIXELS.reshape(-1, 8, 8)
    encoder = ContrastiveEncoder(3, max_epochs=1, batch_size=16, device="cpu", random_state=0)
    expected = encoder.fit_transform(images)
    monkeypatch.setattr(row_batches, "placement", lambda *arguments: place)
    np.testing.assert_array_equal(encoder.fit_transform(images), expected)
