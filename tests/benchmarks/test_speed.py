# SPDX-License-Identifier: BSD-3-Clause
"""The speed benchmark does what its tables say. Structure only: nothing is asserted about time."""

import json
import os
import shutil

import numpy as np
import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import limits, octave, problems, results, tables
from benchmarks.speed.cases import CASES, is_ours, planned
from benchmarks.speed.child import measure
from benchmarks.speed.measurement import Measurement
from benchmarks.speed.memory import PeakGrowth
from benchmarks.speed.methods import METHODS
from benchmarks.speed.runner import run_child

ENSEMBLE = {"data": "ensemble", "rows": 500, "clusterings": 4, "clusters": [10, 20]}
CG = {"data": "planar", "name": "CG", "rows": 400}
LIMITS = {"copy_gb_s": 10.0, "read_gb_s": 20.0, "gflop_s": 100.0, "cores": 2, "machine": {}}
CLUSTERER = """function labels = USPEC(fea, Ks, distance, p, Knn, maxTcutKmIters, cntTcutKmReps)
  labels = 1 + (fea(:, 1) > mean(fea(:, 1)));
end
"""


def record(case, method, rows, seconds, repeat=0, **more):
    wanted = Measurement(case, method, {"data": "planar", "name": "CG", "rows": rows}, repeat=repeat)
    return wanted.as_dict() | {"seconds": seconds, "machine": {}} | more


@pytest.mark.parametrize("case", CASES)
def test_every_case_can_be_planned(case):
    every = planned([case], octave=True)
    assert every
    assert len({wanted.key() for wanted in every}) == len(every)
    for wanted in every:
        assert wanted.method in METHODS
        assert wanted.problem["data"] in problems.PROBLEMS
        assert Measurement(**json.loads(wanted.key())).key() == wanted.key()
    assert any(is_ours(wanted) for wanted in every)
    assert max(wanted.problem["rows"] for wanted in planned([case], max_rows=50)) == 50
    assert all(wanted.method == "USPEC" for wanted in planned([case], methods=["USPEC"]))


def test_ensembles_say_what_they_are():
    made = problems.load(ENSEMBLE | {"rows": 20_000}, {})
    assert made.X.shape == (20_000, 4)
    assert made.X.dtype == np.int32
    sizes = made.X.max(axis=0) + 1
    assert sizes.sum() == made.facts["clusters"]
    right = (made.truth[:, None] == made.X % 10).mean(axis=0)
    np.testing.assert_allclose(right, 0.9 + 0.1 / 10, atol=0.02)  # a tenth is misplaced, a tenth of it by luck not
    tiny = problems.load_tiny(ENSEMBLE | {"rows": 20_000}, {})
    assert len(tiny.X) == problems.TINY_ROWS


def test_blobs_are_the_same_mapped_and_in_memory(tmp_path):
    folders = {"scratch": str(tmp_path)}
    mapped = problems.load({"data": "blobs", "rows": 300, "features": 3, "mapped": True}, folders)
    held = problems.load({"data": "blobs", "rows": 300, "features": 3, "mapped": False}, folders)
    assert isinstance(mapped.X, np.memmap)
    assert not isinstance(held.X, np.memmap)
    np.testing.assert_array_equal(mapped.X, held.X)
    assert mapped.X.dtype == np.float32


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="--data"):
        problems.load({"data": "mnist", "rows": 10}, {"data": None})
    with pytest.raises(ValueError, match="--octave"):
        octave.run_octave("USPEC", np.eye(3), 2, {"octave": None})
    with pytest.raises(FileNotFoundError, match="USPEC.m"):
        octave.run_octave("USPEC", np.eye(3), 2, {"octave": str(tmp_path)})


def test_missing_octave_is_named(tmp_path, monkeypatch):
    (tmp_path / "USPEC.m").write_text(CLUSTERER)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match="GNU Octave is not on PATH"):
        octave.run_octave("USPEC", np.eye(3), 2, {"octave": str(tmp_path)})


@pytest.mark.skipif(shutil.which("octave-cli") is None, reason="GNU Octave is not installed")
def test_octave_gets_the_rows_and_gives_labels(tmp_path):
    (tmp_path / "USPEC.m").write_text(CLUSTERER)
    X = np.random.default_rng(0).normal(size=(50, 3))
    found = octave.run_octave("USPEC", X, 2, {"octave": str(tmp_path), "scratch": str(tmp_path)})
    np.testing.assert_array_equal(found.result, 1 + (X[:, 0] > X[:, 0].mean()))
    assert found.seconds > 0
    assert "Octave" in found.facts["octave"]


@pytest.mark.parametrize("method", ["EntropyWeightedConsensus", "twin of the consensus"])
def test_a_measurement_has_its_parts(method):
    found = measure(Measurement("consensus", method, ENSEMBLE, {"theta": 0.4}), {})
    assert found["seconds"] > 0
    assert found["warm_up_s"] > 0
    assert found["nmi"] > 0.9
    assert found["nmi_max"] <= found["nmi"]
    assert found["n_clusters_found"] == 10
    assert found["clusters"] > 40
    assert ("work" in found) == (method == "EntropyWeightedConsensus")
    assert {"numpy", "skdeepclust"} <= set(found["versions"])
    assert results.key_of(json.loads(json.dumps(found))) == results.key_of(found)


@pytest.mark.parametrize("method", ["KMeans", "MiniBatchKMeans", "BisectingKMeans", "SpectralClustering", "HDBSCAN"])
def test_peers_run(method):
    assert measure(Measurement("uspec", method, CG), {})["nmi"] > 0.3


@pytest.mark.parametrize("product", ["overlap", "reduced graph"])
def test_kernels_and_sparse_products_agree(product):
    methods = ("kernel", "scipy.sparse")
    found = [measure(Measurement("kernels", method, ENSEMBLE, {"product": product}), {}) for method in methods]
    assert tables.disagreements(found) == []
    found[1]["fingerprint"] *= 1.001
    assert len(tables.disagreements(found)) == 1


def test_growth_of_memory():
    with PeakGrowth(sample=True) as peak:
        held = np.ones(2**23)  # 64 MiB
    assert 60 < peak.mib < 200
    assert held.sum() == 2**23
    assert peak.anonymous_mib is None or peak.anonymous_mib < 200


def test_least_seconds():
    assert limits.bound_seconds({"bytes": 2e10, "operations": 0}, LIMITS) == pytest.approx(1.0)
    assert limits.bound_seconds({"bytes": 2e10, "operations": 3e11}, LIMITS) == pytest.approx(3.0)
    X = np.zeros((5000, 20), dtype=np.float32)
    assert limits.least_work("USPEC", X) == {"bytes": 5000 * 84, "operations": 2 * 5000 * 20 * 1000}
    assert limits.least_work("USPEC", X[:, :2])["operations"] == 0
    assert limits.least_work("EntropyWeightedConsensus", X)["operations"] == 0
    assert limits.least_work("USENC", X)["operations"] >= limits.least_work("USPEC", X)["operations"]
    found = limits.measure_limits(n_bytes=2**20, order=64)
    assert min(found["copy_gb_s"], found["read_gb_s"], found["gflop_s"]) > 0


def test_growth_is_a_slope_of_logarithms():
    assert tables.exponent([10, 100, 1000], [3.0, 30.0, 300.0]) == pytest.approx(1.0)
    assert tables.exponent([1, 2, 4], [5.0, 20.0, 80.0]) == pytest.approx(2.0)


def test_tables_have_medians_and_ratios():
    found = [record("uspec", "USPEC", 10, s, repeat=i, nmi=0.5, nmi_max=0.4) for i, s in enumerate((1.0, 2.0, 9.0))]
    found += [record("uspec", "KMeans", 10, 6.0), record("uspec", "USPEC", 100, 20.0), record("uspec", "USPEC", 40, 8)]
    found += [record("uspec", "HDBSCAN", 10, 0.0) | {"error": "not done after 5 s", "over_limit": True}]
    lines = tables.table(found, "uspec", None)
    (ours,) = [line for line in lines if "| USPEC | 3 |" in line]
    assert "| 2 | 1 | 0.5000 | 0.4000 |" in ours
    assert any("| KMeans | 1 | 6 | 3 |" in line for line in lines)
    assert any("| HDBSCAN | 0 | not done after 5 s |" in line for line in lines)
    text = tables.report([*found, LIMITS | {"case": "limits", "method": "machine"}])
    assert "seconds grow as (n)^1.00, 3 sizes" in text
    assert "copy 10.0 GB/s" in text


def test_what_gave_up_is_not_tried_again():
    lost = [record("uspec", "HDBSCAN", 100, 0.0) | {"error": "", "over_limit": True}]
    wanted = {rows: Measurement("uspec", "HDBSCAN", CG | {"rows": rows}) for rows in (50, 100, 200)}
    assert [command.gave_up_before(wanted[rows], lost) for rows in wanted] == [False, True, True]
    assert not command.gave_up_before(Measurement("uspec", "KMeans", CG | {"rows": 200}), lost)
    assert not command.has_failed(lost[0])
    assert command.has_failed(record("uspec", "USPEC", 100, 0.0) | {"error": "", "over_limit": True})


def test_picture(tmp_path):
    pytest.importorskip("matplotlib")
    from benchmarks.speed.plot import draw, panels

    found = [record("uspec", method, rows, rows / 1e4) for method in ("USPEC", "KMeans") for rows in (100, 1000)]
    assert set(panels(found)["uspec"]) == {"USPEC (CG)", "KMeans (CG)"}
    draw(found, tmp_path / "new" / "speed.png")
    assert (tmp_path / "new" / "speed.png").stat().st_size > 10_000
    with pytest.raises(ValueError, match="--cases"):
        draw([], tmp_path / "none.png")


@pytest.mark.slow
def test_the_command_writes_and_resumes(tmp_path, capsys):
    out = tmp_path / "speed.json"
    arguments = ["--quick", "--rows", "300", "--cases", "kernels", "uspec", "--methods", "kernel", "scipy.sparse"]
    arguments += ["USPEC", "KMeans", "--scratch", str(tmp_path), "--out", str(out)]
    assert command.main(arguments) == 1  # MNIST is asked for without a folder
    text = capsys.readouterr().out
    assert all(part in text for part in ("### kernels", "### uspec", "### warm-up", "Machine: copy", "mnist.npz"))
    assert "| yes |" in text
    found = results.read(out)
    assert len(found) == 1 + 4 + 2 + 2
    assert sum("error" in one for one in found.values()) == 2
    assert os.listdir(tmp_path) == ["speed.json"]

    command.main([*arguments, "--methods", "kernel"])  # all there: nothing is measured
    assert capsys.readouterr().err == ""
    command.main(["--table", "--out", str(out)])
    assert capsys.readouterr().out == text


@pytest.mark.slow
def test_children_have_limits():
    late = run_child(Measurement("uspec", "USPEC", CG), {}, limit=0.2)
    assert late["over_limit"]
    assert late["error"] == "not done after 0.2 s"
    wanted = Measurement("uspec", "KMeans", CG | {"rows": 20_000_000}, memory_limit=700 * 2**20)
    big = run_child(wanted, {})
    assert big["over_limit"]
    assert "emory" in big["error"]
