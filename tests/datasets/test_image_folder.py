# SPDX-License-Identifier: BSD-3-Clause
"""Folders of image files: what is found, how it is decoded, what happens to files that cannot be read."""

import os
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from threading import enumerate as enumerate_threads

import numpy as np
import pytest
from PIL import Image

from skdeepclust import ContrastiveEncoder
from skdeepclust.datasets import ImageFolder
from skdeepclust.datasets._image_file import EXTENSIONS, decode, read_header
from skdeepclust.exceptions import UnreadableImageError, UnreadableImageWarning

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, size=(6, 8, 10, 3), dtype=np.uint8)
EXIF_ORIENTATION = 0x0112


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


@pytest.fixture
def colors(tmp_path):
    """Six lossless colour images, nested."""
    for i, image in enumerate(COLOR):
        save(tmp_path / "images" / f"class{i % 2}" / f"{i}.png", image)
    return tmp_path / "images"


ORDER = [0, 2, 4, 1, 3, 5]  # of the paths


@pytest.mark.parametrize("cache", ["memory", None, "folder"])
def test_is_the_array_of_the_images_in_the_order_of_their_paths(colors, tmp_path, cache):
    images = ImageFolder(colors, cache=tmp_path / "cache" if cache == "folder" else cache)
    expected = COLOR[ORDER]
    assert images.shape == expected.shape
    assert images.dtype == np.uint8
    assert images.ndim == 4
    assert len(images) == 6
    assert [f.as_posix() for f in images.files[:2]] == ["class0/0.png", "class0/2.png"]
    for key in (slice(None), slice(1, 4), slice(None, None, -2), [4, 0, 0], np.array([1, 5]), -1, 3, slice(2, 2)):
        np.testing.assert_array_equal(images[key], expected[key])
    is_chosen = np.arange(6) % 2 == 0
    np.testing.assert_array_equal(images[is_chosen], expected[is_chosen])
    np.testing.assert_array_equal(np.asarray(images), expected)
    with pytest.raises(IndexError):
        images[6]


def test_finds_known_extensions_in_all_folders_but_hidden_ones(tmp_path):
    for name in ("b/c/x.PNG", "a.png", ".hidden/y.png", ".z.png", "b/w.bmp"):
        save(tmp_path / name, COLOR[0], format="PNG")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "b" / "back").symlink_to(tmp_path, target_is_directory=True)
    assert [f.as_posix() for f in ImageFolder(tmp_path).files] == ["a.png", "b/c/x.PNG", "b/w.bmp"]


def test_extensions_are_those_that_pillow_reads():
    Image.init()
    readable = {e for e, form in Image.registered_extensions().items() if form in Image.OPEN}
    assert EXTENSIONS - {".avif"} <= readable  # avif from version 11.3 on


@pytest.mark.parametrize("resize", ["crop", "stretch", "pad"])
def test_resize_keeps_or_gives_up_the_proportions(tmp_path, resize):
    wide = np.zeros((10, 30), np.uint8)
    wide[:, :10] = 90
    wide[:, 10:20] = 180
    save(tmp_path / "wide.png", wide)
    (image,) = ImageFolder(tmp_path, size=10, resize=resize)[:]
    if resize == "crop":  # the middle third
        np.testing.assert_array_equal(image, 180)
    elif resize == "pad":  # three rows of the whole, black above and below
        assert not image[:3].any()
        assert not image[-3:].any()
        assert image[5, 0] > 60
        assert image[5, 5] > 120
        assert image[5, 9] < 60
    else:
        assert image[:, 0].min() > 60
        assert image[:, 5].min() > 120
        assert image[:, 9].max() < 60


def test_size_may_be_a_pair_of_height_and_width(colors):
    assert ImageFolder(colors, size=(4, 7)).shape == (6, 4, 7, 3)


def test_images_of_several_sizes_need_a_size(tmp_path):
    save(tmp_path / "a.png", COLOR[0])
    save(tmp_path / "b.png", COLOR[0][:5])
    with pytest.raises(ValueError, match=r"size=None, but the images have 2 different sizes \(5 x 10, 8 x 10"):
        ImageFolder(tmp_path)


def test_auto_mode_is_the_poorest_that_loses_nothing(tmp_path):
    gray = COLOR[0, ..., 0]
    save(tmp_path / "g" / "gray.png", gray)
    assert ImageFolder(tmp_path / "g").shape == (1, 8, 10)
    save(tmp_path / "c" / "gray.png", gray)
    save(tmp_path / "c" / "color.png", COLOR[0])
    images = ImageFolder(tmp_path / "c")
    assert images.shape == (2, 8, 10, 3)
    np.testing.assert_array_equal(images[1], np.repeat(gray[..., None], 3, axis=2))
    deep = RNG.integers(0, 2**16, size=(8, 10), dtype=np.uint16)
    save(tmp_path / "d" / "gray.png", gray)
    save(tmp_path / "d" / "micrograph.tif", deep)
    images = ImageFolder(tmp_path / "d")
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images[1], deep)
    np.testing.assert_array_equal(images[0], gray)
    save(tmp_path / "d" / "color.png", COLOR[0])
    with pytest.raises(ValueError, match="some hold more than 8 bits; choose a mode"):
        ImageFolder(tmp_path / "d")


def test_deep_images_are_not_cut_to_eight_bits(tmp_path):
    save(tmp_path / "a.png", COLOR[0, ..., 0])
    save(tmp_path / "deep.tif", np.full((8, 10), 1000, np.uint16))
    with pytest.warns(UnreadableImageWarning, match="deep.tif.*more than 8 bits per value.*use 'F'"):
        images = ImageFolder(tmp_path, mode="L")
    assert len(images) == 1


@pytest.mark.parametrize("kind", ["8 bits", "16 bits"])
def test_images_are_turned_upright(tmp_path, kind):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6  # to be turned by a quarter
    stored = COLOR[0] if kind == "8 bits" else COLOR[0, ..., 0].astype(np.uint16) * 200
    path = tmp_path / ("a.png" if kind == "8 bits" else "a.tif")
    save(path, stored, exif=exif)
    assert read_header(path).size == (10, 8)
    np.testing.assert_array_equal(ImageFolder(tmp_path)[0], np.rot90(stored, -1))


def test_transparent_pixels_are_white(tmp_path):
    seen = np.concatenate([COLOR[0], np.full((8, 10, 1), 255, np.uint8)], axis=2)
    seen[:4, :, 3] = 0
    save(tmp_path / "a.png", seen)
    (image,) = ImageFolder(tmp_path)[:]
    np.testing.assert_array_equal(image[:4], 255)
    np.testing.assert_array_equal(image[4:], COLOR[0, 4:])
    with warnings.catch_warnings():  # Pillow warns of palettes with transparent colours
        warnings.simplefilter("error")
        Image.fromarray(seen).quantize(16).save(tmp_path / "b.png")
        assert decode(tmp_path / "b.png", (8, 10), "RGB", "crop").shape == (8, 10, 3)


def test_large_photographs_are_decoded_at_a_fraction_of_their_size(tmp_path):
    y, x = np.mgrid[:640, :960]
    photograph = np.stack([x // 4, y // 3, (x + y) // 8], axis=2).astype(np.uint8)
    save(tmp_path / "a.jpg", photograph, quality=95)
    small = decode(tmp_path / "a.jpg", (64, 64), "RGB", "crop")
    whole = np.asarray(Image.open(tmp_path / "a.jpg").crop((160, 0, 800, 640)).resize((64, 64), Image.Resampling.BOX))
    assert np.abs(small.astype(int) - whole).mean() < 2


@pytest.fixture
def damaged(colors):
    """The six images, a text with the name of an image, and half a photograph."""
    (colors / "text.png").write_text("no image")
    save(colors / "whole.jpg", COLOR[0])
    whole = (colors / "whole.jpg").read_bytes()
    (colors / "whole.jpg").unlink()
    (colors / "half.jpg").write_bytes(whole[: len(whole) - 60])
    (colors / "nowhere.png").symlink_to(colors / "gone.png")
    return colors


@pytest.mark.parametrize("cache", ["memory", "folder"])
def test_unreadable_files_are_left_out_with_a_warning(damaged, tmp_path, cache):
    cache = tmp_path / "cache" if cache == "folder" else cache
    for _ in range(2):  # the second time from the folder
        with pytest.warns(UnreadableImageWarning, match="3 of 9 image files cannot be read .*half.jpg: OSError"):
            images = ImageFolder(damaged, cache=cache)
        np.testing.assert_array_equal(images[:], COLOR[ORDER])
        assert {f.name for f in images.unreadable} == {"text.png", "half.jpg", "nowhere.png"}
        assert len(images.files) == len(images) == 6


def test_without_cache_damaged_pixels_raise_when_they_are_read(damaged):
    with pytest.warns(UnreadableImageWarning, match="2 of 9 image files"):  # what the headers show
        images = ImageFolder(damaged, cache=None)
    place = [f.name for f in images.files].index("half.jpg")
    np.testing.assert_array_equal(images[:place], COLOR[ORDER])
    with pytest.raises(ValueError, match="half.jpg cannot be read: OSError.*Use cache='memory'"):
        images[place]


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files that are decoded, in the order in which that is done."""
    names = []
    monkeypatch.setattr("skdeepclust.datasets._image_file.decode", lambda p, *a: names.append(p.name) or decode(p, *a))
    return names


@pytest.fixture
def gate(monkeypatch):
    """An event without which nothing is decoded."""
    opened = Event()

    def waiting(*arguments):
        opened.wait(30)
        return decode(*arguments)

    monkeypatch.setattr("skdeepclust.datasets._image_file.decode", waiting)
    return opened


@pytest.mark.parametrize("cache", ["memory", "folder"])
def test_background_decodes_every_file_once(colors, tmp_path, decoded, cache):
    cache = tmp_path / "cache" if cache == "folder" else cache
    images = ImageFolder(colors, cache=cache, background=True)
    expected = COLOR[ORDER]
    for key in ([3, 1, 3], slice(0, 4), -1, 1, np.arange(6) % 2 == 0):
        np.testing.assert_array_equal(images[key], expected[key])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(images))[:], expected)
    np.testing.assert_array_equal(images.complete()[:], expected)
    assert sorted(decoded) == [f"{i}.png" for i in range(6)]
    np.testing.assert_array_equal(ImageFolder(colors, cache=cache)[:], expected)
    assert len(decoded) == (6 if cache != "memory" else 12), "all that was read is on the disk"


def test_background_does_not_wait_for_pixels(colors, gate):
    images = ImageFolder(colors, background=True)
    assert images.shape == (6, 8, 10, 3)
    gate.set()
    np.testing.assert_array_equal(images[:], COLOR[ORDER])


def test_background_begins_with_what_is_waited_for(tmp_path, decoded):
    images = RNG.integers(0, 256, size=(200, 4, 4), dtype=np.uint8)
    for i, image in enumerate(images):
        save(tmp_path / f"{i:03}.png", image)
    np.testing.assert_array_equal(ImageFolder(tmp_path, background=True)[[199, 198]], images[[199, 198]])
    # Behind the two there may be what was begun before, but not everything.
    assert decoded.index("199.png") < 198


@pytest.mark.parametrize("cache", ["memory", "folder"])
def test_background_complete_leaves_out_what_is_damaged(damaged, tmp_path, cache, gate):
    cache = tmp_path / "cache" if cache == "folder" else cache
    save(damaged / "z.png", COLOR[0])  # behind the damaged file
    with pytest.warns(UnreadableImageWarning, match="2 of 10 image files"):
        images = ImageFolder(damaged, cache=cache, background=True)
    assert len(images) == 8
    gate.set()
    with pytest.raises(UnreadableImageError, match=r"half.jpg cannot be read: OSError.*complete\(\) leaves out"):
        images[:]
    with pytest.raises(UnreadableImageError, match="half.jpg"):
        images[0]
    with pytest.warns(UnreadableImageWarning, match="3 of 10 image files cannot be read .*half.jpg: OSError") as seen:
        assert images.complete() is images
    assert seen[0].filename == __file__
    assert images.files[-1] == Path("z.png")
    np.testing.assert_array_equal(images[:], COLOR[[*ORDER, 0]])
    with pytest.warns(UnreadableImageWarning):
        np.testing.assert_array_equal(ImageFolder(damaged, cache=cache)[:], images[:])


def test_background_with_on_error_raise(damaged):
    for name in ("text.png", "nowhere.png"):
        (damaged / name).unlink()
    images = ImageFolder(damaged, background=True, on_error="raise")
    with pytest.raises(UnreadableImageError, match="1 of 7 image files cannot be read.*on_error='skip'"):
        images.complete()


def test_background_passes_on_what_stops_the_thread(colors, monkeypatch):
    def fail(*arguments):
        raise MemoryError("too large")

    monkeypatch.setattr("skdeepclust.datasets._image_folder.decode_files", fail)
    images = ImageFolder(colors, background=True)
    for read in (lambda: images[:2], images.complete):
        with pytest.raises(MemoryError, match="too large"):
            read()


def test_background_needs_a_cache(colors):
    with pytest.raises(ValueError, match="background=True decodes into a cache, but cache=None"):
        ImageFolder(colors, cache=None, background=True)


def test_background_ends_with_the_folder(colors, tmp_path, gate):
    images = ImageFolder(colors, cache=tmp_path / "cache", background=True)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    threads = [thread for thread in enumerate_threads() if thread.name == "image-decoding"]
    assert threads
    del images
    gate.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert not list((tmp_path / "cache").iterdir()), "no unfinished file is left"


@pytest.mark.parametrize("cache", ["memory", "folder"])
def test_background_images_may_be_read_by_several_threads(tmp_path, cache):
    images = RNG.integers(0, 256, size=(150, 8, 10), dtype=np.uint8)
    for i, image in enumerate(images):
        save(tmp_path / "images" / f"{i:03}.png", image)
    for attempt in range(5):
        folder = ImageFolder(
            tmp_path / "images", cache=tmp_path / str(attempt) if cache == "folder" else cache, background=True
        )
        with ThreadPoolExecutor(4) as pool:
            halves = list(pool.map(folder.__getitem__, [slice(i % 2, None, 2) for i in range(8)]))
        for i, half in enumerate(halves):
            np.testing.assert_array_equal(half, images[i % 2 :: 2])


def test_on_error_raise(damaged):
    with pytest.raises(ValueError, match="3 of 9 image files cannot be read.*Remove them, or use on_error='skip'"):
        ImageFolder(damaged, on_error="raise")


@pytest.mark.parametrize("cache", ["memory", None, "folder"])
def test_nothing_readable_is_an_error(tmp_path, cache):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "text.png").write_text("no image")
    with pytest.raises(ValueError, match="1 of 1 image files cannot be read .* Remove them."):
        ImageFolder(tmp_path / "images", cache=tmp_path / "cache" if cache == "folder" else cache)


def test_cache_folder_is_found_again_until_something_changes(colors, tmp_path, decoded):
    cache = tmp_path / "cache"
    first = ImageFolder(colors, cache=cache)[:]
    decoded.clear()
    np.testing.assert_array_equal(ImageFolder(colors, cache=str(cache))[:], first)
    assert not decoded, "nothing is decoded again"
    assert ImageFolder(colors, size=4, cache=cache).shape == (6, 4, 4, 3)
    assert len(decoded) == 6
    save(colors / "class0" / "0.png", COLOR[0][::-1])
    os.utime(colors / "class0" / "0.png", ns=(1, 1))
    changed = ImageFolder(colors, cache=cache)[:]
    np.testing.assert_array_equal(changed[0], COLOR[0][::-1])
    assert len(decoded) == 12


def test_an_unfinished_cache_is_not_taken(colors, tmp_path, monkeypatch):
    def fail(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("skdeepclust.datasets._image_folder.decode_files", fail)
        with pytest.raises(KeyboardInterrupt):
            ImageFolder(colors, cache=tmp_path / "cache")
    np.testing.assert_array_equal(ImageFolder(colors, cache=tmp_path / "cache")[:], COLOR[ORDER])


@pytest.mark.parametrize("cache", ["memory", None, "folder"])
def test_pickle(colors, tmp_path, cache):
    images = ImageFolder(colors, cache=tmp_path / "cache" if cache == "folder" else cache)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(images))[:], images[:])


def test_estimators_take_it_as_the_array(colors):
    recipe = {"max_epochs": 1, "batch_size": 3, "device": "cpu", "random_state": 0, "n_neighbors": 2}
    images = ImageFolder(colors, background=True)
    encoder = ContrastiveEncoder(2, **recipe).fit(images)
    array = ContrastiveEncoder(2, **recipe).fit(images[:])
    np.testing.assert_array_equal(encoder.transform(images), array.transform(images[:]))
    assert encoder.image_shape_ == (8, 10, 3)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"size": 0}, ValueError, "size must be an integer >= 1; got 0"),
        ({"size": (4, 0)}, ValueError, r"size\[1\] must be an integer >= 1; got 0"),
        ({"size": (4, 4, 3)}, ValueError, r"size must be None, an integer or a pair \(height, width\)"),
        ({"size": 4.0}, TypeError, "size must be an integer >= 1; got 4.0"),
        ({"mode": "CMYK"}, ValueError, "mode must be one of 'auto', 'L', 'RGB', 'F'; got 'CMYK'"),
        ({"resize": "fit"}, ValueError, "resize must be one of"),
        ({"on_error": "ignore"}, ValueError, "on_error must be one of"),
        ({"background": 1}, TypeError, "background must be True or False; got 1"),
        ({"cache": True}, TypeError, "cache must be 'memory', None or the path of a folder; got True"),
    ],
)
def test_parameters_are_checked(colors, parameters, error, message):
    with pytest.raises(error, match=message):
        ImageFolder(colors, **parameters)


def test_root_is_checked(tmp_path):
    with pytest.raises(ValueError, match="is not a folder"):
        ImageFolder(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no image files; known are .avif"):
        ImageFolder(tmp_path)
    with pytest.raises(TypeError, match="root must be the path of a folder"):
        ImageFolder([Path("a.png")])


def test_without_pillow_the_extra_is_named(colors, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'skdeepclust\[images\]'"):
        ImageFolder(colors)


def test_progress_bar_on_request(colors, capsys):
    ImageFolder(colors)
    assert capsys.readouterr().err == ""
    ImageFolder(colors, verbose=1)
    assert "6/6" in capsys.readouterr().err
