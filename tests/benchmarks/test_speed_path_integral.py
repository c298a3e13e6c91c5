# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark of agglomerative clustering by path integrals. Structure only: nothing is asserted about time."""

import re

import numpy as np

from benchmarks.speed import path_integral


def test_the_command_prints_both_tables(capsys):
    path_integral.main(["--rows", "300", "400", "--dense-rows", "350"])
    text = capsys.readouterr().out
    assert re.search(r"\| 300 \| [\d.]+ \| -?\d+ \| [01]\.\d+ \|", text)
    assert "| 400 |" in text
    assert re.search(r"350 rows: [\d.]+ s; dense [\d.]+ s, \d+ times longer", text)
    assert "agreement of the two (ARI): 1.0000" in text
    assert "stored labels" not in text


def test_an_embedding_is_read_from_a_file(tmp_path, capsys):
    z, _ = path_integral.gaussians(310)
    labels = path_integral.dense_labels(z)
    np.savez(tmp_path / "z.npz", z=z, acpic_labels=labels)
    path_integral.main(["--rows", "300", "--embedding", str(tmp_path / "z.npz")])
    text = capsys.readouterr().out
    assert "310 rows" in text
    assert "agreement with the stored labels (ARI): 1.0000" in text
