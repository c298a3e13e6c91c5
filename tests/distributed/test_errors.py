# SPDX-License-Identifier: BSD-3-Clause
"""What a dask array cannot be: messages say what to do, whether metadata or values are wrong."""

import numpy as np
import pytest
import same_results as same
from sklearn.cluster import KMeans

from skdeepclust.cluster import USPEC, BaseClusterings

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

NAMES = ["uspec", "usenc", "base clusterings", "consensus"]


@pytest.fixture(autouse=True, params=["synchronous", "threads"])
def _scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield


def chunked(name, rows=None):
    return da.from_array(same.rows_for(name) if rows is None else rows, chunks=(300, -1))


def label_method(model):
    return model.predict if hasattr(model, "predict") else model.transform


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[X[:, 0] > 0], "compute_chunk_sizes"),
        (lambda X: X.astype(object), "object.*astype"),
        (lambda X: X.astype(complex), "complex128.*astype"),
        (lambda X: X[:, 0], "two dimensions; got 1"),
        (lambda X: X[:, :, None], "two dimensions; got 3"),
        (lambda X: X[:1], "at least 2 samples"),
        (lambda X: X[:, :0], "1 feature"),
    ],
    ids=["unknown chunks", "objects", "complex", "one axis", "three axes", "one row", "no features"],
)
def test_metadata(name, change, message):
    X = chunked(name)
    with pytest.raises(ValueError, match=message):
        same.MAKE[name]().fit(change(X))


@pytest.mark.parametrize("name", NAMES)
def test_number_of_features(name):
    model = same.reference(name, False)
    with pytest.raises(ValueError, match="X has 5 features, but .* is expecting 6 features"):
        label_method(model)(chunked(name)[:, :5])
    X = chunked(name)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        label_method(model)(X[X[:, 0] > 0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite(name, bad):
    rows = same.rows_for(name).astype(float)
    rows[650, 2] = bad  # in the last chunk
    with pytest.raises(ValueError, match="NaN or infinity"):
        same.MAKE[name]().fit(chunked(name, rows))
    lazy = label_method(same.reference(name, False))(chunked(name, rows))
    with pytest.raises(ValueError, match="NaN or infinity"):
        lazy.compute()
    np.testing.assert_array_equal(lazy[:600].compute(), label_method(same.reference(name, False))(rows[:600]))


def test_labels_that_are_no_whole_numbers():
    with pytest.raises(ValueError, match=r"whole numbers.*astype\(int\)"):
        same.MAKE["consensus"]().fit(chunked("consensus", same.LABELS + 0.5))


@pytest.mark.parametrize("clusterer", [None, KMeans(n_init=1)])
def test_base_clusterers_that_need_an_array(clusterer):
    with pytest.raises(ValueError, match=r"base_clusterer=USPEC\(n_init=1, max_iter=5\) and .*or pass an array"):
        BaseClusterings(3, base_clusterer=clusterer).fit(chunked("base clusterings"))


def test_weights():
    with pytest.raises(ValueError, match="sample_weight must hold one weight for each of the 701 rows"):
        USPEC(4).fit(chunked("uspec"), sample_weight=np.ones(700))


def test_parameters_are_checked_before_any_chunk_is_read():
    X = chunked("uspec").map_blocks(refuse, dtype=float, meta=np.empty((0, 0)))
    for name, wrong in {"uspec": {"n_neighbors": 0}, "usenc": {"n_estimators": 0}, "consensus": {"theta": -1}}.items():
        with pytest.raises(ValueError, match=next(iter(wrong))):
            same.MAKE[name]().set_params(**wrong).fit(X)
    with pytest.raises(ValueError, match="n_clusters=?.*702"):
        USPEC(702).fit(X)


def refuse(rows):
    raise RuntimeError("this chunk is not to be read")
