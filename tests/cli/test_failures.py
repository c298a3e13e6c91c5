# SPDX-License-Identifier: BSD-3-Clause
"""What the commands refuse, and what is left when they fail or are stopped."""

import json
import warnings

import numpy as np
import pytest
from command_line import fit, read_labels

import skdeepclust
from skdeepclust._support._warnings import TrainingInterruptedWarning
from skdeepclust.cli import main


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
