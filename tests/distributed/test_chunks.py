# SPDX-License-Identifier: BSD-3-Clause
"""A dask array gives the labels of the array in memory, whatever its chunks, types and weights."""

import tracemalloc

import numpy as np
import pytest
import same_results as same

from skdeepclust.cluster import USENC, USPEC
from skdeepclust.cluster._rows import validate_table
from skdeepclust.consensus._parts import DaskParts

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


@pytest.fixture(params=["synchronous", "threads"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield request.param


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("chunks", same.CHUNKS.values(), ids=same.CHUNKS)
@pytest.mark.parametrize("name", same.MAKE)
def test_every_estimator_to_the_last_bit(scheduler, name, chunks, weighted):
    rows, weights = same.rows_for(name), same.WEIGHTS if weighted else None
    chunked = da.from_array(rows, chunks=chunks)
    model = same.MAKE[name]().fit(chunked, sample_weight=weights)
    expected = same.reference(name, weighted)
    same.assert_same(model, expected)
    if chunks == same.CHUNKS["across features"] or not weighted:
        same.assert_lazy_and_same(model, chunked, expected, rows)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
def test_every_type(dtype):
    rows = np.round((same.FEATURES - same.FEATURES.min()) * 8).astype(dtype)
    chunked = da.from_array(rows, chunks=300)
    for model in (USPEC(4, **same.SMALL), USENC(4, n_estimators=2, **same.SMALL)):
        expected = model.fit(rows)
        state, proba = same.state_of(expected), expected.predict_proba(rows)
        model.fit(chunked)
        assert same.state_of(model).keys() == state.keys()
        for place, value in same.state_of(model).items():
            np.testing.assert_array_equal(value, state[place], err_msg=place)
        np.testing.assert_array_equal(model.predict_proba(chunked).compute(), proba)


@pytest.mark.parametrize("name", ["uspec", "usenc", "consensus weighted"])
@pytest.mark.parametrize("weighted", [False, True])
def test_more_rows_than_kmeans_takes(monkeypatch, scheduler, name, weighted):
    monkeypatch.setattr("skdeepclust.consensus._discretise.MAX_KMEANS_ROWS", 200)
    rows, weights = same.rows_for(name), same.WEIGHTS if weighted else None
    expected = same.MAKE[name]().fit(rows, sample_weight=weights)
    model = same.MAKE[name]().fit(da.from_array(rows, chunks=(150, 6)), sample_weight=weights)
    same.assert_same(model, expected)


def test_containers_of_weights_and_labels_of_other_types():
    chunked = da.from_array(same.LABELS.astype(np.float32), chunks=(300, 2))
    weights = da.from_array(same.WEIGHTS, chunks=100)
    model = same.MAKE["consensus"]().fit(chunked, sample_weight=weights)
    same.assert_same(model, same.reference("consensus", True))
    assert model.score(chunked) == same.reference("consensus", True).score(same.LABELS)


def test_a_model_fitted_on_chunks_labels_arrays_and_the_other_way_round():
    chunked = da.from_array(same.FEATURES, chunks=(300, 6))
    for name in ("uspec", "usenc"):
        expected = same.reference(name, False)
        model = same.MAKE[name]().fit(chunked)
        np.testing.assert_array_equal(model.predict(same.FEATURES), expected.labels_)
        np.testing.assert_array_equal(expected.predict(chunked), expected.labels_)
        assert isinstance(model.labels_, np.ndarray)


def test_feature_names_are_those_of_the_last_fit():
    pandas = pytest.importorskip("pandas")
    model = USPEC(4, **same.SMALL).fit(pandas.DataFrame(same.FEATURES, columns=list("abcdef")))
    assert hasattr(model, "feature_names_in_")
    validate_table(model, da.from_array(same.FEATURES), reset=True)
    assert not hasattr(model, "feature_names_in_")


def test_sums_are_formed_a_few_at_a_time():
    parts = DaskParts(da.zeros((64, 1), chunks=1))
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(parts.total(large_term, parts.data), np.full((250, 1000), 64))
        tracemalloc.start()
        try:
            parts.total(large_term, parts.data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 20 * 2_000_000  # of 64


def large_term(rows):
    return np.ones((250, 1000), dtype=np.int64)


def test_a_step_that_writes_leaves_its_input_as_it_was():
    parts = DaskParts(da.zeros((6, 2), chunks=3))
    before = parts.map(np.array, parts.data)
    after = parts.update(write_one, before)
    np.testing.assert_array_equal(parts.collect(before), 0)
    np.testing.assert_array_equal(parts.collect(after), 1)


def write_one(rows):
    rows[:] = 1
    return rows


def test_weights_are_sent_once():
    parts = DaskParts(da.zeros((6, 2), chunks=(2, 2)))
    weights = np.arange(6.0)
    pieces = parts.split(weights)
    assert parts.split(weights) is pieces
    assert parts.split(weights + 1) is not pieces
    np.testing.assert_array_equal(np.concatenate(parts.collect(pieces)), weights)
