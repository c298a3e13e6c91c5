# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's common checks for the estimators of ``consensus`` and ``cluster``; none is expected to fail."""

import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdeepclust.cluster import USENC, USPEC, BaseClusterings, PathIntegralClustering
from skdeepclust.consensus import EntropyWeightedConsensus, TransferCut

ESTIMATORS = [
    TransferCut(n_clusters=4),
    EntropyWeightedConsensus(n_clusters=3),
    EntropyWeightedConsensus(n_clusters=3, method="transfer_cut"),
    EntropyWeightedConsensus(n_clusters=3, method="average"),
    USPEC(n_clusters=3, n_representatives=30, n_init=1),
    USENC(n_clusters=3, n_estimators=8, n_representatives=30, n_init=1),
    BaseClusterings(n_estimators=2, base_clusterer=USPEC(n_representatives=30, n_init=1, max_iter=5)),
    PathIntegralClustering(n_clusters=3),
]

# The checks feed continuous data to estimators of labels and affinities: the fallbacks are meant to speak up. The
# checks of set_output mix arrays and data frames themselves.
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
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
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


@quiet
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_no_tag_switches_checks_off(estimator):
    assert not estimator.__sklearn_tags__().non_deterministic
