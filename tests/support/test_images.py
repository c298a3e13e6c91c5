# SPDX-License-Identifier: BSD-3-Clause
"""What shape an array of images has, and which shapes are taken for a mistake."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from skdeepclust._support._images import validate_rows

RNG = np.random.default_rng(0)


class Rows(BaseEstimator):
    """The part of an estimator that looks at images."""

    def __init__(self, image_shape=None):
        self.image_shape = image_shape

    def fit(self, X):
        self.rows_, self.image_shape_ = validate_rows(self, X, self.image_shape, reset=True)
        return self

    def transform(self, X):
        return validate_rows(self, X, None, reset=False)[0]


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (4, 5, 6)])
def test_channels_first_is_refused_unless_the_shape_is_confirmed(shape):
    X = RNG.random((6, *shape))
    with pytest.raises(ValueError, match=r"look like \(channels, height, width\).*X.transpose\(0, 2, 3, 1\)"):
        Rows().fit(X)
    confirmed = Rows(image_shape=shape).fit(X)
    assert confirmed.image_shape_ == shape
    np.testing.assert_array_equal(confirmed.transform(X), X.reshape(6, -1))
    assert Rows().fit(X.transpose(0, 2, 3, 1)).image_shape_ == (*shape[1:], shape[0])


@pytest.mark.parametrize("shape", [(32, 32, 3), (8, 8, 13), (4, 4, 64), (3, 5, 3), (2, 2, 5), (3, 32)])
def test_small_images_and_many_channels_are_not(shape):
    assert Rows().fit(RNG.random((6, *shape))).image_shape_ == (shape if len(shape) == 3 else (*shape, 1))


def test_what_was_fitted_decides_later():
    fitted = Rows().fit(RNG.random((6, 32, 32, 3)))
    with pytest.raises(ValueError, match=r"images of shape \(3, 32, 32\), but Rows was fitted on images of shape"):
        fitted.transform(RNG.random((6, 3, 32, 32)))
