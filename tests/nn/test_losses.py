# SPDX-License-Identifier: BSD-3-Clause
import math

import contrastive_losses as twins
import numpy as np
import pytest
import torch

from skdeepclust.nn.losses import balance_penalty, cluster_contrast, normalized_temperature_cross_entropy

close = {"rel": 0, "abs": 1e-12}


def one_hot(labels, k):
    return torch.eye(k, dtype=torch.float64)[torch.as_tensor(labels)]


def simplex(n, k, seed):
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(k), n))


def test_instance_loss_of_equal_rows():
    z = torch.full((4, 7), 3.0, dtype=torch.float64)
    assert normalized_temperature_cross_entropy(z, z).item() == pytest.approx(math.log(7), **close)
    assert math.log(7) == pytest.approx(1.945910149, abs=5e-10)


def test_instance_loss_of_equal_views_with_orthonormal_rows():
    z = torch.eye(4, 6, dtype=torch.float64)
    expected = -2 + math.log(math.exp(2) + 6)
    assert normalized_temperature_cross_entropy(z, z, 0.5).item() == pytest.approx(expected, **close)
    assert expected == pytest.approx(0.594437664, abs=5e-10)


def test_column_loss_of_balanced_one_hot_assignments():
    c = one_hot(list(range(10)) * 3, 10)
    expected = -1 + math.log(math.e + 18)
    assert cluster_contrast(c, c, 1.0).item() == pytest.approx(expected, **close)
    assert expected == pytest.approx(2.031016491, abs=5e-10)


def test_column_loss_of_uniform_assignments():
    c = torch.full((12, 10), 0.1, dtype=torch.float64)
    assert cluster_contrast(c, c).item() == pytest.approx(math.log(19), **close)
    assert math.log(19) == pytest.approx(2.944438979, abs=5e-10)


@pytest.mark.parametrize("c", [one_hot(list(range(10)) * 2, 10), torch.full((5, 10), 0.1, dtype=torch.float64)])
def test_no_penalty_when_balanced(c):
    assert balance_penalty(c).item() == pytest.approx(0.0, **close)


def test_full_penalty_when_everything_is_in_one_cluster():
    c = one_hot([3] * 8, 10)
    both_views = 2 * balance_penalty(c).item()
    assert both_views == pytest.approx(2 * math.log(10), **close)
    assert both_views == pytest.approx(4.605170186, abs=5e-10)


@pytest.mark.parametrize("n", [2, 5, 9])  # sizes come from the arguments, so a partial batch is like any other
@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_losses_equal_their_slow_twins(n, temperature):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(2, n, 6))
    p, q = simplex(n, 4, 1), simplex(n, 4, 2)
    loss = normalized_temperature_cross_entropy(torch.from_numpy(a), torch.from_numpy(b), temperature)
    assert loss.item() == pytest.approx(twins.instance_loss(a, b, temperature), **close)
    loss = cluster_contrast(p, q, temperature)
    assert loss.item() == pytest.approx(twins.column_loss(p.numpy(), q.numpy(), temperature), **close)
    assert balance_penalty(p).item() == pytest.approx(twins.balance(p.numpy()), **close)


def test_an_empty_cluster_has_a_finite_loss_and_gradient():
    p, q = simplex(6, 5, 0), simplex(6, 5, 1)
    for c in (p, q):
        c[:, 2] = 0.0
        c /= c.sum(dim=1, keepdim=True)
    p.requires_grad_()
    for loss in (cluster_contrast(p, q), balance_penalty(p)):
        (gradient,) = torch.autograd.grad(loss, p)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()
    assert cluster_contrast(p, q).item() == pytest.approx(
        twins.column_loss(p.detach().numpy(), q.numpy(), 1.0), **close
    )


def test_an_underflowing_softmax_has_a_finite_gradient():
    """In float32 a logit 200 below the others is a probability of exactly zero."""
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    logits[:, 2] -= 200
    logits.requires_grad_()
    p = logits.softmax(dim=1)
    assert (p[:, 2] == 0).all()
    (cluster_contrast(p, p.roll(1, 0)) + balance_penalty(p)).backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad.abs().max() < 10


def test_both_views_enter_the_cluster_loss():
    p, q = simplex(8, 4, 0), simplex(8, 4, 1)
    losses = {cluster_contrast(x, y).item() for x, y in [(p, p), (p, q), (q, p), (q, q)]}
    assert len({round(loss, 9) for loss in losses}) == 3  # symmetric, so (p, q) and (q, p) agree
    assert cluster_contrast(p, q).item() != pytest.approx(cluster_contrast(p, p).item(), abs=1e-3)


def test_losses_do_not_see_scale_or_order():
    a, b = torch.randn(2, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    loss = normalized_temperature_cross_entropy(a, b).item()
    scaled = normalized_temperature_cross_entropy(a * torch.arange(1, 7)[:, None], 5 * b)
    assert scaled.item() == pytest.approx(loss, abs=1e-12)
    assert normalized_temperature_cross_entropy(a[order], b[order]).item() == pytest.approx(loss, abs=1e-12)
    assert normalized_temperature_cross_entropy(a, b[order]).item() != pytest.approx(loss, abs=1e-3)


def test_gradients_equal_finite_differences():
    a, b = torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: normalized_temperature_cross_entropy(x, b, 0.5), a)
    p = simplex(5, 3, 0).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cluster_contrast(x, simplex(5, 3, 1)), p)
    assert torch.autograd.gradcheck(balance_penalty, p)


def test_half_precision_is_computed_in_float32():
    z = torch.randn(64, 16, generator=torch.Generator().manual_seed(0)).bfloat16()
    loss = normalized_temperature_cross_entropy(z, z.flip(1))
    assert loss.dtype == torch.float32
    reference = twins.instance_loss(z.double().numpy(), z.flip(1).double().numpy(), 0.5)
    assert loss.item() == pytest.approx(reference, rel=1e-5)
    c = torch.full((8, 4), 0.25).bfloat16()
    assert cluster_contrast(c, c).dtype == balance_penalty(c).dtype == torch.float32
