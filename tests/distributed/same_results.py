# SPDX-License-Identifier: BSD-3-Clause
"""Estimators that take dask arrays, data for them, and what has to be equal to the last bit."""

import functools

import numpy as np
from sklearn.datasets import make_blobs

from skdeepclust.cluster import USENC, USPEC, BaseClusterings
from skdeepclust.consensus import EntropyWeightedConsensus

N = 701
FEATURES, _ = make_blobs(N, centers=4, n_features=6, cluster_std=2.0, random_state=0)
WEIGHTS = np.random.default_rng(1).random(N) * 3
WEIGHTS[:40] = 0
WEIGHTS[40:80] = 2

CHUNKS = {
    "one": (N, 6),
    "even": (200, 6),
    "uneven, one of one row, one empty": ((300, 1, 0, 400), 6),
    "across features": (300, (2, 3, 1)),
}


def label_matrix():
    """Six noisy copies of four clusters, labels missing here and there, some rows without any."""
    rng = np.random.default_rng(2)
    votes = np.repeat(rng.integers(0, 4, N)[:, None], 6, axis=1)
    noise = rng.random(votes.shape)
    votes[noise < 0.1] = rng.integers(0, 6, (noise < 0.1).sum())
    votes[noise > 0.9] = -1
    votes[5::100] = -1
    votes[3, 2] = 77  # weighs nothing where there are weights
    return votes


LABELS = label_matrix()
SMALL = {"n_representatives": 60, "random_state": 0}
MAKE = {
    "uspec": lambda: USPEC(4, **SMALL),
    "uspec of idle representatives": lambda: USPEC(4, n_neighbors=1, n_representatives=200, random_state=0),
    "uspec cosine": lambda: USPEC(4, metric="cosine", **SMALL),
    "uspec local": lambda: USPEC("auto", bandwidth="local", **SMALL),
    "usenc": lambda: USENC(4, n_estimators=4, members_per_graph=2, **SMALL),
    "usenc weighted": lambda: USENC(4, n_estimators=3, theta=0.4, bandwidth="local", **SMALL),
    "base clusterings": lambda: BaseClusterings(
        4, base_clusterer=USPEC(n_representatives=60), group_sizes=(2, 4), random_state=0
    ),
    "consensus": lambda: EntropyWeightedConsensus(4, theta=None, random_state=0),
    "consensus weighted": lambda: EntropyWeightedConsensus(4, theta=0.4, random_state=0),
    "consensus by average linkage": lambda: EntropyWeightedConsensus(4, method="average", theta=0.4),
}


def rows_for(name):
    """What the estimator of that name is fitted on."""
    return LABELS if name.startswith("consensus") else FEATURES


@functools.cache
def reference(name, weighted):
    """The estimator fitted on an array in memory."""
    return MAKE[name]().fit(rows_for(name), sample_weight=WEIGHTS if weighted else None)


def state_of(model):
    """Every fitted array and number of an estimator, of its members and of its rules, by its place."""
    found = {}

    def visit(place, value):
        if isinstance(value, (np.ndarray, int, float)):
            found[place] = value
        elif isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                visit(f"{place}[{i}]", item)
        elif hasattr(value, "compute"):
            found[place] = value.compute()
        elif hasattr(value, "__dict__"):
            for name, item in vars(value).items():
                visit(f"{place}.{name}", item)

    visit("", model)
    return found


def assert_same(model, expected):
    """Every bit of the fitted state is equal."""
    ours, theirs = state_of(model), state_of(expected)
    assert ours.keys() == theirs.keys()
    for place, value in theirs.items():
        assert np.asarray(ours[place]).dtype == np.asarray(value).dtype, place
        np.testing.assert_array_equal(ours[place], value, err_msg=place)


def assert_lazy_and_same(model, chunked, expected, rows):
    """Whatever labels new rows gives a lazy dask array, chunked like its input, that is equal to the last bit."""
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(model, method):
            lazy, wanted = getattr(model, method)(chunked), getattr(expected, method)(rows)
            assert type(lazy).__module__.startswith("dask."), method
            assert (lazy.shape, lazy.dtype) == (wanted.shape, wanted.dtype), method
            assert lazy.chunks[0] == chunked.chunks[0], method
            np.testing.assert_array_equal(lazy.compute(), wanted, err_msg=method)
