# SPDX-License-Identifier: BSD-3-Clause
import io
import math

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from skdeepclust.cluster._neighbour_graph import neighbour_graph, normalised
from skdeepclust.cluster._row_neighbours import make_row_search
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.nn.graph_convolution import SparseMatrix, WholeGraphs
from skdeepclust.nn.graph_training import GraphRecipe, GraphTraining, self_training_terms, towards
from skdeepclust.nn.multi_scale_network import MultiScaleNetwork
from skdeepclust.nn.self_training import safe_log, student_t_assignment, target_distribution

CPU = torch.device("cpu")
X, Y = make_blobs(90, n_features=6, centers=3, cluster_std=1.0, random_state=0)
Z = ((X - X.mean(0)) / X.std()).astype(np.float32)
WEIGHTS = (0.1, 0.05, 0.01)


def whole_graphs():
    index, _ = make_row_search(Z).neighbours(8)
    graphs = [normalised(neighbour_graph(index[:, :k])) for k in (3, 8)]
    return WholeGraphs([SparseMatrix(A, CPU) for A in graphs], torch.from_numpy(Z))


def network(seed=0):
    torch.manual_seed(seed)
    return MultiScaleNetwork(6, (16, 12), 3)


def centers(h, start):
    return np.stack([h[(Y if start is None else start) == c].mean(0) for c in range(3)])


def training(start=Y, linear=False, **recipe):
    recipe = {"max_epochs": 100, "batch_size": 30 if linear else 90, "learning_rate": 1e-2, **recipe}
    recipe = GraphRecipe(loss_weights=WEIGHTS, start_share=0.25, **recipe)
    graphs = whole_graphs()
    if linear:
        graphs = [matrix @ mean for matrix, mean in zip(graphs.matrices, graphs.means)]
    return GraphTraining(network(), Z, graphs, start, centers, recipe, seed=0)


@pytest.fixture(autouse=True)
def _generator_kept():
    with torch.random.fork_rng():
        yield


def test_one_pass_is_as_good_as_two():
    """The published loop makes a pass for the targets and another for the loss: same loss, same gradients."""
    z, graphs = torch.from_numpy(Z), whole_graphs()
    one, two = network(), network()
    for model in (one, two):
        with torch.no_grad():
            model.centers.copy_(torch.eye(3))
    terms, _ = self_training_terms(one, z, graphs, WEIGHTS)
    terms.sum().backward()

    first = two(z, graphs)
    p = target_distribution(student_t_assignment(first.bottleneck, two.centers))
    second = two(z, graphs)
    others = towards(p, second, safe_log(student_t_assignment(second.bottleneck, two.centers)), z, WEIGHTS)
    others.sum().backward()
    torch.testing.assert_close(terms, others, rtol=0, atol=0)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=0)


@pytest.mark.parametrize("linear", [False, True])
def test_blobs_are_found(linear):
    fitted = training(linear=linear)
    fitted.run()
    assert fitted.is_started
    assert fitted.steps_per_epoch == (3 if linear else 1)
    assert clustering_accuracy(Y, fitted.labels.numpy()) > 0.95
    assert fitted.history[-1]["reconstruction"] < fitted.history[0]["reconstruction"]


def test_wrong_start_labels_are_mended():
    start = Y.copy()
    start[::6] = (start[::6] + 1) % 3
    assert clustering_accuracy(Y, start) < 0.85
    fitted = training(start)
    fitted.run()
    assert clustering_accuracy(Y, fitted.labels.numpy()) > 0.95


def test_without_start_labels_the_first_part_only_reconstructs():
    fitted = training(None)
    fitted.run()
    for record in fitted.history[:25]:
        assert record["bottleneck_loss"] == record["graph_a_loss"] == 0
        assert record["loss"] == record["reconstruction"]
    assert fitted.history[26]["bottleneck_loss"] > 0


def test_centres_are_set_once():
    fitted = training()
    seen = []
    fitted.find_centers = lambda *found: seen.append(len(fitted.history)) or centers(*found)
    fitted.run()
    assert seen == [25]


@pytest.mark.parametrize("linear", [False, True])
def test_a_training_goes_on(linear):
    whole = training(linear=linear, max_epochs=24)
    whole.run()
    saved = io.BytesIO()
    broken = training(linear=linear, max_epochs=24)

    def keep(state):
        saved.seek(0)
        torch.save(state, saved)

    def stop(record):
        if record["epoch"] == 10:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        broken.run(stop, keep, save_every=0)
    saved.seek(0)
    rest = training(None, linear=linear, max_epochs=24)  # the start labels are part of the state
    rest.load_state(torch.load(saved, weights_only=True))
    assert 0 < rest.step < broken.step + 1
    rest.run()
    for a, b in zip(whole.network.parameters(), rest.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    torch.testing.assert_close(whole.labels, rest.labels, rtol=0, atol=0)


def test_the_clock_ends_a_training():
    fitted = training(max_epochs=10**6, max_time=0.2)
    fitted.run()
    assert fitted.progress == 1.0
    assert fitted.is_started
    assert math.isfinite(fitted.history[-1]["loss"])
