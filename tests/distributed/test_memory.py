# SPDX-License-Identifier: BSD-3-Clause
"""Data larger than memory: chunks and memory maps are read piece by piece, graphs hold nothing of the size of the data.

numpy reports its arrays to tracemalloc, and the synchronous scheduler works in this process.
"""

import pickle
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from skdeepclust.cluster import USENC, USPEC
from skdeepclust.consensus import EntropyWeightedConsensus

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

N, D, CHUNK = 100_000, 64, 5_000
PIECES = 8 * CHUNK * D * 4  # a few chunks of float32, or as many rows of a memory map
SMALL = {"n_representatives": 40, "random_state": 0}


@pytest.fixture(autouse=True)
def _synchronous():
    with dask.config.set(scheduler="synchronous"):
        yield


@contextmanager
def peak_below(limit):
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak / 1e6:.1f} MB"


def two_groups(rows):
    """Random rows moved to one of two places, by their own first bit."""
    return rows + np.where(rows[:, :1] > 0.5, 1.0, 0.0)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Rows of two groups in a file."""
    path = tmp_path_factory.mktemp("rows") / "X.dat"
    rng = np.random.default_rng(0)
    file = np.memmap(path, dtype=np.float32, mode="w+", shape=(N, D))
    for start in range(0, N, CHUNK):
        file[start : start + CHUNK] = two_groups(rng.random((CHUNK, D), dtype=np.float32))
    file.flush()
    return np.memmap(path, dtype=np.float32, mode="r", shape=(N, D))


def test_rows_that_are_made_when_they_are_read():
    X = da.random.default_rng(0).random((N, D), chunks=(CHUNK, D)).map_blocks(two_groups, dtype=float)
    model = USPEC(2, **SMALL).fit(X[:CHUNK])  # compile
    with peak_below(60 * N + 2 * PIECES):  # rows take 512 bytes each, table and labels 29
        model.fit(X)
    with peak_below(10 * N + 2 * PIECES):
        labels = model.predict(X).compute()
    np.testing.assert_array_equal(labels, model.labels_)
    assert adjusted_rand_score(X[:, 0].compute() > 1, labels) > 0.99


@pytest.mark.parametrize("kind", ["memory map", "dask array"])
def test_a_file_is_read_piece_by_piece(stored, kind):
    X = stored if kind == "memory map" else da.from_array(stored, chunks=(CHUNK, D))
    usenc = USENC(2, n_estimators=2, base_n_clusters=(4, 8), **SMALL).fit(X[:CHUNK])
    with peak_below(60 * N + PIECES):  # rows take 256 bytes each
        usenc.fit(X)
    with peak_below(60 * N + PIECES):
        labels = np.asarray(usenc.predict(X))
    np.testing.assert_array_equal(labels, usenc.labels_)
    assert adjusted_rand_score(stored[:, 0] > 1, usenc.labels_) > 0.99


def test_a_memory_map_gives_the_labels_of_the_array(stored):
    part = stored[:20_000]
    weights = np.random.default_rng(0).random(20_000)
    for sample_weight in (None, weights):
        mapped = USENC(3, n_estimators=3, theta=0.4, **SMALL).fit(part, sample_weight=sample_weight)
        loaded = USENC(3, n_estimators=3, theta=0.4, **SMALL).fit(np.array(part), sample_weight=sample_weight)
        np.testing.assert_array_equal(mapped.labels_, loaded.labels_)
        np.testing.assert_array_equal(mapped.base_labels_, loaded.base_labels_)
        np.testing.assert_array_equal(mapped.spectrum_, loaded.spectrum_)


def test_graphs_of_new_rows_hold_the_model_and_nothing_of_the_training_rows():
    X = da.random.default_rng(0).random((N, 4), chunks=(CHUNK, 4))
    usenc = USENC(3, n_estimators=2, n_representatives=20, random_state=0).fit(X)
    uspec = USPEC(3, n_representatives=20, random_state=0).fit(X)
    votes = da.random.default_rng(0).integers(0, 3, (N, 4), chunks=(CHUNK, 4))
    consensus = EntropyWeightedConsensus(3, random_state=0).fit(votes)
    for lazy in (
        uspec.predict(X),
        usenc.predict(X),
        usenc.predict_proba(X),
        usenc.base_clusterings_.transform(X),
        consensus.predict(votes),
    ):
        assert len(pickle.dumps(dict(lazy.__dask_graph__()))) < N / 2  # one byte for every second training row


def test_the_label_matrix_of_chunks_takes_one_byte_each():
    X = da.random.default_rng(0).random((N, 4), chunks=(CHUNK, 4))
    model = USENC(3, n_estimators=3, n_representatives=20, random_state=0).fit(X)
    assert model.base_labels_.dtype == np.int8
    assert model.base_labels_.chunks[0] == X.chunks[0]
    assert model.labels_.dtype == np.int32
