# SPDX-License-Identifier: BSD-3-Clause
"""The commands fit, predict and report, called in this process."""

import csv
import json
import os
import shutil
import subprocess
import sys
import warnings
from threading import Event

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import skdeepclust
from skdeepclust import FrozenEncoder
from skdeepclust._support._warnings import TrainingInterruptedWarning
from skdeepclust.cli import main
from skdeepclust.cli._fit import METHODS, build_model
from skdeepclust.cli._main import build_parser
from skdeepclust.cli._session import Session
from skdeepclust.datasets._image_file import decode

IMAGES = (load_digits().images[:60] * 15).astype(np.uint8)
DAMAGED = "b/damaged.png"


def write_images(folder, images=IMAGES):
    """PNG and JPEG files in two folders."""
    for i, image in enumerate(images):
        path = folder / "ab"[i % 2] / f"{i:02}.{'jpg' if i % 5 == 0 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def read_labels(path):
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def fit(source, out, *more, method="uspec", k=4):
    return main(["fit", str(source), "-k", str(k), "-o", str(out), "--method", method, "--quiet", *more])


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = write_images(tmp_path_factory.mktemp("photos"))
    whole = (folder / "b" / "01.png").read_bytes()
    (folder / DAMAGED).write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "table.npz"
    np.savez(path, X=IMAGES.reshape(60, -1), y=np.zeros(60))
    return path


@pytest.fixture(scope="module")
def fitted(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("fitted") / "out"
    assert fit(photos, out) == 0
    return out


def test_fit_writes_labels_model_report_and_notes(fitted):
    assert sorted(p.name for p in fitted.iterdir()) == ["labels.csv", "model", "report.html", "run.json"]
    rows = read_labels(fitted / "labels.csv")
    model = skdeepclust.load(fitted / "model")
    assert [int(row["label"]) for row in rows] == model.labels_.tolist()
    assert [row["file"] for row in rows[:2]] == ["a/00.jpg", "a/02.png"]
    assert DAMAGED not in [row["file"] for row in rows]
    confidence = np.array([float(row["confidence"]) for row in rows])
    assert len(rows) == 60
    assert ((confidence > 0.2) & (confidence <= 1)).all()
    run = json.loads((fitted / "run.json").read_text(encoding="utf-8"))
    assert run["n_rows"] == 60
    assert run["cluster_sizes"] == np.bincount(model.labels_).tolist()
    assert list(run["unreadable"]) == [DAMAGED]
    assert run["image_shape"] == [8, 8]
    assert run["files"] == ["model", "labels.csv", "run.json", "report.html"]
    assert set(run["seconds"]) == {"reading", "fit", "confidence", "report"}
    assert "a/02.png" in (fitted / "report.html").read_text(encoding="utf-8")


def test_predict_gives_the_labels_of_the_fit(fitted, photos, tmp_path, capsys):
    assert main(["predict", str(fitted), str(photos), "-o", str(tmp_path / "again.csv")]) == 0
    assert (tmp_path / "again.csv").read_bytes() == (fitted / "labels.csv").read_bytes()
    out, err = capsys.readouterr()
    assert out == f"60 rows, labels in {tmp_path / 'again.csv'}\n"
    assert f"left out: {DAMAGED}: " in err
    assert "reading images" in err  # the progress bar


def test_report_finds_the_images_of_the_fit_again(fitted, tmp_path):
    page = tmp_path / "page.html"
    assert main(["report", str(fitted), "-o", str(page), "--quiet"]) == 0
    assert page.read_text(encoding="utf-8") == (fitted / "report.html").read_text(encoding="utf-8")


def test_a_model_by_itself_needs_the_rows_of_its_report(fitted, photos, table, tmp_path, capsys):
    alone = shutil.copytree(fitted / "model", tmp_path / "alone")
    assert main(["report", str(alone)]) == 2
    assert "INPUT is needed" in capsys.readouterr().err
    assert main(["predict", str(alone), str(photos), "-o", str(tmp_path / "labels.csv")]) == 2
    assert "fitted on a table" in capsys.readouterr().err
    assert main(["report", str(alone), str(table), "--quiet"]) == 0
    assert (alone / "report.html").is_file()


@pytest.mark.parametrize("name", ["images.npy", "one.npz"])
def test_arrays_have_row_numbers(name, tmp_path, fitted):
    (np.save if name.endswith("npy") else np.savez)(tmp_path / name, IMAGES)
    assert fit(tmp_path / name, tmp_path / "out", "--no-report") == 0
    rows = read_labels(tmp_path / "out" / "labels.csv")
    assert [row["row"] for row in rows] == [str(i) for i in range(60)]
    assert not (tmp_path / "out" / "report.html").exists()


def test_json_is_all_there_is_on_stdout(table, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["fit", str(table), "-k", "4", "-o", str(out), "--method", "uspec", "--no-report", "--json"]) == 0
    printed, said = capsys.readouterr()
    assert json.loads(printed) == json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert "60 rows in 4 clusters" in said
    assert main(["predict", str(out), str(table), "-o", str(tmp_path / "labels.csv"), "--json", "--quiet"]) == 0
    printed, said = capsys.readouterr()
    record = json.loads(printed)
    assert said == ""
    assert sum(record["cluster_sizes"]) == record["n_rows"] == 60
    assert record["labels"] == str(tmp_path / "labels.csv")


def test_a_deep_model_labels_its_images_again(photos, tmp_path):
    out = tmp_path / "out"
    assert fit(photos, out, "--no-report", "--epochs", "1", method="contrastive") == 0
    assert skdeepclust.load(out / "model").n_iter_ == 1
    assert main(["predict", str(out), str(photos), "-o", str(tmp_path / "again.csv"), "--quiet"]) == 0
    assert (tmp_path / "again.csv").read_bytes() == (out / "labels.csv").read_bytes()


def test_options_become_parameters():
    options = (
        "fit x -k 7 -o out --layers backbone,cluster --epochs 3 --max-time 2.5 --seed 5 --device cpu --checkpoint c"
    )
    arguments = build_parser().parse_args(options.split())
    model = build_model(arguments, Session(arguments))
    assert isinstance(model, skdeepclust.DeepClusterEnsemble)
    wanted = {
        "n_clusters": 7, "layers": ("backbone", "cluster"), "max_epochs": 3, "max_time": 2.5, "random_state": 5,
        "device": "cpu", "checkpoint_dir": "c", "verbose": 1,
    }  # fmt: skip
    assert {name: value for name, value in model.get_params().items() if name in wanted} == wanted


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_a_public_clusterer_with_memberships(method):
    arguments = build_parser().parse_args(["fit", "x", "-k", "7", "-o", "out", "--method", method, "--quiet"])
    model = build_model(arguments, Session(arguments))
    assert type(model).__name__ in skdeepclust.__all__
    assert model.n_clusters == 7
    assert hasattr(model, "predict_proba")


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


def test_epochs_are_not_for_a_network_that_is_not_trained(network, table, tmp_path, capsys):
    encoder = ["--encoder", f"{network}:frozen"]
    assert fit(table, tmp_path / "new", *encoder, "--epochs", "3", method="deepclue") == 2
    assert "--epochs has no effect with --encoder my_network:frozen" in capsys.readouterr().err


def test_sizes_and_colours(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for i in range(12):
        image = rng.integers(0, 256, (10 + i % 2, 12, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    assert fit(tmp_path, tmp_path / "out", k=2) == 1
    assert "2 different sizes" in (error := capsys.readouterr().err)
    assert "--image-size" in error
    assert fit(tmp_path, tmp_path / "out", "--image-size", "6", "--gray", "--no-report", k=2) == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["image_shape"] == [6, 6]
    capsys.readouterr()
    again = str(tmp_path / "again.csv")
    assert main(["predict", str(tmp_path / "out"), str(tmp_path), "-o", again, "--cache", str(tmp_path / "kept")]) == 0
    assert len(list((tmp_path / "kept").glob("*.npy"))) == 1
    assert read_labels(again) == read_labels(tmp_path / "out" / "labels.csv")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        ([__file__], "neither a folder of image files nor"),
        (["{table}", "--epochs", "3"], "--epochs has no effect with --method uspec"),
        (["{table}", "--method", "contrastive", "--layers", "backbone"], "--layers has no effect with --method contr"),
        (["{table}", "--encoder", "a:b"], "--encoder has no effect with --method uspec"),
        (["{table}", "--gray"], "--gray and --cache are for folders"),
        (["{table}", "-o", "{fitted}"], "holds model, labels.csv, report.html, run.json of another run"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(more, message, table, fitted, tmp_path, capsys):
    more = [part.format(table=table, fitted=fitted) for part in more]
    assert main(["fit", "-k", "4", "-o", str(tmp_path / "out"), "--method", "uspec", *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("skdeepclust fit: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out" / "labels.csv").exists()


def test_argparse_refuses_the_rest(capsys):
    for arguments in (["fit", "folder", "-k", "4"], ["fit", "folder", "-k", "some", "-o", "out"], ["predict", "model"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    assert """a number or "auto" is wanted; got 'some'""" in capsys.readouterr().err


def test_failures_are_one_line_and_1(table, tmp_path, capsys):
    assert fit(table, tmp_path / "out", k=61) == 1
    err = capsys.readouterr().err
    assert err.startswith("skdeepclust fit: error: n_clusters must be an integer >= 1 and <= 60; got 61")
    assert err.count("\n") == 1
    assert fit(table, tmp_path / "out", "--debug", k=61) == 1
    assert "Traceback" in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "out"), str(table), "-o", str(tmp_path / "labels.csv")]) == 2
    assert "neither a folder with a saved model" in capsys.readouterr().err


def test_damaged_arrays(tmp_path, capsys):
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    np.save(tmp_path / "objects.npy", np.array([{}, {}], dtype=object))
    (tmp_path / "bytes.npz").write_bytes(b"no archive")
    for name, message in [("two.npz", "holds the arrays a, b"), ("objects.npy", "cannot be"), ("bytes.npz", "cannot")]:
        assert fit(tmp_path / name, tmp_path / "out") == 1
        assert message in capsys.readouterr().err


def test_a_folder_of_damaged_files_fails(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"no image")
    assert fit(tmp_path, tmp_path / "out", "--image-size", "8") == 1
    assert "1 of 1 image files cannot be read" in capsys.readouterr().err


def test_a_failed_report_keeps_labels_and_model(table, tmp_path, monkeypatch, capsys):
    def fail(*arguments, **parameters):
        raise ImportError("A report is made with jinja2.")

    monkeypatch.setattr("skdeepclust.report.write_report", fail)
    out = tmp_path / "out"
    assert fit(table, out, "--json") == 1
    printed, said = capsys.readouterr()
    assert f"made with jinja2. (Only the report is missing: skdeepclust report {out})" in said
    assert f"Saved: {out / 'model'}, {out / 'labels.csv'}, {out / 'run.json'}" in said
    assert json.loads(printed)["error"] == "A report is made with jinja2."
    assert len(read_labels(out / "labels.csv")) == 60
    monkeypatch.undo()
    assert main(["report", str(out), "--quiet"]) == 0
    assert (out / "report.html").is_file()


def test_ctrl_c_names_what_was_saved(table, tmp_path, monkeypatch, capsys):
    def stop(*arguments, **parameters):
        raise KeyboardInterrupt

    monkeypatch.setattr("skdeepclust.cli._fit.write_labels", stop)
    out = tmp_path / "out"
    assert fit(table, out) == 130
    assert capsys.readouterr().err == f"skdeepclust fit: stopped by Ctrl-C\nSaved: {out / 'model'}\n"
    assert skdeepclust.load(out / "model").n_clusters_ == 4
    monkeypatch.setattr(skdeepclust.USPEC, "fit", stop)
    assert fit(table, tmp_path / "new") == 130
    assert capsys.readouterr().err == "skdeepclust fit: stopped by Ctrl-C\n"


def test_a_training_that_was_interrupted_ends_with_130_and_everything(table, tmp_path, monkeypatch, capsys):
    whole = skdeepclust.USPEC.fit

    def fit_some(self, X):
        warnings.warn("Ctrl-C ended the training.", TrainingInterruptedWarning, stacklevel=2)
        return whole(self, X)

    monkeypatch.setattr(skdeepclust.USPEC, "fit", fit_some)
    out = tmp_path / "out"
    assert fit(table, out) == 130
    assert capsys.readouterr().err.startswith("warning: Ctrl-C ended the training.\nSaved: ")
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert run["interrupted"]
    assert run["warnings"] == ["Ctrl-C ended the training."]
    assert (out / "report.html").is_file()


def test_overwrite_replaces_all_of_an_earlier_run(table, tmp_path):
    out = tmp_path / "out"
    assert fit(table, out) == 0
    assert fit(table, out, "--overwrite", "--no-report", "--seed", "1", k=3) == 0
    assert not (out / "report.html").exists()
    assert skdeepclust.load(out / "model").get_params()["random_state"] == 1
    assert {row["label"] for row in read_labels(out / "labels.csv")} == {"0", "1", "2"}
    assert sorted(p.name for p in out.iterdir()) == ["labels.csv", "model", "run.json"]


@pytest.mark.skipif(os.name == "nt", reason="such names do not exist there")
def test_names_that_are_formulas_or_no_unicode(tmp_path):
    names = ["=1+1.png", "@x.png", 'with, "quotes".png', "two\nlines.png", os.fsdecode(b"latin\xe9.png"), "plain.png"]
    folder = tmp_path / "photos"
    folder.mkdir()
    for image, name in zip(IMAGES, names):
        Image.fromarray(image).save(os.path.join(folder, name), format="PNG")
    assert fit(folder, tmp_path / "out", k=2) == 0
    rows = read_labels(tmp_path / "out" / "labels.csv")
    assert {os.path.normpath(row["file"]) for row in rows} == set(names)
    assert not [row for row in rows if row["file"].startswith(("=", "@"))]
    assert all((folder / row["file"]).is_file() for row in rows)


def test_nothing_heavy_is_imported_for_help():
    code = (
        "import sys; from skdeepclust.cli import main\n"
        "try: main(['fit', '--help'])\n"
        "except SystemExit: print(sorted({'numpy', 'sklearn', 'torch', 'PIL', 'tqdm'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--method" in run.stdout
    assert run.stdout.splitlines()[-1] == "[]"
