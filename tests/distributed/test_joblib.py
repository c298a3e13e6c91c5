# SPDX-License-Identifier: BSD-3-Clause
"""joblib's workers do not change the result, and what comes back from them is as small as what was made here."""

import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
import same_results as same

from skdeepclust.cluster import BaseClusterings


def graphs_of(base):
    """One set of the graphs' identities per task."""
    return [{id(base.estimators_[m].graph_) for m in task} for task in base.tasks_]


def assert_one_graph_per_task(base):
    graphs = graphs_of(base)
    assert [len(task) for task in graphs] == [1] * len(graphs)
    assert len(set.union(*graphs)) == len(graphs)
    for member in base.estimators_:
        assert member.representatives_ is member.graph_.representatives


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_workers_do_not_change_the_result(backend, weighted):
    weights, expected = same.WEIGHTS if weighted else None, same.reference("usenc", weighted)
    with joblib.parallel_config(backend=backend):
        model = same.MAKE["usenc"]().set_params(n_jobs=2).fit(same.FEATURES, sample_weight=weights)
        np.testing.assert_array_equal(model.predict_proba(same.FEATURES), expected.predict_proba(same.FEATURES))
    same.assert_same(model.set_params(n_jobs=None).consensus_, expected.consensus_)
    np.testing.assert_array_equal(model.base_labels_, expected.base_labels_)
    assert_one_graph_per_task(model.base_clusterings_)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_members_of_several_kinds(backend):
    serial = BaseClusterings(6, group_sizes=(2, 4), random_state=0).fit(same.FEATURES)
    with joblib.parallel_config(backend=backend, n_jobs=2):  # the number of workers, too, may come from outside
        model = BaseClusterings(6, group_sizes=(2, 4), random_state=0).fit(same.FEATURES)
        np.testing.assert_array_equal(model.transform(same.FEATURES), serial.base_labels_)
    np.testing.assert_array_equal(model.base_labels_, serial.base_labels_)


def test_workers_read_a_memory_map(tmp_path):
    file = np.memmap(tmp_path / "X.dat", dtype=np.float64, mode="w+", shape=same.FEATURES.shape)
    file[:] = same.FEATURES
    file.flush()
    stored = np.memmap(tmp_path / "X.dat", dtype=np.float64, mode="r", shape=same.FEATURES.shape)
    with joblib.parallel_config(backend="loky"):
        model = same.MAKE["usenc"]().set_params(n_jobs=2).fit(stored)
    np.testing.assert_array_equal(model.labels_, same.reference("usenc", False).labels_)


@pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=lambda pickler: pickler.__name__)
@pytest.mark.parametrize("name", same.MAKE)
def test_pickles_label_like_the_model(name, pickler):
    model, rows = same.reference(name, True), same.rows_for(name)
    again = pickler.loads(pickler.dumps(model))
    same.assert_same(again, model)
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(model, method):
            np.testing.assert_array_equal(getattr(again, method)(rows), getattr(model, method)(rows))


def test_members_share_their_graph_in_a_pickle():
    model = same.MAKE["usenc"]().set_params(n_jobs=2).fit(same.FEATURES)
    assert_one_graph_per_task(pickle.loads(pickle.dumps(model)).base_clusterings_)
    alone = same.MAKE["usenc"]().set_params(members_per_graph=1).fit(same.FEATURES)
    assert len(set.union(*graphs_of(alone.base_clusterings_))) == 4
    assert len(pickle.dumps(model)) < len(pickle.dumps(alone))
