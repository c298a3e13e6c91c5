# SPDX-License-Identifier: BSD-3-Clause
import math

import numpy as np
import pytest
import torch

from skdeepclust.nn.anchor_losses import (
    anchor_divergence,
    cluster_divergence,
    log_frequency,
    log_student_t,
    log_target,
    squared_distances,
)


def draw(n=7, k=4, d=5, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, d))), torch.from_numpy(rng.normal(size=(k, d)))


def assignments(n=7, k=4, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(k), n))


def slow_student_t(h, centers, scale, power):
    out = np.empty((len(h), len(centers)))
    for i, row in enumerate(h.numpy()):
        for k, mu in enumerate(centers.numpy()):
            out[i, k] = (1 + ((row - mu) ** 2).sum() / scale) ** -power
        out[i] /= out[i].sum()
    return out


@pytest.mark.parametrize(("scale", "power"), [(1.0, 1.0), (0.3, 1.0), (2.0, 3.5)])
def test_assignments_are_those_of_the_formula(scale, power):
    h, centers = draw()
    np.testing.assert_allclose(
        log_student_t(h, centers, scale, power).exp(), slow_student_t(h, centers, scale, power), rtol=1e-12
    )


def test_one_degree_of_freedom_by_hand():
    """Squared distances 0 and 3: kernels 1 and 1/4."""
    log_c = log_student_t(torch.zeros(1, 3, dtype=torch.float64), torch.tensor([[0.0, 0, 0], [1.0, 1, 1]]).double())
    torch.testing.assert_close(log_c.exp(), torch.tensor([[0.8, 0.2]], dtype=torch.float64))


def test_distances_are_never_negative():
    h = torch.full((4, 300), 1 / 300**0.5)
    assert (squared_distances(h, h) >= 0).all()


@pytest.mark.parametrize(("scale", "power"), [(1.0, 1.0), (0.4, 2.5)])
def test_gradients_are_those_of_the_formulas(scale, power):
    h, centers = (x.requires_grad_() for x in draw())
    log_c = log_student_t(h, centers, scale, power)
    log_t = log_target(log_c, log_frequency(log_c))
    found = torch.autograd.grad(cluster_divergence(log_c, log_t), (h, centers))
    with torch.no_grad():
        difference = h[:, None] - centers
        kernel = 1 / (1 + difference.square().sum(dim=2) / scale)
        pull = ((log_t.exp() - log_c.exp()) * kernel)[:, :, None] * difference * 2 * power / (len(h) * scale)
    torch.testing.assert_close(found[0], pull.sum(dim=1), rtol=0, atol=1e-10)
    torch.testing.assert_close(found[1], -pull.sum(dim=0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("k", [1, 15, 200])
def test_rows_of_the_target_sum_to_one(k):
    log_c = assignments(32, k).log()
    log_t = log_target(log_c, log_frequency(log_c))
    torch.testing.assert_close(log_t.exp().sum(dim=1), torch.ones(32, dtype=torch.float64), rtol=0, atol=1e-14)


def test_the_target_is_that_of_the_formula():
    c = assignments()
    weight = c.numpy() ** 2 / c.numpy().sum(axis=0)
    target = log_target(c.log(), log_frequency(c.log())).exp()
    np.testing.assert_allclose(target, weight / weight.sum(axis=1, keepdims=True), rtol=1e-12)


def test_a_batch_twice_has_the_same_target():
    log_c = assignments().log()
    twice = torch.cat([log_c, log_c])
    target = log_target(log_c, log_frequency(log_c))
    torch.testing.assert_close(log_target(twice, log_frequency(twice))[: len(log_c)], target, rtol=0, atol=1e-14)


def test_targets_are_sharper_and_favour_small_clusters():
    c = torch.tensor([[0.7, 0.3], [0.5, 0.5]], dtype=torch.float64)
    target = log_target(c.log(), torch.tensor([3.0, 1.0]).log()).exp()
    assert target[1, 1] == pytest.approx(0.75)
    assert log_target(c.log(), torch.zeros(2)).exp()[0, 0] == pytest.approx(0.49 / 0.58)


def test_the_cluster_loss_is_a_divergence():
    c = assignments(seed=1)
    t = assignments(seed=2)
    expected = (t * (t / c).log()).sum().item() / len(c)
    assert cluster_divergence(c.log(), t.log()).item() == pytest.approx(expected, rel=1e-12)
    assert cluster_divergence(t.log(), t.log()).item() == 0.0


def test_the_anchor_loss_is_exactly_zero_where_the_views_agree():
    log_c = assignments(k=6).float().log()
    assert anchor_divergence(log_c, log_c.clone(), log_c.clone()).item() == 0.0


def test_the_anchor_loss_by_hand():
    half = torch.tensor([[0.5, 0.5]]).double().log()
    other = torch.tensor([[0.75, 0.25]]).double().log()
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert anchor_divergence(half, half, other).item() == pytest.approx(expected, rel=1e-12)
    assert anchor_divergence(half, other, other).item() == pytest.approx(2 * expected, rel=1e-12)


def test_the_plain_view_is_not_moved_by_the_anchor_loss():
    plain, a, b = (assignments(seed=seed).log().requires_grad_() for seed in range(3))
    found = torch.autograd.grad(
        anchor_divergence(plain, a, b), (plain, a, b), allow_unused=True, materialize_grads=True
    )
    assert (found[0] == 0).all()
    assert (found[1] != 0).all()
    assert (found[2] != 0).all()


@pytest.mark.parametrize("k", [15, 200])
def test_extreme_assignments_have_finite_losses_and_gradients(k):
    """In float32 nearly all memberships underflow to 0; a logarithm of them would be infinite."""
    h = torch.nn.functional.normalize(torch.randn(16, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    centers = torch.cat([h, -h]).repeat(7, 1)[:k].clone().requires_grad_()
    h.requires_grad_()
    log_c = log_student_t(h, centers, 0.01, 64.0)
    assert (log_c.exp() == 0).any()
    loss = cluster_divergence(log_c, log_target(log_c, log_frequency(log_c))) + anchor_divergence(
        log_c, log_c.roll(1, 0)
    )
    gradients = torch.autograd.grad(loss, (h, centers))
    assert torch.isfinite(loss)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_half_precision_is_computed_in_float32():
    h, centers = (x.bfloat16() for x in draw())
    log_c = log_student_t(h, centers)
    assert log_c.dtype == torch.float32
    assert cluster_divergence(log_c.bfloat16(), log_target(log_c.bfloat16(), torch.zeros(4))).dtype == torch.float32
