# SPDX-License-Identifier: BSD-3-Clause
import sys

from benchmarks.speed import passes


def test_every_batch_size_has_a_line(monkeypatch, capfd):
    arguments = ["--batch-sizes", "auto", "2", "--n-images", "4", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", ["passes", *arguments])
    passes.main()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capfd.readouterr().out.splitlines()[3:]]
    assert [row[0] for row in rows] == ["auto", "2"]
    assert all(float(clock) > 0 and float(program) > 0 for _, clock, program, _ in rows)
