# SPDX-License-Identifier: BSD-3-Clause
import copy
import dataclasses
import math

import contrastive_losses as twins
import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from skdeepclust.nn import objective
from skdeepclust.nn.augment import build_augmentation
from skdeepclust.nn.backbones import build_backbone
from skdeepclust.nn.contrastive_network import ContrastiveNetwork
from skdeepclust.nn.contrastive_training import ContrastiveTraining
from skdeepclust.nn.inference import extract_layers
from skdeepclust.nn.recipe import Recipe, learning_rate_factor
from skdeepclust.nn.samples import fit_reader
from skdeepclust.nn.training_loop import COOL_DOWN, STOP

CPU = torch.device("cpu")
X, Y = make_blobs(90, centers=3, n_features=6, random_state=0)
RECIPE = Recipe(
    max_epochs=2,
    batch_size=32,
    learning_rate=1e-3,
    weight_decay=1e-4,
    temperature=0.5,
    n_neighbors=3,
    neighbors_from="input",
    refresh_at=(0.5,),
    precision="float32",
)


def prepare(rows=X, seed=0, augmentation="table", **recipe):
    """A training of a small network; to be called in a forked random state."""
    reader = fit_reader(rows, None, CPU)
    torch.manual_seed(seed)
    backbone, width = build_backbone("mlp", reader.in_shape)
    network = ContrastiveNetwork(backbone, width, 3, 16)
    augment = build_augmentation(augmentation, reader.in_shape)
    return ContrastiveTraining(network, reader, rows, augment, dataclasses.replace(RECIPE, **recipe), seed)


def fit(rows=X, seed=0, augmentation="table", on_epoch=None, **recipe):
    """Train a small network in a forked random state, as the encoder does."""
    with torch.random.fork_rng(devices=[]):
        training = prepare(rows, seed, augmentation, **recipe)
        training.run(*(() if on_epoch is None else (on_epoch,)))
    return training.network, training.reader, training.history


def features(network, reader, rows=X):
    return extract_layers(network, reader, rows, ("backbone", "instance", "cluster"))


def test_the_same_seed_gives_the_same_network():
    first, second, other = (features(*fit(seed=seed)[:2]) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loss_falls(precision):
    _, _, history = fit(max_epochs=12, precision=precision)
    assert history[-1]["loss"] < history[0]["loss"] - 0.1
    for record in history:
        assert record["loss"] == pytest.approx(record["instance_loss"] + record["cluster_loss"] + record["balance"])
        assert record["samples_per_second"] > 0
    assert [record["epoch"] for record in history] == list(range(1, 13))


def test_training_pulls_neighbors_together():
    """Rows of one blob lie closer to each other than to other rows, in the instance projections."""
    network, reader, _ = fit(max_epochs=12)
    z = extract_layers(network, reader, X, ("instance",))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    similarity = z @ z.T
    same = Y[:, None] == Y
    assert similarity[same].mean() > similarity[~same].mean() + 0.5


def test_the_loss_is_that_of_the_formulas():
    """One step without augmentation and neighbours: the recorded loss is that of the untrained network."""
    captured = {}

    def remember(batch):
        captured["views"] = batch.clone()
        return batch

    rows = X[:24]
    reader = fit_reader(rows, None, CPU)
    recipe = dataclasses.replace(RECIPE, max_epochs=1, batch_size=24, n_neighbors=0, learning_rate=1e-12)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone, width = build_backbone("mlp", reader.in_shape)
        network = ContrastiveNetwork(backbone, width, 3, 16)
        training = ContrastiveTraining(network, reader, rows, remember, recipe, seed=0)
        training.run()
    (record,) = training.history
    views = captured["views"]
    assert torch.equal(views[:24], views[24:])
    assert torch.equal(views[:24].sort(dim=0).values, reader(rows).sort(dim=0).values)
    network.train()
    with torch.no_grad():
        z, logits = network(views)
    z_a, z_b = z.double().numpy()[:24], z.double().numpy()[24:]
    p_a, p_b = logits.double().softmax(dim=1).numpy()[:24], logits.double().softmax(dim=1).numpy()[24:]
    assert record["instance_loss"] == pytest.approx(twins.instance_loss(z_a, z_b, 0.5), rel=1e-4)
    assert record["cluster_loss"] == pytest.approx(twins.column_loss(p_a, p_b, 1.0), rel=1e-4)
    assert record["balance"] == pytest.approx(twins.balance(p_a) + twins.balance(p_b), rel=1e-3, abs=1e-5)


def test_the_answer_stop_ends_the_training():
    seen = []

    def stop_at_second(record):
        seen.append(record["epoch"])
        return STOP if record["epoch"] == 2 else None

    _, _, history = fit(max_epochs=5, on_epoch=stop_at_second)
    assert seen == [1, 2]
    assert len(history) == 2
    assert len(fit(max_epochs=3, on_epoch=lambda record: None)[2]) == 3


def test_an_absurd_learning_rate_is_noticed():
    with pytest.raises(FloatingPointError, match="loss became .* in epoch .*learning_rate"):
        fit(learning_rate=1e30, max_epochs=3)


def test_a_loss_that_is_not_finite_is_noticed_in_its_epoch(monkeypatch):
    calls = []

    def infinite_in_the_third_epoch(*arguments):
        calls.append(arguments)
        return original(*arguments) * (math.inf if len(calls) > 4 else 1.0)

    original = objective.balance_penalty
    monkeypatch.setattr(objective, "balance_penalty", infinite_in_the_third_epoch)
    with pytest.raises(FloatingPointError, match="in epoch 3"):
        fit(max_epochs=5, batch_size=90)  # one step per epoch, two penalties per step


def spy_on_pairs(monkeypatch):
    pairs = []
    original = ContrastiveTraining._views

    def spy(self, batch, partner):
        pairs.extend(zip(batch.tolist(), partner.tolist(), strict=True))
        return original(self, batch, partner)

    monkeypatch.setattr(ContrastiveTraining, "_views", spy)
    return pairs


def test_pairs_are_neighbors_in_the_input(monkeypatch):
    pairs = spy_on_pairs(monkeypatch)
    fit(max_epochs=3, refresh_at=(), n_neighbors=4)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    distance = np.linalg.norm(standard[:, None] - standard, axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = [set(row) for row in np.argsort(distance, axis=1)[:, :4]]
    mutual = [{j for j in nearest[i] if i in nearest[j]} or {i} for i in range(len(X))]
    assert all(partner in mutual[i] for i, partner in pairs)
    assert any(i != partner for i, partner in pairs)
    assert len(pairs) == 3 * 2 * 32  # three epochs of two whole batches; a partial one is left out
    assert len({i for i, _ in pairs}) > 64  # another one each epoch


@pytest.mark.parametrize("recipe", [{"n_neighbors": 0}, {"neighbors_from": "features", "refresh_at": ()}])
def test_without_neighbors_a_sample_is_its_own_partner(monkeypatch, recipe):
    pairs = spy_on_pairs(monkeypatch)
    fit(**recipe)
    assert pairs
    assert all(i == partner for i, partner in pairs)


def test_neighbors_in_the_features_come_with_the_first_refresh(monkeypatch):
    pairs = spy_on_pairs(monkeypatch)
    fit(neighbors_from="features", max_epochs=4, refresh_at=(0.5,))
    half = len(pairs) // 2
    assert all(i == partner for i, partner in pairs[:half])
    assert np.mean([i != partner for i, partner in pairs[half:]]) > 0.5  # those without mutual neighbours stay alone


def test_fewer_rows_than_a_batch():
    _, _, history = fit(X[:7], batch_size=256)
    assert len(history) == 2
    assert len(fit(X[:2], batch_size=256, n_neighbors=1)[2]) == 2


def test_a_view_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="augmentation must return"):
        fit(augmentation=lambda x: x[:, :2])


@pytest.mark.parametrize("n_steps", [1, 2, 9, 400, 4000])
def test_the_learning_rate_rises_and_falls(n_steps):
    factors = np.array([learning_rate_factor(step, step / n_steps) for step in range(n_steps + 1)])
    peak = factors.argmax()
    assert (factors[:-1] > 0).all()
    assert factors.max() <= 1
    assert factors[-1] == pytest.approx(0, abs=1e-12)
    assert (np.diff(factors[: peak + 1]) > 0).all()
    assert (np.diff(factors[peak:]) < 0).all()


def test_the_learning_rate_follows_the_time():
    """Half of the time is half of the training, however few steps were made."""
    assert learning_rate_factor(1000, 0.5) == pytest.approx(0.5)
    assert learning_rate_factor(3, 0.5) == pytest.approx(0.5)


def test_a_training_goes_on_from_any_step():
    """Stopped after every possible number of steps, saved, loaded into a new network, continued: the same bits."""
    whole, reader, history = fit(max_epochs=3)
    for stop_after in range(1, 6):
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
        np.testing.assert_array_equal(features(second.network, reader), features(whole, reader))
        assert [r["loss"] for r in second.history] == [r["loss"] for r in history]


def test_a_cool_down_takes_a_quarter_of_the_steps_so_far():
    rates = []

    def on_epoch(record):
        rates.append(training.optimizer.param_groups[0]["lr"])
        return COOL_DOWN if record["epoch"] == 8 else None

    with torch.random.fork_rng(devices=[]):
        training = prepare(max_epochs=100)
        training.run(on_epoch)
    assert len(training.history) == 10
    assert rates[-1] < rates[7] / 2
    assert training.progress == 1.0


def test_time_ends_a_training():
    _, _, history = fit(max_epochs=None, max_time=0.3)
    assert history[-1]["seconds"] >= 0.3
    assert len(history) >= 2


@pytest.mark.parametrize("at_step", [1, 3])
def test_ctrl_c_ends_the_training_and_keeps_the_network(at_step):
    calls = []

    def interrupting(batch):
        calls.append(1)
        if len(calls) > at_step:
            raise KeyboardInterrupt
        return batch

    saved = []
    with torch.random.fork_rng(devices=[]):
        training = prepare(augmentation=interrupting, max_epochs=9)
        training.run(save=saved.append)
    assert training.was_interrupted
    assert training.step == at_step
    assert len(training.history) == -(-at_step // 2)  # the epoch that was begun is recorded too
    assert saved[-1]["step"] == at_step


def test_ctrl_c_before_the_first_step_is_passed_on():
    def interrupting(batch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(augmentation=interrupting)


@pytest.mark.parametrize("micro_batch_size", [7, 32, 64])
def test_micro_batches_give_the_gradient_of_the_whole_batch(micro_batch_size):
    """Without batch norm, whose statistics are those of a micro-batch; dropout draws the same in both passes."""
    torch_state = torch.random.get_rng_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = ContrastiveNetwork(torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.ReLU()), 12, 3, 16).double()
        views = torch.randn(64, 6, dtype=torch.float64)
        gradients = []
        for size in (None, micro_batch_size):
            network.zero_grad()
            recipe = dataclasses.replace(RECIPE, micro_batch_size=size)
            terms = objective.backward(network, views, recipe, lambda x: x)
            gradients.append([terms, *(p.grad.clone() for p in network.parameters())])
    for whole, pieces in zip(*gradients):
        torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-6)
    assert torch.equal(torch.random.get_rng_state(), torch_state)


def test_micro_batches_update_the_running_statistics_once():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        norm = torch.nn.BatchNorm1d(6)
        network = ContrastiveNetwork(norm, 6, 3, 16)
        views = torch.randn(8, 6) + 5
        objective.backward(network, views, dataclasses.replace(RECIPE, micro_batch_size=4), lambda x: x)
    assert norm.num_batches_tracked == 2
    first, second = views.split(4)
    expected = 0.9 * (0.1 * first.mean(0)) + 0.1 * second.mean(0)
    torch.testing.assert_close(norm.running_mean, expected)
    assert norm.momentum == 0.1
