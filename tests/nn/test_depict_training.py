# SPDX-License-Identifier: BSD-3-Clause
import copy
import dataclasses

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from skdeepclust.nn.augment import build_augmentation
from skdeepclust.nn.depict_network import DepictNetwork
from skdeepclust.nn.depict_training import DepictRecipe, DepictTraining, reconstruction_terms
from skdeepclust.nn.inference import extract_layers
from skdeepclust.nn.samples import fit_reader
from skdeepclust.nn.self_training import target_distribution
from skdeepclust.nn.training_loop import STOP

CPU = torch.device("cpu")
X, Y = make_blobs(70, centers=3, n_features=6, random_state=0)  # 70 rows in batches of 32: six are left out
RECIPE = DepictRecipe(
    max_epochs=6,
    batch_size=32,
    learning_rate=1e-3,
    pretraining=0.5,
    n_rounds=1,
    reconstruction_weight=0.5,
    hidden_weight=0.1,
    target_power=2.0,
    target_balance=1.0,
    precision="float32",
)


class Found:
    """True classes and a weak head, and what was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, z, seed):
        self.asked.append(z)
        means = np.stack([z[k == Y].mean(axis=0) for k in range(3)])
        return Y, means, -0.5 * (means**2).sum(axis=1)


def prepare(augmentation="table", find=None, **recipe):
    """A training of a small network; to be called in a forked random state."""
    torch.manual_seed(0)
    reader = fit_reader(X, None, CPU)
    network = DepictNetwork(reader.in_shape, 3, (8, 5), 4, 0.1)
    augment = build_augmentation(augmentation, reader.in_shape) if isinstance(augmentation, str) else augmentation
    return DepictTraining(network, reader, X, augment, dataclasses.replace(RECIPE, **recipe), 0, find or Found())


@pytest.fixture(autouse=True)
def forked():
    with torch.random.fork_rng(devices=[]):
        yield


def test_reconstruction_against_loops():
    rng = np.random.default_rng(0)
    x, d0 = rng.normal(size=(2, 5, 4))
    hidden = [rng.normal(size=(5, 3)), rng.normal(size=(5, 2))]
    found = [rng.normal(size=h.shape) for h in hidden]
    outer, inner = reconstruction_terms(
        [torch.tensor(d0), *map(torch.tensor, found)], torch.tensor(x), list(map(torch.tensor, hidden))
    )
    assert outer.item() == pytest.approx(np.mean((d0 - x) ** 2), rel=1e-6)
    assert inner.item() == pytest.approx(sum(np.mean((d - h) ** 2) for d, h in zip(found, hidden)), rel=1e-6)


def test_the_loss_of_a_joint_step():
    """All terms from their definition, without noise; targets of rows go with the rows."""
    training = prepare(augmentation="none", pretraining=0.0)
    training.network.dropout = 0.0
    before = copy.deepcopy(training.network)
    batch = torch.arange(69, 37, -1)
    terms = training.make_step(batch, 0.0)
    network = before
    network.cluster.load_state_dict(
        {
            k: torch.tensor(v, dtype=torch.float32)
            for k, v in zip(("weight", "bias"), Found()(embeddings(before), 0)[1:])
        }
    )
    with torch.no_grad():
        x = training.reader(X)
        hidden, z = network.encode(x)
        p = network.cluster(z).double().softmax(1)
        q = target_distribution(p)
        found = network.decode(z)
        outer = ((found[0] - x)[batch] ** 2).mean()
        inner = sum(((d - h)[batch] ** 2).mean() for d, h in zip(found[1:], hidden))
        cross = -(q * p.log()).sum(1)[batch].mean()
    expected = [0.5 * outer, 0.5 * 0.1 * inner, cross]
    np.testing.assert_allclose(terms, expected, rtol=1e-4)


def embeddings(network):
    return extract_layers(network, fit_reader(X, None, CPU), X, ("embedding",))


def test_two_phases():
    find = Found()
    training = prepare(find=find)
    losses, heads = [], []

    def on_epoch(record):
        losses.append(record["cluster_loss"])
        heads.append(training.network.cluster.weight.clone())

    training.run(on_epoch)
    assert [loss > 0 for loss in losses] == [False] * 3 + [True] * 3
    torch.testing.assert_close(heads[0], heads[2])
    assert not torch.equal(heads[3], heads[5])
    assert len(find.asked) == 1
    np.testing.assert_array_equal(training.initial_labels, Y)
    assert len(training.confidence) == 3
    assert training.confidence[-1] > training.confidence[0]


def test_every_row_gets_a_target_at_every_refresh():
    training = prepare(pretraining=0.0, max_epochs=2)
    targets = []
    training.run(lambda record: targets.append(training.own_state()["target"]))
    assert all(t.shape == (70, 3) for t in targets)
    torch.testing.assert_close(targets[0].sum(1), torch.ones(70))
    assert (targets[0] != targets[1]).any(dim=1).all()


@pytest.mark.parametrize("n_rounds", [1, 3])
def test_rounds(n_rounds):
    find = Found()
    prepare(find=find, n_rounds=n_rounds, max_epochs=12).run()
    assert len(find.asked) == (1 if n_rounds == 1 else n_rounds + 1)  # once more at the end
    assert not any(np.array_equal(a, b) for a, b in zip(find.asked, find.asked[1:]))


def test_no_joint_phase():
    find = Found()
    training = prepare(find=find, pretraining=1.0)
    training.run()
    assert len(find.asked) == 1
    np.testing.assert_array_equal(find.asked[0], embeddings(training.network))
    np.testing.assert_array_equal(training.initial_labels, Y)


@pytest.mark.parametrize("stop_after", [2, 4])
def test_a_training_that_goes_on_ends_as_one_that_was_not_interrupted(stop_after):
    whole = prepare(n_rounds=2)
    whole.run()
    part = prepare(n_rounds=2)
    states = []
    part.run(
        lambda record: STOP if record["epoch"] == stop_after else None,
        save=lambda state: states.append(copy.deepcopy(state)),
    )
    state = states[-1] | {"was_stopped": False}
    rest = prepare(n_rounds=2)
    rest.load_state(state)
    rest.run()
    for a, b in zip(whole.network.parameters(), rest.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert rest.confidence == whole.confidence
    assert [r["loss"] for r in rest.history] == [r["loss"] for r in whole.history]


def test_drift_to_the_uniform_target_ends_the_training():
    """The published target does not sharpen, and noise flattens what is told."""
    training = prepare(target_power=1.0, target_balance=0.5, pretraining=0.0, max_epochs=200, learning_rate=1e-2)
    training.network.dropout = 0.5
    training.run()
    assert training.drifted
    assert training.progress == 1.0
    assert len(training.history) < 200
    last = training.confidence[-4:]
    assert last == sorted(last, reverse=True)


def test_the_augmentation_may_write_into_its_argument():
    def blank(x):
        return x.zero_()

    training = prepare(augmentation=blank)
    training.network.dropout = 0.0
    terms = training.make_step(torch.arange(32), 0.0)
    x = training.reader(X[:32])
    assert terms[0].item() > 0.5 * x.square().mean().item()  # nothing is known of the x that is to be rebuilt
