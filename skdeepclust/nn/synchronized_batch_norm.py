# SPDX-License-Identifier: BSD-3-Clause
"""Batch norm over the rows of all ranks, on any device.

``torch.nn.SyncBatchNorm`` does this on GPUs only. Here one implementation serves all devices, so that what is
tested on CPUs is what runs on GPUs.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from .ranks import in_group


class _SynchronizedBatchNorm(_BatchNorm):
    """Batch norm whose training statistics are those of the ranks' rows taken together.

    With mean m_r and variance v_r of the n rows (and positions) on rank r, equally many on all R ranks, the
    parts are merged around their own means (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances", 1979)::

        m = mean of m_r,    v = mean of v_r + mean of (m_r - m)^2,    y = weight * (x - m) / sqrt(v + eps) + bias

    Statistics are float32, or float64 for such input; `y` has the dtype of `x`. Running statistics move as torch
    moves them, towards m and v * N / (N - 1) with N = R n. In evaluation, and alone, this is plain batch norm.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and in_group() and dist.get_world_size() > 1):
            return super().forward(x)
        self._check_input_dim(x)
        y, mean, variance = _Normalize.apply(x, self.weight, self.bias, self.eps)
        if self.track_running_stats:
            self._track(mean, variance, x.numel() // x.shape[1] * dist.get_world_size())
        return y

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, n: int) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        momentum = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_((variance * (n / (n - 1))).to(self.running_var.dtype), momentum)


class SynchronizedBatchNorm1d(_SynchronizedBatchNorm, nn.BatchNorm1d):
    """:class:`torch.nn.BatchNorm1d` over the rows of all ranks."""


class SynchronizedBatchNorm2d(_SynchronizedBatchNorm, nn.BatchNorm2d):
    """:class:`torch.nn.BatchNorm2d` over the images of all ranks."""


class SynchronizedBatchNorm3d(_SynchronizedBatchNorm, nn.BatchNorm3d):
    """:class:`torch.nn.BatchNorm3d` over the volumes of all ranks."""


_TWINS: dict[type, type] = {
    nn.BatchNorm1d: SynchronizedBatchNorm1d,
    nn.BatchNorm2d: SynchronizedBatchNorm2d,
    nn.BatchNorm3d: SynchronizedBatchNorm3d,
}


def synchronize_batch_norm(network: nn.Module) -> nn.Module:
    """Let every batch norm of `network` see the rows of all ranks while it trains.

    The modules change their class and stay the same objects: parameters, buffers, their names, hooks and an
    optimiser that knows them are as before. ``BatchNorm1d``, ``2d`` and ``3d`` of torch are changed; classes
    derived from them are left alone, since their ``forward`` may be another one.

    Parameters
    ----------
    network : nn.Module
        Changed in place.

    Returns
    -------
    nn.Module
        `network`.

    See Also
    --------
    plain_batch_norm : The way back.
    """
    return _change_classes(network, _TWINS)


def plain_batch_norm(network: nn.Module) -> nn.Module:
    """Undo :func:`synchronize_batch_norm` in place and return `network`, so that it pickles as torch's modules."""
    return _change_classes(network, {ours: plain for plain, ours in _TWINS.items()})


def _change_classes(network: nn.Module, twins: dict[type, type]) -> nn.Module:
    for module in network.modules():
        module.__class__ = twins.get(type(module), type(module))
    return network


class _Normalize(torch.autograd.Function):
    """Normalise `x` (n, c, ...) by the statistics of all ranks: y, and mean and biased variance, both (c,).

    With u = (x - m) / s, s = sqrt(v + eps), dy the gradient of y and N the rows on all ranks::

        d bias = sum dy,   d weight = sum dy u          over the rows of this rank, as for any other weight
        dx = weight / s * (dy - mean(dy) - u * mean(dy u))                            means over all ranks
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        # torch's own kernels for plain batch norm read `x` once each; reductions over several axes are far slower.
        local = torch.stack(torch.batch_norm_update_stats(_at_least_float32(x), None, None, 0.0))
        parts = local.new_empty(dist.get_world_size(), *local.shape)
        dist.all_gather(list(parts), local)
        variance, mean = torch.var_mean(parts[:, 0], dim=0, correction=0)
        variance += parts[:, 1].mean(0)
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance)
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps), mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor, *_: None) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        x, weight, mean, variance = ctx.saved_tensors
        out_dtype = x.dtype
        x, dy = _at_least_float32(x), _at_least_float32(dy)
        one_over_s = (variance + ctx.eps).rsqrt()
        # Asked for the gradients of weight and bias alone, this returns the two sums.
        _, sum_dy_u, sum_dy = torch.ops.aten.native_batch_norm_backward(
            dy, x, None, mean, variance, mean, one_over_s, False, ctx.eps, [False, True, True]
        )
        sums = torch.stack([sum_dy, sum_dy_u])
        dist.all_reduce(sums)
        mean_dy, mean_dy_u = sums / (x.numel() // x.shape[1] * dist.get_world_size())
        scale = one_over_s if weight is None else weight * one_over_s
        dx = F.batch_norm(x, mean, variance, -scale * mean_dy_u, -scale * mean_dy, training=False, eps=ctx.eps)
        dx.addcmul_(dy, scale.view(1, -1, *[1] * (x.ndim - 2)))
        if weight is None:
            return dx.to(out_dtype), None, None, None
        return dx.to(out_dtype), sum_dy_u.to(weight.dtype), sum_dy.to(weight.dtype), None


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()
