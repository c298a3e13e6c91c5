# SPDX-License-Identifier: BSD-3-Clause
"""Networks of the user's in the commands: what they see, how often, and what is refused."""

import json
import sys
from threading import Event

import numpy as np
import pytest
from command_line import IMAGES, fit, read_labels, write_images

from skdeepclust import FrozenEncoder
from skdeepclust.cli import main
from skdeepclust.cli._fit import build_model
from skdeepclust.cli._main import build_parser
from skdeepclust.cli._session import Session
from skdeepclust.datasets._image_file import decode

ENCODER = """
from sklearn.preprocessing import FunctionTransformer
from torch import nn
from skdeepclust import FrozenEncoder

def frozen():
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 9, 3))
    return FrozenEncoder(network, layers=("0", "2"), preprocess=halve)

def halve(batch):
    return batch / 2

def own():
    return FunctionTransformer(left)

def left(X):
    return X[:, :20]

nothing = int
"""


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A module in the working directory, which nobody has imported yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # and taken away again
    (tmp_path / "my_network.py").write_text(ENCODER, encoding="utf-8")
    yield "my_network"
    sys.modules.pop("my_network", None)


@pytest.mark.parametrize(
    ("function", "more", "saved"), [("frozen", ["--layers", "2"], "model"), ("own", [], "model.joblib")]
)
def test_networks_of_ones_own(function, more, saved, network, tmp_path, capsys):
    np.save("images.npy", IMAGES)
    encoder = ["--encoder", f"{network}:{function}"]
    assert fit("images.npy", "out", "--no-report", *encoder, *more, method="deepclue") == 0
    assert ("saved by joblib" in capsys.readouterr().err) == (saved == "model.joblib")
    assert (tmp_path / "out" / saved).exists()
    assert main(["predict", "out", "images.npy", "-o", "no.csv"]) == 2
    assert f"--encoder {network}:{function}; pass that again" in capsys.readouterr().err
    assert main(["predict", "out", "images.npy", "-o", "again.csv", *encoder, "--quiet"]) == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out" / "labels.csv").read_bytes()


@pytest.fixture
def passes(monkeypatch):
    """Rows of each pass of a frozen network."""
    sizes = []
    whole = FrozenEncoder.transform

    def noted(self, X):
        sizes.append(len(X))
        return whole(self, X)

    monkeypatch.setattr(FrozenEncoder, "transform", noted)
    return sizes


def frozen_options(network):
    return ["--encoder", f"{network}:frozen", "--layers", "2"]


def test_a_frozen_network_sees_every_image_once(network, tmp_path, passes):
    folder = write_images(tmp_path / "photos", np.concatenate([IMAGES, IMAGES[::-1, ::-1]]))
    assert fit(folder, "out", *frozen_options(network), method="deepclue") == 0
    assert passes == [120]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["labels.csv", "model", "report.html", "run.json"]
    saved = (tmp_path / "out" / "model" / "model.json").read_text(encoding="utf-8")
    assert "features_dir" in saved
    assert ".features-" not in saved
    # The page is that which the network makes anew.
    assert main(["report", "out", "-o", "again.html", "--encoder", f"{network}:frozen", "--quiet"]) == 0
    assert passes == [120, 120, 120]
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "out" / "report.html").read_bytes()


@pytest.fixture
def late_damage(monkeypatch):
    """b/57.jpg is not decoded before a frozen network works on the images."""
    is_at_work = Event()
    transform = FrozenEncoder.transform

    def noted(self, X):
        is_at_work.set()
        return transform(self, X)

    def waiting(path, *arguments):
        if path.name == "57.jpg":
            is_at_work.wait(30)
        return decode(path, *arguments)

    monkeypatch.setattr(FrozenEncoder, "transform", noted)
    monkeypatch.setattr("skdeepclust.datasets._image_file.decode", waiting)
    monkeypatch.setattr("skdeepclust.datasets._filler._BLOCK", 10)
    monkeypatch.setattr("skdeepclust._support._sources._BLOCK_VALUES", 640)  # ten images are looked at before


@pytest.mark.parametrize("cache", [[], ["--cache", "kept"]])
def test_damage_that_the_network_meets_is_left_out(cache, network, late_damage, tmp_path, passes, capsys):
    folder = write_images(tmp_path / "photos")
    whole = (folder / "a" / "00.jpg").read_bytes()
    (folder / "b" / "57.jpg").write_bytes(whole[:-16])  # its header is good
    (folder / "b" / "text.png").write_bytes(b"no image")
    assert fit(folder, "out", *frozen_options(network), *cache, method="deepclue") == 0
    assert passes == [61, 60, 60]  # too few for a file of features: the map has the last
    err = capsys.readouterr().err
    assert [line.split(":")[:2] for line in err.splitlines()] == [
        ["left out", " b/text.png"], ["left out", " b/57.jpg"]
    ]  # fmt: skip
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert set(run["unreadable"]) == {"b/57.jpg", "b/text.png"}
    rows = read_labels("out/labels.csv")
    assert [row["file"] for row in rows[:3]] == ["a/00.jpg", "a/02.png", "a/04.png"]
    assert np.bincount([int(row["label"]) for row in rows]).tolist() == run["cluster_sizes"]
    for command in (["predict", "out", str(folder), "-o", "again.csv"], ["report", "out", "-o", "page.html"]):
        assert main([*command, "--encoder", f"{network}:frozen", *cache, "--quiet"]) == 0
        assert "left out: b/57.jpg" in capsys.readouterr().err
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out" / "labels.csv").read_bytes()
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "out" / "report.html").read_bytes()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("build", "wanted is MODULE:FUNCTION"),
        ("no_such_module:f", "No module named"),
        ("{}:absent", "absent"),
        ("{}:nothing", "returned 0, which is no transformer"),
    ],
)
def test_encoders_that_are_none(spec, message, network, table, tmp_path, capsys):
    assert fit(table, tmp_path / "new", "--encoder", spec.format(network), method="deepclue") == 2
    assert message in capsys.readouterr().err


def test_jobs_are_for_the_clusterings_not_for_the_network(network, table, tmp_path, capsys):
    options = ["--encoder", f"{network}:frozen", "--jobs", "2"]
    arguments = build_parser().parse_args(["fit", "x", "-k", "4", "-o", "out", "--quiet", *options])
    assert build_model(arguments, Session(arguments)).n_jobs == 2
    assert fit(table, "out", *options, method="icicle-gcn") == 2
    assert "--jobs has no effect with --method icicle-gcn" in capsys.readouterr().err


def test_epochs_are_not_for_a_network_that_is_not_trained(network, table, tmp_path, capsys):
    encoder = ["--encoder", f"{network}:frozen"]
    assert fit(table, tmp_path / "new", *encoder, "--epochs", "3", method="deepclue") == 2
    assert "--epochs has no effect with --encoder my_network:frozen" in capsys.readouterr().err
