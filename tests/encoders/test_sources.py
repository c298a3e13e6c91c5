# SPDX-License-Identifier: BSD-3-Clause
"""Arrays on disk and datasets give what the array in memory gives, and are never read whole."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from skdeepclust._support._sources import as_row_source
from skdeepclust.deep import DeepClusterEnsemble
from skdeepclust.encoders import ContrastiveEncoder
from skdeepclust.nn.samples import fit_reader

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, size=(120, 8, 8, 3), dtype=np.uint8)
IMAGES[:60] //= 4
RECIPE = {"max_epochs": 1, "batch_size": 32, "device": "cpu", "random_state": 0}


class Store:
    """What h5py and zarr have in common: shape, type and slices; no way to a whole array."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype
        self.largest = 0

    def __array__(self, *arguments, **keywords):
        raise AssertionError("converted whole")

    def __len__(self):
        return len(self._array)

    def _take(self, key):
        found = self._array[key]
        self.largest = max(self.largest, len(found))
        return found.copy()


class LikeH5py(Store):
    def __getitem__(self, key):
        if not isinstance(key, slice) and not (np.diff(key) > 0).all():
            raise TypeError("Indexing elements must be in increasing order")
        return self._take(key)


class LikeZarr(Store):
    """As in old versions, plain brackets take slices only."""

    def __getitem__(self, key):
        if not isinstance(key, slice):
            raise IndexError("unsupported selection item for basic indexing")
        return self._take(key)

    @property
    def oindex(self):
        store = self

        class Orthogonal:
            def __getitem__(self, key):
                return store._take(key)

        return Orthogonal()


class Tensors(Dataset):
    """Images with the channels first and labels, as torchvision has them."""

    def __init__(self, images, dtype="uint8"):
        self.images, self.dtype = images, dtype

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = torch.from_numpy(np.moveaxis(self.images[index], -1, 0).copy())
        return (image if self.dtype == "uint8" else image / 255), index % 10


def memory_map(array, folder):
    np.save(folder / "images.npy", array)
    return np.load(folder / "images.npy", mmap_mode="r")


def real_h5py(array, folder):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "images.h5", "w") as file:
        file["images"] = array
    return h5py.File(folder / "images.h5")["images"]


def real_zarr(array, folder):
    zarr = pytest.importorskip("zarr")
    chunks = (50, *array.shape[1:])
    store = zarr.open(str(folder / "images.zarr"), mode="w", shape=array.shape, dtype=array.dtype, chunks=chunks)
    store[:] = array
    return store


KINDS = {
    "memmap": memory_map,
    "h5py": real_h5py,
    "zarr": real_zarr,
    "like h5py": lambda array, folder: LikeH5py(array),
    "like zarr": lambda array, folder: LikeZarr(array),
    "dataset": lambda array, folder: Tensors(array),
}


@pytest.fixture(scope="module")
def of_the_array():
    return ensemble().fit(IMAGES)


def ensemble(**parameters):
    return DeepClusterEnsemble(4, n_estimators=4, base_n_clusters=(5, 8), **RECIPE, **parameters)


@pytest.mark.parametrize("kind", KINDS)
def test_an_ensemble_is_the_same_to_the_last_bit(kind, tmp_path, of_the_array):
    X = KINDS[kind](IMAGES, tmp_path)
    model = ensemble().fit(X)
    assert model.n_features_in_ == 8 * 8 * 3
    assert model.image_shape_ == (8, 8, 3)
    np.testing.assert_array_equal(model.labels_, of_the_array.labels_)
    np.testing.assert_array_equal(model.base_labels_, of_the_array.base_labels_)
    np.testing.assert_array_equal(model.encoder_.transform(X), of_the_array.encoder_.transform(IMAGES))
    np.testing.assert_array_equal(of_the_array.predict(X), of_the_array.labels_)


@pytest.mark.parametrize("like", [LikeH5py, LikeZarr])
@pytest.mark.parametrize("shape", [(300, 64), (300, 8, 8)])
def test_shapes_of_stores(like, shape):
    array = RNG.normal(size=shape).astype(np.float32)
    encoders = [ContrastiveEncoder(**RECIPE, neighbors_from="features").fit(X) for X in (array, like(array))]
    np.testing.assert_array_equal(encoders[0].transform(array), encoders[1].transform(like(array)))


def test_a_small_part_is_asked_at_a_time():
    store = LikeH5py(np.tile(IMAGES, (20, 1, 1, 1)))
    source = as_row_source(store)
    source[RNG.integers(0, 2400, size=64)]
    source[100:164]
    assert store.largest <= 64


@pytest.mark.parametrize("kind", ["h5py", "zarr", "like h5py", "like zarr", "dataset"])
def test_rows_are_chosen_as_in_numpy(kind, tmp_path):
    rows = IMAGES.reshape(120, -1)
    source = as_row_source(KINDS[kind](IMAGES, tmp_path))
    assert (source.shape, source.dtype, source.ndim, len(source)) == (rows.shape, rows.dtype, 2, 120)
    keys = [slice(3, 9), slice(None, None, 7), slice(9, 3), slice(-5, None), [5, 2, 2, -1], [3, 4, 5], [5, 4, 3], []]
    for key in [*keys, 7, -1, np.arange(120) % 3 == 0, np.array([9], np.int8)]:
        expected = rows[np.asarray(key, dtype=int) if isinstance(key, list) else key]
        np.testing.assert_array_equal(source[key], expected)
    for key in (120, [-121], [0.5], [[1]]):
        with pytest.raises(IndexError):
            source[key]


def test_types_and_layouts_of_dataset_items():
    scaled = as_row_source(Tensors(IMAGES, "float32"))
    np.testing.assert_array_equal(scaled[:5], IMAGES[:5].reshape(5, -1).astype(np.float32) / 255)
    with pytest.raises(ValueError, match=r"X\[0\] is a tensor of shape \(8, 8, 3\).*channels, height, width"):
        as_row_source(Tensors(np.moveaxis(IMAGES, 1, 3)))


class Items:
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (np.zeros((4, 5)), r"X\[2\] has the shape \(4, 5\), but X\[0\] has \(4, 4\)"),
        (np.zeros((4, 4), np.uint8), r"X\[2\] has dtype uint8, but X\[0\] has float64"),
        (np.full((4, 4), np.nan), "X contains NaN or infinity, in row 2"),
    ],
)
def test_odd_items_are_named(odd, message):
    source = as_row_source(Items(np.zeros((4, 4)), np.ones((4, 4)), odd))
    with pytest.raises(ValueError, match=message):
        source[[2, 1]]


def test_values_that_are_not_finite_are_found_in_fit():
    array = RNG.normal(size=(100, 5))
    array[71, 2] = np.inf
    with pytest.raises(ValueError, match="X contains NaN or infinity, in row 71"):
        ContrastiveEncoder(**RECIPE).fit(LikeH5py(array))


def test_what_is_refused(tmp_path):
    encoder = ContrastiveEncoder(**RECIPE)
    dask_array = pytest.importorskip("dask.array")
    with pytest.raises(TypeError, match="X is a dask Array.*numpy.memmap"):
        encoder.fit(dask_array.from_array(IMAGES))
    with pytest.raises(ValueError, match=r"image_shape=\(4, 4\) contradicts X"):
        ContrastiveEncoder(image_shape=(4, 4)).fit(LikeH5py(IMAGES))
    with pytest.raises(ValueError, match="X must hold numbers"):
        encoder.fit(LikeH5py(np.full((5, 5), "a")))
    with pytest.raises(ValueError, match=r"X has 1 sample\(s\)"):
        encoder.fit(LikeH5py(IMAGES[:1]))
    with pytest.raises(TypeError, match=r"X\[0\] is a dict"):
        encoder.fit(Items({"image": 1}))
    with pytest.raises(TypeError, match="X is a DataLoader.*pass its data set, X.dataset"):
        encoder.fit(DataLoader(Items(IMAGES[0])))
    for paths in ("photos", tmp_path, ["a.png", "b.png"]):
        with pytest.raises(TypeError, match=r"X must hold pixels.*ImageFolder"):
            encoder.fit(paths)
    with pytest.raises(TypeError, match="caching with memory= needs an array"):
        ensemble(memory=str(tmp_path)).fit(LikeH5py(IMAGES))
    with pytest.raises(TypeError, match="read batch by batch and not made an array"):
        np.asarray(as_row_source(LikeH5py(IMAGES)))


@pytest.mark.parametrize("image_shape", [None, (8, 8, 1)])
def test_scaling_block_by_block(image_shape, monkeypatch):
    X = RNG.normal(3e6, 1.0, size=(1000, 64))
    whole = fit_reader(X, image_shape, CPU)
    monkeypatch.setattr("skdeepclust._support._sources._BLOCK_VALUES", 64 * 7)
    store = LikeZarr(X)
    blocks = fit_reader(as_row_source(store), image_shape, CPU)
    assert store.largest == 7
    np.testing.assert_allclose(blocks.shift, whole.shift, rtol=1e-13)
    np.testing.assert_allclose(blocks.scale, whole.scale, rtol=1e-10)
    if image_shape is None:
        np.testing.assert_array_equal(whole.shift, X.mean(axis=0))
        np.testing.assert_array_equal(whole.scale, X.std(axis=0))


def test_the_range_of_bytes_is_that_of_a_sample():
    X = RNG.integers(10, 51, (3000, 8, 8), dtype=np.uint8)
    store = LikeZarr(X)
    reader = fit_reader(as_row_source(store), (8, 8, 1), CPU)
    assert store.largest == 1000
    assert reader.is_narrow
    np.testing.assert_allclose(reader.shift, 10 / 255, rtol=1e-6)
    np.testing.assert_allclose(reader.scale, 40 / 255, rtol=1e-6)
