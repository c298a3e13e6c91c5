# SPDX-License-Identifier: BSD-3-Clause
"""Two worker processes: the same bits, small graphs, and nothing left behind on the cluster."""

import gc
import os
import pickle
import signal
import time
import warnings

import cloudpickle
import joblib
import numpy as np
import pytest
import same_results as same

from skdeepclust.cluster import USENC, USPEC, BaseClusterings
from skdeepclust.consensus._discretise import MAX_KMEANS_ROWS

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.usefixtures("client")


def chunked(name, chunks="across features"):
    return da.from_array(same.rows_for(name), chunks=same.CHUNKS[chunks])


@pytest.mark.parametrize("name", same.MAKE)
def test_every_estimator_to_the_last_bit(name):
    X, expected = chunked(name), same.reference(name, False)
    model = same.MAKE[name]().fit(X)
    same.assert_same(model, expected)
    same.assert_lazy_and_same(model, X, expected, same.rows_for(name))


@pytest.mark.parametrize("name", ["uspec local", "usenc weighted", "consensus weighted"])
def test_weights(name):
    model = same.MAKE[name]().fit(chunked(name), sample_weight=same.WEIGHTS)
    same.assert_same(model, same.reference(name, True))


def test_chunks_of_one_row_and_of_none():
    X = chunked("usenc", "uneven, one of one row, one empty")
    same.assert_same(same.MAKE["usenc"]().fit(X), same.reference("usenc", False))


def test_more_rows_than_kmeans_takes():
    """Workers cannot be patched, so that this has as many as it takes for passes over all of them."""
    X = da.random.default_rng(0).normal(size=(MAX_KMEANS_ROWS + 5_000, 2), chunks=(7_000, 2))
    rows = X.compute()
    same.assert_same(USPEC(3, **same.SMALL).fit(X), USPEC(3, **same.SMALL).fit(rows))
    votes = [da.digitize(X[:, i % 2], np.sort(np.random.default_rng(i).normal(size=5))) for i in range(6)]
    votes = da.stack(votes, axis=1).rechunk({1: -1})
    consensus = same.MAKE["consensus weighted"]
    same.assert_same(consensus().fit(votes), consensus().fit(votes.compute()))


def test_graphs_are_small():
    """A graph may hold a model, sampled row numbers or the weights of one chunk, but nothing of all rows."""
    n, chunk = 120_000, 20_000
    X = da.random.default_rng(0).random((n, 4), chunks=(chunk, 4))
    votes = da.random.default_rng(0).integers(-1, 2, (n, 3), chunks=(chunk, 3))
    weights = np.random.default_rng(0).random(n)
    limit = {"distributed.admin.large-graph-warning-threshold": 2 * weights[:chunk].nbytes}
    with dask.config.set(limit), warnings.catch_warnings():
        warnings.simplefilter("error")
        for sample_weight in (None, weights):
            usenc = USENC(3, n_estimators=2, n_representatives=20, n_init=1, random_state=0)
            usenc.fit(X, sample_weight=sample_weight)
            consensus = same.MAKE["consensus weighted"]().fit(votes, sample_weight=sample_weight)
            assert (consensus.labels_ == -1).any()  # rows without any label are left out by a mask
        assert usenc.predict(X)[:10].compute().shape == (10,)
        assert usenc.predict_proba(X)[-10:].compute().shape == (10, 3)
        with pytest.raises(UserWarning, match="large graph"):
            da.from_array(weights).sum().compute()


def assert_held(client, wanted):
    """The cluster holds these results for us and no others; releases take a moment to get there."""
    for _ in range(100):
        gc.collect()
        if set(client.futures) == wanted:
            return
        time.sleep(0.1)
    assert set(client.futures) == wanted


def test_nothing_is_held_on_the_cluster_but_the_label_matrix(client):
    assert_held(client, set())
    for name in ("uspec", "consensus"):
        model = same.MAKE[name]().fit(chunked(name), sample_weight=same.WEIGHTS)
        assert_held(client, set())
    model = same.MAKE["usenc"]().fit(chunked("usenc"), sample_weight=same.WEIGHTS)
    labels = {future.key for future in distributed.futures_of(model.base_labels_)}
    assert len(labels) == 3  # one for each chunk
    assert_held(client, labels)
    del model
    assert_held(client, set())


@pytest.mark.parametrize("name", ["uspec", "usenc", "base clusterings", "consensus"])
def test_pickles(name):
    model = same.MAKE[name]().fit(chunked(name))
    for pickler in (pickle, cloudpickle):
        again = pickler.loads(pickler.dumps(model))
        same.assert_lazy_and_same(again, chunked(name), same.reference(name, False), same.rows_for(name))
        if hasattr(model, "labels_"):
            np.testing.assert_array_equal(again.predict(same.rows_for(name)), model.labels_)


def test_a_model_with_joblib_workers_labels_chunks_without_them():
    X = chunked("usenc")
    model = same.MAKE["usenc"]().set_params(n_jobs=2).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(model.predict(X).compute(), same.reference("usenc", False).labels_)
    assert model.base_clusterings_.n_jobs == 2


@pytest.mark.parametrize("weighted", [False, True])
def test_joblib_workers_on_the_cluster(weighted):
    weights = same.WEIGHTS if weighted else None
    serial = BaseClusterings(5, members_per_graph=2, random_state=0).fit(same.FEATURES, sample_weight=weights)
    with joblib.parallel_config(backend="dask"):
        model = same.MAKE["usenc"]().set_params(n_jobs=2).fit(same.FEATURES, sample_weight=weights)
        base = BaseClusterings(5, members_per_graph=2, n_jobs=2, random_state=0)
        base.fit(same.FEATURES, sample_weight=weights)
        np.testing.assert_array_equal(base.transform(same.FEATURES), serial.base_labels_)
        np.testing.assert_array_equal(model.predict(same.FEATURES), same.reference("usenc", weighted).labels_)
    np.testing.assert_array_equal(base.base_labels_, serial.base_labels_)
    np.testing.assert_array_equal(model.labels_, same.reference("usenc", weighted).labels_)


def test_a_lost_worker_is_made_up_for(client):
    model = same.MAKE["usenc"]().fit(chunked("usenc"))
    os.kill(next(iter(client.cluster.workers.values())).process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    np.testing.assert_array_equal(model.base_labels_.compute(), same.reference("usenc", False).base_labels_)
    same.assert_same(same.MAKE["uspec"]().fit(chunked("uspec")), same.reference("uspec", False))


def test_errors_in_a_worker_reach_the_user():
    """The last test: distributed keeps the frames of an error that it has passed on, and with them their results."""
    rows = same.FEATURES.copy()
    rows[650, 2] = np.nan
    for name in ("uspec", "usenc"):
        with pytest.raises(ValueError, match="NaN or infinity"):
            same.MAKE[name]().fit(da.from_array(rows, chunks=(300, 6)))
