# SPDX-License-Identifier: BSD-3-Clause
"""The commands fit, predict and report, called in this process."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from command_line import DAMAGED, IMAGES, fit, read_labels
from PIL import Image

import skdeepclust
from skdeepclust.cli import main
from skdeepclust.cli._fit import METHODS, build_model
from skdeepclust.cli._main import build_parser
from skdeepclust.cli._session import Session


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
    options = "--layers backbone,cluster --epochs 3 --max-time 2.5 --seed 5 --device cpu --jobs 2 --checkpoint c"
    arguments = build_parser().parse_args(["fit", "x", "-k", "7", "-o", "out", *options.split()])
    model = build_model(arguments, Session(arguments))
    assert isinstance(model, skdeepclust.DeepClusterEnsemble)
    wanted = {
        "n_clusters": 7, "layers": ("backbone", "cluster"), "max_epochs": 3, "max_time": 2.5, "random_state": 5,
        "n_jobs": 2, "device": "cpu", "checkpoint_dir": "c", "verbose": 1,
    }  # fmt: skip
    assert {name: value for name, value in model.get_params().items() if name in wanted} == wanted


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_a_public_clusterer_with_memberships(method):
    arguments = build_parser().parse_args(["fit", "x", "-k", "7", "-o", "out", "--method", method, "--quiet"])
    model = build_model(arguments, Session(arguments))
    assert type(model).__name__ in skdeepclust.__all__
    assert model.n_clusters == 7
    assert hasattr(model, "predict_proba")


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
