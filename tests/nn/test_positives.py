# SPDX-License-Identifier: BSD-3-Clause
"""Mutual neighbours against a slow definition, and the spaces they are sought in."""

import numpy as np
import pytest
import torch

from skdeepclust.nn.neighbors import nearest_neighbors
from skdeepclust.nn.positives import input_space, mutual_neighbors, seek_positives, unit_rows
from skdeepclust.nn.samples import fit_reader

CPU = torch.device("cpu")


@pytest.fixture
def points():
    return torch.randn(60, 3, generator=torch.Generator().manual_seed(0))


def test_mutual_neighbors_equal_the_definition(points):
    neighbors = nearest_neighbors(points, 4)
    positives = mutual_neighbors(neighbors)
    sets = [set(row) for row in neighbors.tolist()]
    for i, count in enumerate(positives.counts.tolist()):
        expected = {j for j in sets[i] if i in sets[j]} or {i}
        assert set(positives.candidates[i, :count].tolist()) == expected
        assert count == len(expected)


def test_an_outlier_is_its_own_positive():
    points = torch.tensor([[0.0], [0.1], [0.2], [0.3], [9.0]])
    positives = mutual_neighbors(nearest_neighbors(points, 2))
    assert positives.counts[4] == 1
    assert positives.draw(torch.tensor([4, 4, 4])).tolist() == [4, 4, 4]


def test_every_candidate_is_drawn_and_nothing_else(points):
    positives = seek_positives(5, points)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = {positives.draw(torch.tensor([7])).item() for _ in range(200)}
    assert drawn == set(positives.candidates[7, : positives.counts[7]].tolist())


def test_spaces_side_by_side_are_one_space(points):
    together = seek_positives(3, points)
    apart = seek_positives(3, points[:, :1], points[:, 1:])
    assert torch.equal(together.counts, apart.counts)


def test_input_space_keeps_distances_up_to_one_scale():
    X = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    space = input_space(fit_reader(X, None, CPU), X)
    standard = torch.from_numpy((X - X.mean(axis=0)) / X.std(axis=0))
    ratio = torch.pdist(space) / torch.pdist(standard)
    assert ratio.max() - ratio.min() < 1e-4
    assert space.square().sum(dim=1).mean() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("shape", "image_shape"), [((20, 70 * 70), (70, 70, 1)), ((20, 3000), None)])
def test_large_inputs_are_reduced_first(shape, image_shape):
    X = np.random.default_rng(0).random(shape, dtype=np.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        space = input_space(fit_reader(X, image_shape, CPU), X)
    assert space.shape == (20, 64)
    assert torch.isfinite(space).all()


def test_unit_rows():
    features = np.array([[3.0, 4.0], [0.0, 2.0]], dtype=np.float32)
    reader = fit_reader(features, None, CPU)
    assert torch.allclose(unit_rows(features, reader), torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
