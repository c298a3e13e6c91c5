# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch

from skdeepclust.nn.self_training import divergence, safe_log, student_t_assignment, target_distribution

H = torch.randn(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
CENTERS = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def slow_assignment(h, centers):
    q = np.array([[1 / (1 + ((x - m) ** 2).sum()) for m in centers] for x in h])
    return q / q.sum(axis=1, keepdims=True)


def slow_target(q):
    p = np.array([[q[i, k] ** 2 / q[:, k].sum() for k in range(q.shape[1])] for i in range(len(q))])
    return p / p.sum(axis=1, keepdims=True)


def test_against_loops():
    q = student_t_assignment(H, CENTERS)
    np.testing.assert_allclose(q, slow_assignment(H.numpy(), CENTERS.numpy()), rtol=1e-12)
    p = target_distribution(q)
    np.testing.assert_allclose(p, slow_target(q.numpy()), rtol=1e-12)
    expected = np.mean([sum(a * np.log(a / b) for a, b in zip(x, y)) for x, y in zip(p.numpy(), q.numpy())])
    assert divergence(p, safe_log(q)).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("k", "q_max", "p_max"), [(10, 0.25, 0.50), (15, 0.1765, 0.391), (20, 0.1364, 0.321), (100, 0.0294, 0.083)]
)
def test_ceiling_on_the_simplex(k, q_max, p_max):
    """Perfect one-hot bottlenecks and centres: why the bottleneck is not a softmax here."""
    corners = torch.eye(k, dtype=torch.float64)
    q = student_t_assignment(corners, corners)
    assert q.max().item() == pytest.approx(q_max, abs=5e-5)
    assert target_distribution(q).max().item() == pytest.approx(p_max, abs=5e-4)
    logits = 30 * corners
    assert target_distribution(student_t_assignment(logits, logits)).max().item() > 0.99


def test_target_is_constant():
    h = H.clone().requires_grad_()
    assert not target_distribution(student_t_assignment(h, CENTERS)).requires_grad


def test_gradients_of_the_assignment():
    h, centers = H.clone().requires_grad_(), CENTERS.clone().requires_grad_()
    assert torch.autograd.gradcheck(student_t_assignment, (h, centers))


def test_an_assignment_of_zero_has_a_finite_divergence_and_gradient():
    q = torch.tensor([[1.0, 0.0], [0.5, 0.5]], requires_grad=True)
    loss = divergence(target_distribution(q), safe_log(q))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(q.grad).all()
    p = target_distribution(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))  # an empty cluster
    np.testing.assert_array_equal(p, [[1, 0], [1, 0]])


def test_a_distribution_does_not_diverge_from_itself():
    p = target_distribution(student_t_assignment(H, CENTERS))
    assert divergence(p, p.log()).item() == pytest.approx(0, abs=1e-15)


def test_equal_rows_and_centres_in_float32():
    """The squares are differences of large numbers there: none may become negative."""
    h = 1000 + torch.rand(50, 8, generator=torch.Generator().manual_seed(0))
    q = student_t_assignment(h, h)
    assert (q > 0).all()
    torch.testing.assert_close(q.sum(1), torch.ones(50))
