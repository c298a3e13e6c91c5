# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from skdeepclust.plotting import cluster_montage

N = 12
LABELS = np.array([0] * 3 + [1] * 5 + [2] * 4)
# Image i is filled with the grey value 10 * i, so that a picture tells which images it shows.
IMAGES = np.broadcast_to(10 * np.arange(N, dtype=np.uint8)[:, None, None], (N, 4, 4))


def shown(picture, n_rows, tile=4, separator=2, columns=slice(None)):
    """Image numbers in the picture, row by row, left to right."""
    rows = []
    for r in range(n_rows):
        line = picture[separator + r * (tile + separator) + tile // 2, columns]
        values = line[line != 255]
        rows.append([int(v) // 10 for v in values[::tile]])
    return rows


def test_largest_cluster_first_members_in_order():
    picture = cluster_montage(IMAGES, LABELS, n_certain=5, tile_size=4)
    assert picture.shape == (3 * 6 + 2, 5 * 6 + 2)
    assert picture.dtype == np.uint8
    assert shown(picture, 3) == [[3, 4, 5, 6, 7], [8, 9, 10, 11], [0, 1, 2]]


def test_most_certain_lead_least_certain_end():
    confidence = np.linspace(0.1, 0.9, N)
    picture = cluster_montage(IMAGES, LABELS, confidence, n_certain=2, n_uncertain=2, tile_size=4)
    assert shown(picture, 3) == [[7, 6, 4, 3], [11, 10, 9, 8], [2, 1, 0]]
    assert shown(picture, 3, columns=slice(0, 14)) == [[7, 6], [11, 10], [2, 1]]


def test_no_image_twice_and_no_row_too_many():
    picture = cluster_montage(IMAGES, LABELS, np.ones(N), n_certain=4, n_uncertain=4, tile_size=4)
    members = shown(picture, 3)
    assert [sorted(row) for row in members] == [[3, 4, 5, 6, 7], [8, 9, 10, 11], [0, 1, 2]]


def test_small_images_are_enlarged_by_a_whole_factor():
    image = np.array([[[0, 50], [100, 150]]], dtype=np.uint8)
    picture = cluster_montage(image, [0], n_certain=1, tile_size=5)
    np.testing.assert_array_equal(picture[2:-2, 2:-2], np.kron(image[0], np.ones((3, 3), np.uint8)))
    assert (picture[:2] == 255).all()
    assert (picture[:, -2:] == 255).all()


def test_colours_and_one_channel():
    rgb = np.repeat(IMAGES[..., None], 3, axis=3)
    grey = cluster_montage(IMAGES, LABELS)
    np.testing.assert_array_equal(cluster_montage(rgb, LABELS), np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(cluster_montage(IMAGES[..., None], LABELS), grey)


def test_other_types_are_stretched_to_what_is_shown():
    floats = IMAGES / 440.0 - 1.0
    picture = cluster_montage(floats, LABELS, n_certain=5, tile_size=4)
    inside = picture[picture != 255]
    assert picture.min() == 0
    np.testing.assert_array_equal(np.unique(inside), np.rint(np.arange(11) * 255 / 11))
    assert (cluster_montage(np.zeros((2, 4, 4)), [0, 0], n_certain=2, tile_size=4)[2:6, 2:6] == 0).all()


def test_missing_labels_are_left_out_and_strings_are_labels():
    labels = np.where(LABELS == 1, -1, LABELS)
    assert shown(cluster_montage(IMAGES, labels, tile_size=4), 2) == [[8, 9, 10, 11], [0, 1, 2]]
    assert cluster_montage(IMAGES, LABELS.astype(str)).shape == cluster_montage(IMAGES, LABELS).shape


def test_leaves_its_input_alone():
    images, labels = IMAGES.copy(), LABELS.copy()
    for array in (images, labels):
        array.setflags(write=False)
    cluster_montage(images, labels, np.ones(N), n_uncertain=2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"images": np.zeros((N, 16))}, ValueError, r"images must have shape.*\(12, 16\).*reshape"),
        ({"images": np.zeros((N, 4, 4, 2))}, ValueError, "1 or 3 channels"),
        ({"images": np.full((N, 4, 4), np.nan)}, ValueError, "images must be finite"),
        ({"labels": LABELS[:-1]}, ValueError, r"labels must have shape \(12,\)"),
        ({"labels": np.full(N, -1)}, ValueError, "labels must hold at least one cluster"),
        ({"n_uncertain": 1}, ValueError, "confidence must be given when n_uncertain=1"),
        ({"confidence": [1.0]}, ValueError, r"confidence must have shape \(12,\)"),
        ({"confidence": np.full(N, np.nan)}, ValueError, "confidence must not hold NaN"),
        ({"n_certain": 0}, ValueError, "n_certain must be an integer >= 1; got 0"),
        ({"tile_size": "big"}, TypeError, "tile_size must be an integer"),
    ],
)
def test_refuses_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        cluster_montage(**{"images": IMAGES, "labels": LABELS} | arguments)
