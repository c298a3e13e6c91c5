# SPDX-License-Identifier: BSD-3-Clause
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.stats import ks_2samp

import skdeepclust
from skdeepclust.datasets import PLANAR_SETS, make_planar
from skdeepclust.datasets._planar import BLOCK_ROWS, cluster_counts
from skdeepclust.datasets._planar_components import COMPONENTS

FIGURE = Path(__file__).parents[3] / "shared" / "data" / "usenc_planar"  # the points printed in the paper
EVERY_COMPONENT = [(name, label) for name, k in PLANAR_SETS.items() for label in range(k)]


def moments(draw):
    """Mean (2,) and covariance (2, 2) of a component, in closed form."""
    kind, given = draw.func.__name__, draw.keywords
    if kind == "gaussian":
        return np.array(given["centre"]), np.diag(np.square(given["spread"]))
    if kind == "segment":
        first, last = np.array(given["ends"])
        across = last - first
        return (first + last) / 2, np.outer(across, across) / 12 + given["noise"] ** 2 * np.eye(2)
    if kind == "ring":
        return np.array(given["centre"]), (given["radius"] ** 2 + given["noise"] ** 2) / 2 * np.eye(2)
    a, b = given["angles"]
    turn, R = b - a, given["radius"]
    first = np.array([np.sin(b) - np.sin(a), np.cos(a) - np.cos(b)]) / turn  # means of cos t and sin t
    cos_cos = 0.5 + (np.sin(2 * b) - np.sin(2 * a)) / (4 * turn)
    cos_sin = (np.cos(2 * a) - np.cos(2 * b)) / (4 * turn)
    second = np.array([[cos_cos, cos_sin], [cos_sin, 1 - cos_cos]])
    return given["centre"] + R * first, R**2 * (second - np.outer(first, first)) + given["noise"] ** 2 * np.eye(2)


@pytest.mark.parametrize("name", PLANAR_SETS)
def test_shapes_types_and_shares(name):
    X, y = make_planar(name, 20_001, random_state=0)
    assert X.shape == (20_001, 2)
    assert X.dtype == np.float32
    assert y.dtype == np.int64
    assert X.flags.c_contiguous
    shares = np.array([share for share, _ in COMPONENTS[name]])
    assert len(shares) == PLANAR_SETS[name]
    assert np.abs(np.bincount(y) - 20_001 * shares / shares.sum()).max() <= 1
    assert np.abs(X.mean(axis=0)).max() < 0.1 * X.std()  # each set is centred


def test_numbers_of_clusters_are_those_of_the_paper():
    assert PLANAR_SETS == {"TB": 2, "SF": 4, "CC": 3, "CG": 11, "Flower": 13}


def test_every_row_has_a_cluster():
    for n in (1, 2, 7, 99, 1000):
        assert cluster_counts(np.array([1, 2, 3]), n).sum() == n
    np.testing.assert_array_equal(cluster_counts(np.array([378, 914, 902]), 2194), [378, 914, 902])


@pytest.mark.parametrize(("name", "label"), EVERY_COMPONENT)
def test_components_have_their_closed_form_moments(name, label):
    _, draw = COMPONENTS[name][label]
    n = 40_000
    points = draw(np.random.default_rng(0), n)
    mean, covariance = moments(draw)
    scale = np.sqrt(np.trace(covariance))
    np.testing.assert_allclose(points.mean(axis=0), mean, atol=5 * scale / np.sqrt(n))
    np.testing.assert_allclose(np.cov(points.T), covariance, atol=5 * scale**2 / np.sqrt(n))


@pytest.mark.parametrize(("name", "label"), [pair for pair in EVERY_COMPONENT if pair[0] in ("CC", "SF")])
def test_labels_name_the_components(name, label):
    X, y = make_planar(name, 60_000, random_state=0)
    mean, covariance = moments(COMPONENTS[name][label][1])
    scale = np.sqrt(np.trace(covariance))
    np.testing.assert_allclose(X[y == label].mean(axis=0), mean, atol=5 * scale / np.sqrt((y == label).sum()))


def test_rings_are_thin():
    X, y = make_planar("CC", 30_000, random_state=0)
    _, draw = COMPONENTS["CC"][2]
    reach = np.linalg.norm(X[y == 2] - draw.keywords["centre"], axis=1)
    assert reach.mean() == pytest.approx(draw.keywords["radius"], abs=0.05)
    assert reach.std() == pytest.approx(draw.keywords["noise"], rel=0.05)


def test_seeds():
    X, y = make_planar("CG", 5000, random_state=3)
    again, same = make_planar("CG", 5000, random_state=3)
    np.testing.assert_array_equal(X, again)
    np.testing.assert_array_equal(y, same)
    assert (make_planar("CG", 5000, random_state=4)[0] != X).any()
    generator = make_planar("CG", 50, random_state=np.random.RandomState(0))[0]
    np.testing.assert_array_equal(generator, make_planar("CG", 50, random_state=np.random.RandomState(0))[0])
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    make_planar("CG", 50)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_order():
    _, y = make_planar("Flower", 5000, random_state=0)
    _, in_order = make_planar("Flower", 5000, shuffle=False, random_state=0)
    assert (np.diff(in_order) >= 0).all()
    np.testing.assert_array_equal(np.sort(y), in_order)
    assert len(set(y[:50].tolist())) > 5


@pytest.mark.parametrize("n", [1, 5, 13])
def test_few_rows(n):
    X, y = make_planar("Flower", n, random_state=0)
    assert X.shape == (n, 2)
    assert np.isfinite(X).all()
    assert set(y.tolist()) <= set(range(13))


def test_memory_beyond_the_result_is_that_of_a_block():
    n = 8 * BLOCK_ROWS
    make_planar("TB", 10)
    tracemalloc.start()
    try:
        X, y = make_planar("TB", n, random_state=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes + y.nbytes + 100 * BLOCK_ROWS


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "cc"}, ValueError, "name must be one of 'TB', 'SF', 'CC', 'CG', 'Flower'; got 'cc'"),
        ({"name": 3}, ValueError, "name"),
        ({"name": ["CC"]}, TypeError, "name"),
        ({"n_samples": 0}, ValueError, "n_samples must be an integer >= 1; got 0"),
        ({"n_samples": 10.0}, TypeError, "n_samples"),
        ({"shuffle": "yes"}, ValueError, "shuffle"),
        ({"random_state": -1}, ValueError, "random_state"),
    ],
)
def test_messages_name_the_parameter(arguments, error, message):
    with pytest.raises(error, match=message):
        make_planar(**{"name": "CC", "n_samples": 100, **arguments})


def test_reachable_from_the_top():
    assert skdeepclust.datasets.make_planar is make_planar
    assert "datasets" in dir(skdeepclust)


@pytest.mark.data
@pytest.mark.skipif(not FIGURE.exists(), reason="points of the paper's figure not at hand")
@pytest.mark.parametrize("name", PLANAR_SETS)
def test_draws_look_like_the_points_of_the_figure(name):
    with np.load(FIGURE / f"{name}.npz") as printed:
        points, classes = printed["X"], printed["y"]
    X, y = make_planar(name, len(points), random_state=0)
    for label in range(PLANAR_SETS[name]):
        middle = points[classes == label].mean(axis=0)
        radii = [np.linalg.norm(Z[z == label] - middle, axis=1) for Z, z in ((points, classes), (X, y))]
        assert ks_2samp(*radii).pvalue > 1e-3, label
    spacing = [KDTree(Z).query(Z, k=2)[0][:, 1] for Z in (points, X)]
    assert ks_2samp(*spacing).statistic < 0.05
    # To its neighbour in the other set a point is as far as to that in its own.
    across = KDTree(points).query(X)[0]
    assert np.median(across) == pytest.approx(np.median(spacing[0]), rel=0.06)
