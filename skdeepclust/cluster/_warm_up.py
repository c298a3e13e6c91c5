# SPDX-License-Identifier: BSD-3-Clause
"""Compile the kernels before they are needed."""

import warnings

import numpy as np

from ..consensus import EntropyWeightedConsensus, TransferCut
from ._path_integral import PathIntegralClustering
from ._rowwise_kmeans import RowwiseKMeans
from ._usenc import USENC
from ._uspec import USPEC


def warm_up():
    """Compile all kernels of the consensus half for the usual types, on tiny data.

    Kernels are compiled at their first call, some 20 s in all, and kept on disk from then on (unless
    ``SKDEEPCLUST_NUMBA_CACHE=0``). Call this when a server starts, a container is built, or before something is timed.

    Examples
    --------
    >>> from skdeepclust import warm_up
    >>> warm_up()
    """
    rng = np.random.default_rng(0)
    weights = 0.5 + rng.random(60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tiny data may collapse
        for dtype in (np.float32, np.float64):
            for d in (2, 5, 200):  # lists of neighbours, products, products along principal axes
                X = rng.normal(size=(300, d)).astype(dtype)
                for parameters in ({}, {"metric": "cosine"}, {"bandwidth": "local"}):
                    _use(USENC(2, n_estimators=2, n_representatives=150, random_state=0, **parameters), X)
                _use(USPEC(2, n_representatives=150, random_state=0), X)
                RowwiseKMeans(2, n_init=1, random_state=0).fit(X).predict(X)
                parts = np.concatenate([X[:150], X[150:] + 100])  # without an edge between them
                PathIntegralClustering(2).fit(parts).predict_proba(X)
            _use(USENC(2, n_estimators=2, theta=1.0, random_state=0), X[:60], weights)
            _use(TransferCut(2, random_state=0), np.abs(X[:60]).astype(dtype), weights)
            wide = np.abs(rng.normal(size=(60, 4))).astype(dtype)
            TransferCut(2, random_state=0).fit(wide)
        for most in (5, 300):  # codes of one and of two bytes
            votes = rng.integers(-1, most, (400, 3))
            votes[:most, 0] = np.arange(most)
            for method in ("transfer_cut", "average"):
                _use(EntropyWeightedConsensus(2, method=method, theta=0.4, random_state=0), votes)
                _use(EntropyWeightedConsensus(2, method=method, theta=0.4, random_state=0), votes[:60], weights)
            EntropyWeightedConsensus(2, random_state=0).partial_fit(votes)


def _use(model, X, sample_weight=None):
    """Fit, and label the rows again."""
    model.fit(X, sample_weight=sample_weight)
    model.predict(X)
    model.predict_proba(X)
