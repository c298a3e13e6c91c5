# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark of a pretrained network, and FrozenEncoder on one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.quality import efficientnet_lite, frozen, records
from benchmarks.quality.datasets import imagenette

DATA = Path(__file__).parents[3] / "shared" / "data"
WEIGHTS = DATA / "weights" / "efficientnet_lite0.pth"


def test_the_names_of_the_layers_are_those_of_the_network(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "pretrained", lambda path: efficientnet_lite.EfficientNetLite0())
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    with torch.random.fork_rng(devices=[]):
        found = efficientnet_lite.layer_features(images, None, batch_size=2, device="cpu")
    channels = [c_out for c_out, *_ in efficientnet_lite.STAGES]
    assert [layer.shape for layer in found.values()] == [(2, c) for c in (*channels, efficientnet_lite.LAST)]
    assert list(found) == [*(f"stage{i}" for i in range(1, 8)), "head"]
    assert found["head"].min() >= 0  # what follows the last activation


@pytest.mark.data
@pytest.mark.skipif(not WEIGHTS.exists(), reason="weights not at hand")
def test_pretrained_features_know_the_classes():
    X, y = imagenette(DATA)
    rows = np.concatenate([np.flatnonzero(y == label)[:4] for label in range(10)])
    encoder = efficientnet_lite.frozen_encoder(WEIGHTS, ("stage7", "head"), batch_size=20, device="cpu")
    features = encoder.fit_transform(X[rows])
    assert encoder.layer_sizes_ == (320, 1280)
    neighbour = KNeighborsClassifier(1, metric="cosine")
    assert cross_val_score(neighbour, features[:, 320:], y[rows], cv=4).mean() > 0.8


def test_results_are_written_once(monkeypatch, tmp_path, capsys):
    X, y = make_blobs(60, 12, centers=3, cluster_std=0.1, random_state=0)
    layers = {"stage7": X[:, :4], "head": X[:, 4:], "y": y, "seconds": np.array(2.0)}
    calls = []

    def read_layers(*arguments):
        calls.append(arguments)
        return layers

    monkeypatch.setattr(frozen, "read_layers", read_layers)
    arguments = ["--sets", "imagenette", "--layers", "stage7", "head", "--seeds", "0"]
    arguments += ["--out", str(tmp_path / "o.json")]
    arguments += ["--features", "raw", "unit", "--methods", "consensus", "kmeans", "hdbscan"]
    frozen.main(arguments)
    found = records.read(tmp_path / "o.json").values()
    assert len(found) == len(calls) == 6
    assert {record["estimator"] for record in found} >= {"consensus: stage7 head, raw", "kmeans: head, unit"}
    assert [record["ACC"] for record in found if record["estimator"].endswith("raw")] == [1, 1, 1]
    assert all(record["features_seconds"] == 2 for record in found)
    frozen.main([*arguments, "--table"])
    frozen.main(arguments)
    assert len(calls) == 6
    assert "| imagenette | 60 | 3 | hdbscan: head, raw |" in capsys.readouterr().out
