# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's common checks for the estimators that train a network; none is expected to fail."""

import numpy as np
import pytest
from sklearn.base import clone, is_clusterer
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from skdeepclust.cluster import USENC, USPEC
from skdeepclust.deep import DEPICT, AnchorContrastiveClustering, ContrastiveClustering, DeepClusterEnsemble, IcicleGCN
from skdeepclust.encoders import ContrastiveEncoder, FrozenEncoder

ESTIMATORS = [
    AnchorContrastiveClustering(n_clusters=3, backbone="mlp", max_epochs=6, batch_size=32, device="cpu"),
    DEPICT(n_clusters=3, hidden_sizes=(16,), max_epochs=4, batch_size=32, device="cpu"),
    ContrastiveEncoder(n_clusters=3, backbone="mlp", max_epochs=2, batch_size=32, device="cpu"),
    ContrastiveClustering(n_clusters=3, backbone="mlp", max_epochs=8, batch_size=32, device="cpu"),
    DeepClusterEnsemble(
        n_clusters=3,
        backbone="mlp",
        max_epochs=2,
        batch_size=32,
        n_estimators=4,
        base_clusterer=USPEC(n_representatives=30, n_init=1, max_iter=5),
        device="cpu",
    ),
    # Without weights: the checks compare hashes of parameters, and the hash of a tensor is that of its place in memory.
    FrozenEncoder(nn.Sequential(nn.Tanh(), nn.Softmax(dim=1)), layers=("0", "1"), device="cpu"),
    IcicleGCN(n_clusters=3, backbone="mlp", max_epochs=2, batch_size=32, hidden_sizes=(8,), max_iter=8, device="cpu"),
]

# A few epochs on a dozen rows may leave a cluster empty: the warnings are meant to speak up. The checks of
# set_output mix arrays and data frames themselves.
quiet = pytest.mark.filterwarnings(
    "ignore::skdeepclust._support._warnings.FallbackWarning",
    "ignore::skdeepclust._support._warnings.ClusterCollapseWarning",
    "ignore:X has feature names:UserWarning",
    "ignore:X does not have valid feature names:UserWarning",
)


@quiet
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@quiet
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize(
    "check",
    [
        checks.check_set_output_transform,
        checks.check_set_output_transform_pandas,
        checks.check_set_output_transform_polars,
        checks.check_global_output_transform_pandas,
        checks.check_get_feature_names_out_error,
        checks.check_dataframe_column_names_consistency,
    ],
    ids=lambda check: check.__name__,
)
def test_checks_left_out_of_the_common_ones(estimator, check):
    check(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_no_tag_switches_checks_off(estimator):
    assert not estimator.__sklearn_tags__().non_deterministic


@quiet
@pytest.mark.parametrize(
    "estimator",
    [*filter(is_clusterer, ESTIMATORS), USENC(3, n_estimators=8)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_probabilities_of_the_rows_of_fit_are_kept(estimator):
    X, _ = make_blobs(60, 5, centers=3, cluster_std=6.0, random_state=0)
    model = clone(estimator).set_params(random_state=0)
    if hasattr(model, "n_estimators"):
        model.set_params(n_estimators=10)  # fewer may agree on every row
    with pytest.raises((AttributeError, NotFittedError)):
        model.probabilities_  # noqa: B018
    model.fit(X)
    np.testing.assert_array_equal(model.probabilities_, model.predict_proba(X).max(axis=1))
    assert model.probabilities_.dtype == np.float64
    assert len(np.unique(model.probabilities_)) > 2
