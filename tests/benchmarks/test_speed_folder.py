# SPDX-License-Identifier: BSD-3-Clause
import sys

import numpy as np

from benchmarks.speed import folder
from skdeepclust.datasets import ImageFolder


def test_network_and_files_are_measured_alone_and_together(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["folder", "--n-images", "70", "--size", "16", "--channels", "2", "--rounds", "1"])
    folder.main()
    lines = [line.split(":") for line in capsys.readouterr().out.splitlines()]
    assert lines[0][0].startswith("70 files, 16 pixels")
    names = ["decoding", "network", "together", "in_turn", "command", "bound"]
    assert [name.strip() for name, *_ in lines[1:-1]] == names
    assert lines[-1][0].startswith("the command's own steps")
    assert all(step in lines[-1][1] for step in ("reading", "fit", "report"))


def test_a_folder_read_batch_by_batch_gives_the_features_of_the_array(tmp_path):
    folder.write_files(tmp_path, 70)
    encoder = folder.small_network(4)
    in_memory = encoder.fit_transform(np.asarray(ImageFolder(tmp_path, 16)))
    assert in_memory.shape == (70, 24)
    np.testing.assert_array_equal(encoder.fit_transform(ImageFolder(tmp_path, 16, background=True)), in_memory)
