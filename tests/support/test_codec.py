# SPDX-License-Identifier: BSD-3-Clause
"""Values through the codec: as JSON would store them, and back."""

import json
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdeepclust._support._codec import Decoder, Encoder
from skdeepclust._support._errors import SavedModelError
from skdeepclust._support._saved_classes import CLASSES, class_named, is_known
from skdeepclust.consensus._labels import LabelCoder


def through_json(value, modules=None):
    encoder = Encoder()
    tree = json.loads(json.dumps(encoder({"value": value}), allow_nan=False))
    for array in encoder.arrays.values():
        assert array.flags.c_contiguous  # safetensors writes the buffer as it lies
        assert array.dtype.isnative
    return Decoder(encoder.arrays, None, modules or {})(tree)["value"]


def same(a, b):
    """Equality of values and of types, NaN equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return all(same(x, y) for x, y in zip(a.ravel(), b.ravel())) if a.dtype == object else equal_arrays(a, b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (float, np.floating)):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    return a == b


def equal_arrays(a, b):
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


numbers = (
    hnp.boolean_dtypes() | hnp.integer_dtypes(endianness="=") | hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64))
)
arrays = hnp.arrays(numbers | hnp.unicode_string_dtypes(endianness="="), hnp.array_shapes(min_dims=0, min_side=0))
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | arrays
    | numbers.flatmap(hnp.from_dtype)
    | st.lists(st.text() | st.integers()).map(lambda items: np.array([*items, None], object))
)
keys = st.text() | st.integers() | st.sampled_from(["$", "a/b", "~1", ""])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=8,
)


@given(values)
@settings(max_examples=30)
def test_values_come_back_with_their_types(value):
    assert same(through_json(value), value)


def test_big_endian_arrays_come_back_in_native_order():
    array = np.arange(3, dtype=">f8")
    assert same(through_json(array), array.astype(float))


@pytest.mark.parametrize("order", ["C", "F"])
def test_order_in_memory_is_kept(order):
    array = through_json(np.asarray(np.arange(6.0).reshape(2, 3), order=order))
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert array.flags[f"{order}_CONTIGUOUS"]


@pytest.mark.parametrize("layout", ["csr_array", "csr_matrix", "csc_array", "csc_matrix"])
def test_sparse_matrices(layout):
    A = getattr(sparse, layout)(np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]]))
    B = through_json(A)
    assert type(B) is type(A)
    assert B.shape == A.shape
    assert (B != A).nnz == 0


def test_random_states_go_on_where_they_were():
    random_state = np.random.RandomState(3)
    random_state.normal(size=5)  # an odd number: one is kept for the next call
    copy = through_json(random_state)
    assert np.array_equal(copy.normal(size=700), random_state.normal(size=700))


def test_paths():
    assert through_json(Path("a") / "b") == Path("a/b")


def test_what_was_one_object_stays_one():
    array = np.arange(3)
    coder = LabelCoder((array,), (None,))
    first, second, third = through_json([array, coder, coder])
    assert second is third
    assert second.values[0] is first


def test_equal_objects_stay_two():
    first, second = through_json([np.arange(3), np.arange(3)])
    assert first is not second


def test_estimators_of_scikit_learn():
    X = np.random.RandomState(0).normal(size=(30, 4))
    pipeline = make_pipeline(StandardScaler(), KMeans(3, random_state=0)).fit(X)
    assert np.array_equal(through_json(pipeline).predict(X), pipeline.predict(X))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_name_in_the_list_is_that_of_a_class(name):
    cls = class_named(name)
    assert isinstance(cls, type)
    assert cls.__name__ == name
    assert is_known(cls)


class USPEC:  # the name of a known class does not make one
    pass


@pytest.mark.parametrize(
    "value",
    [
        {1},
        b"a",
        1j,
        object(),
        OrderedDict(a=1),
        np.array([1j]),
        np.array(["2020"], "M8"),
        np.datetime64("2020"),
        sparse.coo_array(np.eye(2)),
        np.random.RandomState(np.random.PCG64(0)),
        np.random.default_rng(0),
        USPEC(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_saved_is_named(value):
    with pytest.raises(TypeError, match=r"value\.1\.here is a .*, which save\(\) cannot write"):
        Encoder()({"value": [0, {"here": value}]})


@pytest.mark.parametrize("value", [len, lambda x: x, USPEC])
def test_code_is_refused(value):
    with pytest.raises(TypeError, match=r"model\.backbone is .*are code.*set_params\(backbone=...\)"):
        Encoder()({"model": {"backbone": value}})


@pytest.mark.parametrize("name", ["Popen", "posix.system", "os", "RandomForestClassifier", "", "__import__"])
def test_foreign_classes_are_not_built(name):
    with pytest.raises(SavedModelError, match=f"object of the class '{name}'"):
        Decoder({}, None, {})({"$": "object", "class": name, "state": {}})


@pytest.mark.parametrize("kind", ["_items", "eval", "__init__"])
def test_unknown_kinds_are_refused(kind):
    with pytest.raises(SavedModelError, match=f"unknown kind, '{kind}'"):
        Decoder({}, None, {})({"$": kind})
