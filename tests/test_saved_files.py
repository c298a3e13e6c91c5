# SPDX-License-Identifier: BSD-3-Clause
"""The two files of a saved model: what they hold, and what happens when they are damaged, foreign or half written."""

import ast
import functools
import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import make_blobs

import skdeepclust
from skdeepclust._support import _codec, _saved_classes, _saving
from skdeepclust._support._errors import SavedModelError

pytest.importorskip("safetensors")

TABLE, _ = make_blobs(60, 6, centers=3, random_state=0)


@functools.cache
def fitted_model():
    return skdeepclust.USPEC(3, random_state=0).fit(TABLE)


@pytest.fixture
def saved(tmp_path):
    """Folder, model.json and arrays of a saved USPEC."""
    folder = tmp_path / "model"
    fitted_model().save(folder)
    (arrays,) = folder.glob("*.safetensors")
    return folder, folder / "model.json", arrays


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def rewrite(path, **changes):
    """Change the JSON and make its checksum fit."""
    content = json.loads(path.read_text()) | changes
    body = {name: content[name] for name in ("arrays", "arrays_sha256", "model")}
    path.write_text(json.dumps(content | {"sha256": _saving._json_digest(body)}))


def test_a_folder_holds_two_files(saved):
    folder, model, arrays = saved
    assert {path.name for path in folder.iterdir()} == {model.name, arrays.name}
    assert json.loads(model.read_text())["arrays"] == arrays.name


@pytest.mark.parametrize("place", [10, -1, 2000])
def test_a_flipped_bit_in_the_arrays(saved, place):
    flip(saved[2], place)
    with pytest.raises(SavedModelError, match="is damaged: its SHA-256 is not the one in model.json"):
        skdeepclust.load(saved[0])


def test_truncated_arrays(saved):
    saved[2].write_bytes(saved[2].read_bytes()[:-100])
    with pytest.raises(SavedModelError, match="arrays-.*is damaged"):
        skdeepclust.load(saved[0])


def test_missing_arrays(saved):
    saved[2].unlink()
    with pytest.raises(SavedModelError, match="arrays-.* is missing"):
        skdeepclust.load(saved[0])


def test_a_number_changed_in_the_json(saved):
    text = saved[1].read_text()
    assert '"n_clusters": 3' in text
    saved[1].write_text(text.replace('"n_clusters": 3', '"n_clusters": 2'))
    with pytest.raises(SavedModelError, match="model.json is damaged: its content has another checksum"):
        skdeepclust.load(saved[0])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'{"model": {}}', b"\xff\xfe", b'{"format": "1"}'])
def test_other_content_in_the_json(saved, content):
    saved[1].write_bytes(content)
    with pytest.raises(SavedModelError, match="model.json is damaged"):
        skdeepclust.load(saved[0])


def test_truncated_json(saved):
    saved[1].write_bytes(saved[1].read_bytes()[:-20])
    with pytest.raises(SavedModelError, match="model.json is damaged"):
        skdeepclust.load(saved[0])


def test_no_model(tmp_path):
    with pytest.raises(SavedModelError, match="holds no saved model: there is no model.json"):
        skdeepclust.load(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SavedModelError, match="file holds no saved model"):
        skdeepclust.load(tmp_path / "file")


def test_a_newer_format(saved):
    rewrite(saved[1], format=2, skdeepclust="9.1")
    with pytest.raises(SavedModelError, match="written by skdeepclust 9.1 in format 2.*Upgrade skdeepclust"):
        skdeepclust.load(saved[0])


@pytest.mark.parametrize("name", ["Popen", "subprocess.Popen", "LogisticRegression"])
def test_a_foreign_class(saved, name):
    rewrite(saved[1], model={"$": "object", "class": name, "state": {"args": ["true"]}})
    with pytest.raises(SavedModelError, match=f"object of the class '{name}'"):
        skdeepclust.load(saved[0])


def test_something_else_than_an_estimator_of_ours(saved):
    rewrite(saved[1], model={"$": "object", "class": "LabelCoder", "state": {}})
    with pytest.raises(SavedModelError, match="holds no estimator of skdeepclust"):
        skdeepclust.load(saved[0])


def test_saving_again_replaces_the_former_model_only(saved):
    folder, _, former = saved
    (folder / "notes.txt").write_text("mine")
    (folder / "arrays-mine.safetensors").write_text("mine")
    other = skdeepclust.USPEC(2, random_state=1).fit(TABLE)
    other.save(folder)
    np.testing.assert_array_equal(skdeepclust.load(folder).labels_, other.labels_)
    assert not former.exists()
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("written_before", [0, 1])
def test_a_crash_while_saving_leaves_the_former_model(saved, monkeypatch, written_before):
    """At whichever of the two renamings it happens."""
    calls = []

    def crash(*files):
        calls.append(files)
        if len(calls) > written_before:
            raise OSError("the disk is full")
        put_in_place(*files)

    put_in_place = _saving.put_in_place
    monkeypatch.setattr(_saving, "put_in_place", crash)
    with pytest.raises(OSError, match="disk is full"):
        skdeepclust.USPEC(2, random_state=1).fit(TABLE).save(saved[0])
    np.testing.assert_array_equal(skdeepclust.load(saved[0]).labels_, fitted_model().labels_)
    assert not list(saved[0].glob(".saving-*"))


@pytest.mark.parametrize("module", [_saving, _codec, _saved_classes], ids=lambda module: module.__name__)
def test_nothing_that_executes_files_is_imported(module):
    tree = ast.parse(inspect.getsource(module))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in imported} & {"pickle", "joblib", "marshal", "shelve", "runpy"}
    called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__"}


def test_the_consensus_half_loads_without_torch(saved):
    code = (
        "import sys, skdeepclust; labels = skdeepclust.load(sys.argv[1]).labels_; "
        "print(len(labels), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, saved[0]], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["60", "False"], done.stderr


def test_without_safetensors(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install 'skdeepclust\[io\]'"):
        fitted_model().save(tmp_path)
