# SPDX-License-Identifier: BSD-3-Clause
"""Rows are read while something else is done, and are the same rows."""

import threading
from contextlib import closing

import numpy as np
import pytest
import torch
from torch import nn

from skdeepclust import ContrastiveEncoder
from skdeepclust._support._read_ahead import ReadAhead
from skdeepclust._support._sources import as_row_source

ROWS = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32)


class Store:
    """An array on disk, so to speak, that knows which thread reads what."""

    def __init__(self, array, fails_at=None):
        self.array, self.shape, self.dtype, self.fails_at = array, array.shape, array.dtype, fails_at
        self.reads = []
        self.is_read_ahead = threading.Event()

    def __getitem__(self, key):
        self.reads.append((threading.current_thread().name, key))
        if len(self.reads) == self.fails_at:
            raise OSError("disk")
        if threading.current_thread().name.startswith("read-ahead"):
            self.is_read_ahead.set()
        return self.array[key]


def test_announced_rows_are_read_by_another_thread():
    store = Store(ROWS)
    with closing(ReadAhead(as_row_source(store))) as rows:
        rows.announce(np.array([3, 1]))
        assert store.is_read_ahead.wait(10), "without being asked for"
        np.testing.assert_array_equal(rows(np.array([3, 1])), ROWS[[3, 1]])
        rows.announce(slice(2, 4))
        np.testing.assert_array_equal(rows(slice(2, 4)), ROWS[2:4])
    names = [name for name, _ in store.reads]
    assert len(names) == 2
    assert all(name.startswith("read-ahead") for name in names)


def test_other_rows_than_those_announced_are_read_all_the_same():
    store = Store(ROWS)
    with closing(ReadAhead(as_row_source(store))) as rows:
        rows.announce(np.array([3, 1]))
        np.testing.assert_array_equal(rows(np.array([1, 3])), ROWS[[1, 3]])
        rows.announce(slice(0, 2))
        np.testing.assert_array_equal(rows(np.array([0, 1])), ROWS[:2])
        np.testing.assert_array_equal(rows(np.array([5])), ROWS[[5]])


def test_an_error_of_reading_reaches_who_asks_for_the_rows():
    with closing(ReadAhead(as_row_source(Store(ROWS, fails_at=1)))) as rows:
        rows.announce(np.array([3]))
        with pytest.raises(OSError, match="disk"):
            rows(np.array([3]))
        np.testing.assert_array_equal(rows(np.array([3])), ROWS[[3]])


def test_arrays_in_memory_need_no_thread_and_memory_maps_have_one(tmp_path):
    assert not ReadAhead(ROWS).is_useful
    np.save(tmp_path / "rows.npy", ROWS)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    with closing(ReadAhead(mapped)) as rows:
        assert rows.is_useful
        rows.announce(slice(0, 5))
        block = rows(slice(0, 5))
    assert type(block) is np.ndarray, "read, not mapped"
    np.testing.assert_array_equal(block, ROWS[:5])


class WaitsForTheDisk(nn.Module):
    """Makes no training step before the rows of the next one have been read, except for the last of an epoch."""

    store, n_steps = None, 0

    def __init__(self, shape):
        super().__init__()
        self.body = nn.Linear(shape[0], 8)

    def forward(self, x):
        if self.training and self.store is not None:
            type(self).n_steps += 1
            if self.n_steps % 4:
                assert self.store.is_read_ahead.wait(10)
                self.store.is_read_ahead.clear()
        return self.body(x)


def test_training_reads_the_next_batch_during_a_step_and_ends_with_the_same_network(monkeypatch):
    recipe = {"n_clusters": 3, "backbone": WaitsForTheDisk, "batch_size": 24, "max_epochs": 3, "n_neighbors": 3}
    recipe |= {"device": "cpu", "precision": "float32", "random_state": 0}
    expected = ContrastiveEncoder(**recipe).fit(ROWS).network_.state_dict()
    store = Store(ROWS)
    monkeypatch.setattr(WaitsForTheDisk, "store", store)
    monkeypatch.setattr(WaitsForTheDisk, "n_steps", 0)
    found = ContrastiveEncoder(**recipe).fit(store).network_.state_dict()
    assert WaitsForTheDisk.n_steps == 12
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)
