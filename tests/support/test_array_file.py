# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from skdeepclust._support._array_file import write_array


def test_a_file_per_call(tmp_path):
    def fill(out):
        assert [path.suffix for path in folder.iterdir()] == [".part"]  # nobody takes it for a whole one
        out[:] = np.arange(6).reshape(3, 2)

    folder = tmp_path / "a" / "b"
    array = write_array(folder, "x-", (3, 2), fill)
    assert isinstance(array, np.memmap)
    assert array.dtype == np.float32
    assert not array.flags.writeable
    (path,) = folder.iterdir()
    assert path.name.startswith("x-")
    assert path.suffix == ".npy"
    np.testing.assert_array_equal(np.load(path), [[0, 1], [2, 3], [4, 5]])
    other = write_array(folder, "x-", (1, 1), lambda out: out.fill(7))
    assert len(list(folder.glob("x-*.npy"))) == 2
    np.testing.assert_array_equal(array, [[0, 1], [2, 3], [4, 5]])
    assert other == 7


def test_nothing_is_left_of_an_interrupted_one(tmp_path):
    def fill(out):
        out[0] = 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_array(tmp_path, "x-", (3, 2), fill)
    assert not list(tmp_path.iterdir())
