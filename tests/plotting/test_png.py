# SPDX-License-Identifier: BSD-3-Clause
import struct
import zlib

import numpy as np
import pytest

from skdeepclust.plotting import write_png

SHAPES = [(1, 1), (5, 7), (5, 7, 3), (40, 3, 3)]


def noise(shape):
    return np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_pillow_reads_it_back(shape, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    write_png(tmp_path / "a.png", noise(shape))
    with image_module.open(tmp_path / "a.png") as image:
        image.load()
        assert image.mode == ("L" if len(shape) == 2 else "RGB")
        np.testing.assert_array_equal(np.asarray(image), noise(shape))


def test_chunks_carry_their_length_and_checksum(tmp_path):
    write_png(tmp_path / "a.png", noise((3, 4)))
    data = (tmp_path / "a.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    kinds, position = [], 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        body = data[position + 4 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length) == (zlib.crc32(body),)
        kinds.append(body[:4])
        position += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_takes_views_and_text_paths(tmp_path):
    image = noise((6, 8))
    write_png(str(tmp_path / "view.png"), image[::2, ::-1])
    write_png(tmp_path / "copy.png", image[::2, ::-1].copy())
    assert (tmp_path / "view.png").read_bytes() == (tmp_path / "copy.png").read_bytes()


@pytest.mark.parametrize("shape", [(4,), (0, 4), (4, 4, 2), (4, 4, 4), (1, 4, 4, 3)])
def test_refuses_other_shapes(shape, tmp_path):
    with pytest.raises(ValueError, match="image must have shape"):
        write_png(tmp_path / "a.png", noise(shape))


def test_refuses_floats(tmp_path):
    with pytest.raises(TypeError, match=r"image must have dtype uint8; got float64"):
        write_png(tmp_path / "a.png", np.zeros((2, 2)))
