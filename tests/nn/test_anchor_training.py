# SPDX-License-Identifier: BSD-3-Clause
import copy
import dataclasses

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from skdeepclust.nn.anchor_losses import anchor_divergence, cluster_divergence, log_frequency, log_target
from skdeepclust.nn.anchor_network import KMEANS, AnchorNetwork
from skdeepclust.nn.anchor_training import AnchorRecipe, AnchorTraining, joint_terms
from skdeepclust.nn.augment import build_augmentation
from skdeepclust.nn.backbones import build_backbone
from skdeepclust.nn.inference import extract_layers
from skdeepclust.nn.losses import balance_penalty, normalized_temperature_cross_entropy
from skdeepclust.nn.objective import backward_of
from skdeepclust.nn.samples import fit_reader
from skdeepclust.nn.training_loop import STOP

CPU = torch.device("cpu")
X, Y = make_blobs(90, centers=3, n_features=6, random_state=0)
RECIPE = AnchorRecipe(
    max_epochs=4,
    batch_size=30,
    learning_rate=1e-3,
    weight_decay=1e-4,
    temperature=0.5,
    n_neighbors=3,
    neighbors_from="input",
    refresh_at=(0.5,),
    precision="float32",
    pretraining=0.5,
    cluster_weight=1.0,
    anchor_weight=2.0,
    balance_weight=3.0,
    target="global",
    centers_learning_rate=1e-2,
)


def find_centers(features, n_clusters, seed):
    return KMeans(n_clusters, n_init=2, random_state=seed).fit(features).cluster_centers_


def prepare(rows=X, seed=0, augmentation="table", n_clusters=3, **recipe):
    """A training of a small network; to be called in a forked random state."""
    reader = fit_reader(rows, None, CPU)
    torch.manual_seed(seed)
    backbone, width = build_backbone("mlp", reader.in_shape)
    network = AnchorNetwork(backbone, width, n_clusters, 16)
    augment = build_augmentation(augmentation, reader.in_shape)
    recipe = dataclasses.replace(RECIPE, **recipe)
    return AnchorTraining(network, reader, rows, augment, recipe, seed, find_centers, find_centers)


def train(on_epoch=lambda record: None, **parameters):
    with torch.random.fork_rng(devices=[]):
        training = prepare(**parameters)
        training.run(on_epoch)
    return training


def outputs(training):
    return extract_layers(training.network, training.reader, X, ("backbone", "instance", "cluster", KMEANS))


def test_two_phases():
    history = train().history
    for record in history[:2]:
        assert record["instance_loss"] == record["loss"] > 0
        assert record["cluster_loss"] == record["anchor_loss"] == record["balance"] == 0
    for record in history[2:]:
        assert min(record["cluster_loss"], record["anchor_loss"], record["balance"]) > 0
    assert history[3]["anchor_loss"] > 0


def test_the_same_seed_gives_the_same_network():
    first, second, other = (outputs(train(seed=seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_a_training_goes_on_from_any_step():
    """Stopped after every possible number of steps, saved, loaded into a new network, continued: the same bits."""
    whole = train(max_epochs=3)
    for stop_after in range(1, 9):
        with torch.random.fork_rng(devices=[]):
            first = prepare(max_epochs=3)
            states = []

            def save(state, first=first, states=states, stop_after=stop_after):
                if first.step == stop_after and not states:
                    states.append(copy.deepcopy(state))

            first.run(save=save, save_every=0.0)
            second = prepare(seed=17, max_epochs=3)
            second.load_state(states[0])
            assert second.step == stop_after
            second.run()
        np.testing.assert_array_equal(outputs(second), outputs(whole))
        assert [r["loss"] for r in second.history] == [r["loss"] for r in whole.history]


@pytest.mark.parametrize("rate", [0.0, 1e-2])
def test_centers_begin_where_they_were_found_and_move_at_their_own_rate(rate):
    found = []

    def spy(features, n_clusters, seed):
        np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
        found.append(find_centers(features, n_clusters, seed))
        return found[-1]

    with torch.random.fork_rng(devices=[]):
        training = prepare(centers_learning_rate=rate)
        training.first_centers = training.last_centers = spy
        training.run()
    first, last = found
    np.testing.assert_array_equal(training.network.kmeans.centers.detach(), last)
    moved = np.abs(training.network.cluster.centers.detach().numpy() - first).max()
    if rate == 0:
        assert moved == 0
    else:
        assert rate / 10 < moved < 6 * rate  # six joint steps


def test_contrast_alone_does_not_move_the_centers():
    training = train(on_epoch=lambda record: STOP, pretraining=0.9)
    h = extract_layers(training.network, training.reader, X, ("backbone",))
    h /= np.linalg.norm(h, axis=1, keepdims=True)
    expected = find_centers(h, 3, training.seed)
    np.testing.assert_array_equal(training.network.cluster.centers.detach(), expected)
    assert training.network.cluster.scale != 1
    assert all(record["cluster_loss"] == 0 for record in training.history)


@pytest.mark.parametrize("pretraining", [0.0, 1.0])
def test_one_phase(pretraining):
    history = train(pretraining=pretraining, max_epochs=2).history
    assert all((record["anchor_loss"] > 0) == (pretraining == 0) for record in history)


def test_views_of_the_joint_phase(monkeypatch):
    """The plain batch, then augmentations of it, then of its partners."""
    seen, pairs = [], []
    original = AnchorTraining._views

    def spy(self, batch, partner):
        views = original(self, batch, partner)
        pairs.append((batch, partner))
        seen.append(views.clone())
        return views

    def shifted(x):
        return x.add_(10)  # in place, which the plain views have to survive

    monkeypatch.setattr(AnchorTraining, "_views", spy)
    training = train(augmentation=shifted)
    standard = training.reader(X)
    for step, ((batch, partner), views) in enumerate(zip(pairs, seen)):
        augmented = [standard[batch] + 10, standard[partner] + 10]
        torch.testing.assert_close(views, torch.cat(augmented if step < 6 else [standard[batch], *augmented]))
    assert any((batch != partner).any() for batch, partner in pairs)


def test_the_terms_are_those_of_the_formulas():
    draw = torch.Generator().manual_seed(0)
    z, log_c = torch.randn(24, 5, generator=draw), torch.randn(24, 4, generator=draw).log_softmax(dim=1)
    frequency = torch.tensor([1.0, 2.0, 3.0, 4.0])
    plain, p_a, p_b = log_c.chunk(3)
    for f, log_f in ((frequency, frequency.log()), (None, log_frequency(plain))):
        found = joint_terms(z, log_c, f, RECIPE, 0.25, lambda x: x)
        expected = [
            normalized_temperature_cross_entropy(z[8:16], z[16:], 0.5),
            0.25 * cluster_divergence(plain, log_target(plain, log_f)),
            0.25 * 2 * anchor_divergence(plain, p_a, p_b),
            3 * balance_penalty(log_c.exp()),
        ]
        torch.testing.assert_close(found, torch.stack(expected))


def test_weights_rise_over_a_fifth_of_the_phase():
    with torch.random.fork_rng(devices=[]):
        training = prepare()
        training._begin_joint(0.5)
        draw = torch.Generator().manual_seed(0)
        z, log_c = torch.randn(9, 5, generator=draw), torch.randn(9, 3, generator=draw).log_softmax(dim=1)
        training._frequency, training.steps_per_epoch = torch.ones(3), 10
        found = torch.stack([training._joint(progress)(z, log_c) for progress in (0.5, 0.55, 0.6, 1.0)])
    assert (found[0, 1:3] == 0).all()
    torch.testing.assert_close(found[1], found[3] * torch.tensor([1.0, 0.5, 0.5, 1.0]))
    torch.testing.assert_close(found[2], found[3])


def test_the_target_follows_the_sizes_of_the_clusters_of_an_epoch(monkeypatch):
    """The first sizes are those of the new centres; three steps later they are those of the last three steps."""
    used, plain = [], []

    def spy(z, log_c, frequency, *arguments):
        used.append(frequency.clone())
        plain.append(log_c.detach().chunk(3)[0].exp().sum(dim=0))
        return joint_terms(z, log_c, frequency, *arguments)

    monkeypatch.setattr("skdeepclust.nn.anchor_training.joint_terms", spy)
    train(max_epochs=6, pretraining=0.25)  # begins in the middle of an epoch
    assert len(used) == 13
    for step, frequency in enumerate(used):
        assert frequency.sum().item() == pytest.approx(90, rel=1e-4)
        begun = step // 3 * 3
        torch.testing.assert_close(frequency, used[0] if step < 3 else sum(plain[begun - 3 : begun]))


def test_the_published_target_knows_the_batch_only():
    assert (outputs(train(target="batch")) != outputs(train())).any()


@pytest.mark.parametrize("micro_batch_size", [7, 30])
@pytest.mark.parametrize("begun", [None, 0.0])
def test_micro_batches_give_the_gradient_of_the_whole_batch(micro_batch_size, begun):
    """Without batch norm, whose statistics are those of a micro-batch."""
    with torch.random.fork_rng(devices=[]):
        training = prepare()
        training._begin_joint(begun)
        training._frequency = torch.ones(3)
        network = AnchorNetwork(torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.ReLU()), 12, 3, 16)
        network.cluster.requires_grad_(begun is not None)
        views = torch.randn(30, 6)
        objective = training._contrast if begun is None else training._joint(1.0)
        found = []
        for size in (None, micro_batch_size):
            network.zero_grad()
            terms = backward_of(objective, network, views, dataclasses.replace(RECIPE, micro_batch_size=size))
            gradients = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
            found.append({"terms": terms, **gradients})
    assert found[0].keys() == found[1].keys()
    assert ("cluster.centers" in found[0]) == (begun is not None)
    for name, whole in found[0].items():
        torch.testing.assert_close(found[1][name], whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("batch_size", "micro_batch_size"), [(30, 89), (30, 59), (27, 5)])
def test_micro_batches_of_one_view_are_refused_at_once(batch_size, micro_batch_size):
    with torch.random.fork_rng(devices=[]), pytest.raises(ValueError, match="micro_batch_size=.* single one"):
        prepare(batch_size=batch_size, micro_batch_size=micro_batch_size)


def test_micro_batches_in_both_phases():
    history = train(micro_batch_size=13).history
    assert history[-1]["anchor_loss"] > 0


@pytest.mark.parametrize("n_clusters", [1, 15, 80])
def test_any_number_of_clusters(n_clusters):
    training = train(n_clusters=n_clusters, max_epochs=2)
    assert extract_layers(training.network, training.reader, X, ("cluster",)).shape == (90, n_clusters)


def test_blobs_are_found():
    training = train(max_epochs=10)
    for layer in ("cluster", KMEANS):
        labels = extract_layers(training.network, training.reader, X, (layer,)).argmax(axis=1)
        assert len(set(zip(labels.tolist(), Y.tolist()))) == 3
