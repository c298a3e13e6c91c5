# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

import numpy as np
import pytest

import skdeepclust
from skdeepclust.cli import main


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Output and picture of one run of the demo."""
    import contextlib
    import io

    picture = tmp_path_factory.mktemp("demo") / "clusters.png"
    text, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(errors):
        status = main(["demo", "--epochs", "1", "--quiet", "--output", str(picture)])
    return status, text.getvalue(), errors.getvalue(), picture


def test_demo_prints_a_table_of_four_methods(demo):
    status, text, errors, picture = demo
    assert status == 0
    assert errors == ""
    lines = [line.split() for line in text.splitlines() if line]
    assert lines[1] == ["ACC", "NMI", "ARI", "seconds"]
    rows = lines[2:6]
    assert [row[:-4] for row in rows] == [
        ["k-means", "on", "pixels"], ["U-SENC", "on", "pixels"], ["cluster", "head", "alone"], ["DeepCluE"]
    ]  # fmt: skip
    scores = np.array([row[-4:-1] for row in rows], dtype=float)
    assert ((scores > -0.1) & (scores <= 1)).all()
    assert scores[0, 0] == pytest.approx(0.79, abs=0.04)  # k-means on the digits is well known
    assert len({tuple(row) for row in scores}) == 4
    assert str(picture) in lines[6][0]


def test_demo_writes_a_picture(demo):
    *_, picture = demo
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    assert width > height > 100


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"skdeepclust {skdeepclust.__version__}\n"


def test_help_names_the_commands_and_their_defaults(capsys):
    for arguments, words in [(["--help"], ["demo", "--version"]), (["demo", "--help"], ["--epochs", "--seed", "[0]"])]:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        out = capsys.readouterr().out
        assert all(word in out for word in words)


def test_unknown_commands_are_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train"])
    assert stop.value.code == 2
    assert "invalid choice: 'train'" in capsys.readouterr().err


def test_module_runs_as_a_script():
    run = subprocess.run([sys.executable, "-m", "skdeepclust", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"skdeepclust {skdeepclust.__version__}\n"
