# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark of graph convolutions. Structure only: nothing is asserted about time."""

import re

from benchmarks.speed import graph_convolution


def test_the_command_prints_both_formulations(capsys):
    graph_convolution.main(["--rows", "120", "--hidden", "8", "--steps", "1"])
    text = capsys.readouterr().out
    assert re.search(r"\| sparse \| [\d.]+ \| [\d.]+ \| -?\d+ \|", text)
    assert re.search(r"\| dense \| [\d.]+ \| [\d.]+ \| -?\d+ \|", text)
    assert re.search(r"120 rows: dense [\d.]+ times longer, [\d.]+ of processor time\nlosses agree: True", text)
