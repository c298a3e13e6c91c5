# SPDX-License-Identifier: BSD-3-Clause
"""The processes that train one network together, and what they tell each other.

Each process, a rank, holds the whole network and works on its rows of every batch. The losses contrast all
rows with all rows, so outputs are gathered and every rank computes the same loss of the global batch.
"""

import atexit
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

_LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR")
_CPU = torch.device("cpu")
_BUCKET_BYTES = 25 * 2**20
# The others wait here while the first rank clusters. A rank that dies is noticed by the launcher, not by this.
_PATIENCE = timedelta(days=2)


@dataclass(frozen=True)
class Ranks:
    """One process among those that train together; alone, every method does nothing.

    All methods but :meth:`part` are collective: every rank has to call them, in the same order.

    Parameters
    ----------
    rank : int, default=0
        Number of this process, from 0.
    size : int, default=1
        How many there are.
    device : torch.device, default: the CPU
        Where this rank computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = _CPU

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, the one that clusters, reports and writes files."""
        return self.rank == 0

    def part(self, n_batch: int) -> slice:
        """Return the rows of a global batch that this rank works on; the parts of all ranks are of equal size.

        Parameters
        ----------
        n_batch : int
            Rows of the global batch.

        Raises
        ------
        ValueError
            If there is no whole number of rows for each rank.
        """
        rows, left_over = divmod(n_batch, self.size)
        if left_over:
            raise ValueError(
                f"batch_size={n_batch} cannot be shared equally by {self.size} ranks; "
                f"use a multiple of {self.size}, such as batch_size={self.size * max(rows, 1)}."
            )
        return slice(self.rank * rows, (self.rank + 1) * rows)

    def gather(self, x: Tensor) -> Tensor:
        """Put the rows of all ranks below each other, in the order of the ranks, with gradients.

        Parameters
        ----------
        x : Tensor of shape (n, ...)
            Rows of this rank; of the same shape and dtype on all. Half precision is summed as it is on the way
            back, so make it float32 first.

        Returns
        -------
        Tensor of shape (size * n, ...)
            Its gradient comes back as the sum over the ranks of what each of them has for the n rows of this
            one: the gradient of the sum of the ranks' losses.
        """
        return x if self.size == 1 else _Gather.apply(x, self.rank, self.size)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the ranks, which is the gradient of the global loss.

        Let L be the loss that every rank r computes from gathered outputs, and theta_r its copy of the weights.
        Backward through :meth:`gather` sums over the ranks' losses, which are all L, so it leaves on rank r ::

            g_r = d (L_1 + ... + L_size) / d theta_r = size * dL / d theta_r

        The copies are one theta, hence dL / d theta = sum_r dL / d theta_r = (1 / size) * sum_r g_r. A term that
        each rank computes from its weights alone, such as a penalty on them, comes out right as well: g_r is
        then dL / d theta itself.

        Gradients travel in flat pieces of at most 25 MB, after the whole of backward: communication does not
        overlap with computation. The results have the same bits on all ranks.

        Parameters
        ----------
        parameters : iterable of Parameter
            Those without a gradient are left out; they have to be the same on all ranks.
        """
        if self.size > 1:

            def average(flat: Tensor) -> None:
                dist.all_reduce(flat)
                flat /= self.size

            _in_buckets([p.grad for p in parameters if p.grad is not None], average)

    def broadcast_module(self, network: nn.Module) -> None:
        """Give all ranks the parameters and buffers of the first."""
        if self.size > 1:
            tensors = [t.detach() for t in (*network.parameters(), *network.buffers())]
            _in_buckets(tensors, lambda flat: dist.broadcast(flat, src=0))

    def broadcast_object(self, value: Any) -> Any:
        """Return the first rank's `value`, which pickles; what the other ranks pass is ignored.

        Parameters
        ----------
        value : object
            Tensors in it should be on the CPU. Alone, the object itself comes back, on more ranks a copy on all
            but the first.
        """
        if self.size == 1:
            return value
        holder = [value]
        dist.broadcast_object_list(holder, src=0, device=self.device)
        return holder[0]


def find_ranks(device: torch.device) -> Ranks:
    """Find the processes that train together with this one.

    These are, in this order:

    1. the default process group of torch.distributed, where one is initialised;
    2. the processes that ``torchrun`` launched, which then form that group: over NCCL on CUDA, else over Gloo.
       It lasts until the process ends. Processes begun by Python itself (workers of joblib or multiprocessing)
       inherit the launcher's environment but do not join: they are alone, each of them;
    3. this process alone.

    Collective, in the first two cases.

    Parameters
    ----------
    device : torch.device
        Where to compute. Of several CUDA devices each rank takes its own, see :func:`rank_device`.

    Returns
    -------
    Ranks

    Raises
    ------
    ValueError
        If the group cannot carry tensors of the device, or there are more ranks than CUDA devices.
    """
    if not (in_group() or _is_launched()):
        return Ranks(device=device)
    device = rank_device(device)
    if not in_group():
        on_cuda = device.type == "cuda"
        dist.init_process_group("nccl" if on_cuda else "gloo", timeout=_PATIENCE, device_id=device if on_cuda else None)
        atexit.register(_leave_group)
    ranks = Ranks(dist.get_rank(), dist.get_world_size(), device)
    if ranks.size > 1:
        try:
            _count_present(device)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"tensors of device={str(device)!r} do not travel in the process group of torch.distributed, whose "
                f"backend is {dist.get_backend()!r} ({error}). Use 'nccl' with CUDA devices, 'gloo' with device='cpu'."
            ) from error
    return ranks


def rank_device(device: torch.device) -> torch.device:
    """Return the device of this rank: one CUDA device for each rank of a machine, any other device as it is.

    Parameters
    ----------
    device : torch.device
        With an index or without; under ``torchrun`` the index of a CUDA device becomes LOCAL_RANK. Where a group
        was initialised without ``torchrun`` the device is the current one of CUDA.

    Raises
    ------
    ValueError
        If the machine has fewer CUDA devices than ranks.
    """
    if device.type != "cuda" or not (in_group() or _is_launched()):
        return device
    if "LOCAL_RANK" not in os.environ:
        return torch.device("cuda", torch.cuda.current_device())
    index, n_devices = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if index >= n_devices:
        raise ValueError(
            f"LOCAL_RANK={index}, but this machine has {n_devices} CUDA devices; launch with "
            f"torchrun --nproc-per-node {n_devices}, or train with device='cpu'."
        )
    return torch.device("cuda", index)


def in_group() -> bool:
    """Whether torch.distributed has a default process group."""
    return dist.is_available() and dist.is_initialized()


def _is_launched() -> bool:
    """Whether ``torchrun`` started this very process as one of several."""
    if not all(name in os.environ for name in _LAUNCHED) or int(os.environ["WORLD_SIZE"]) < 2:
        return False
    return dist.is_available() and multiprocessing.parent_process() is None


def _leave_group() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def _count_present(device: torch.device) -> int:
    """Sum a one of each rank; the number is read, so that CUDA has to wait for it too."""
    ones = torch.ones(1, device=device)
    dist.all_reduce(ones)
    return int(ones)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rank: int, size: int) -> Tensor:
        ctx.own = slice(rank * len(x), (rank + 1) * len(x))
        out = x.new_empty(size * len(x), *x.shape[1:])
        dist.all_gather(list(out.chunk(size)), x.contiguous())
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)  # a reduce-scatter would do, if every backend had one; outputs are small
        return total[ctx.own], None, None


def _in_buckets(tensors: list[Tensor], exchange: Callable[[Tensor], object]) -> None:
    """Change `tensors` in place by `exchange`, which changes flat concatenations of them in place."""
    with torch.no_grad():
        for bucket in _buckets(tensors):
            flat = torch.cat([t.reshape(-1) for t in bucket])
            exchange(flat)
            for tensor, piece in zip(bucket, flat.split([t.numel() for t in bucket])):
                tensor.copy_(piece.view(tensor.shape))


def _buckets(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """Split into lists of one dtype and at most 25 MB each, or of one tensor that is larger."""
    by_dtype: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        by_dtype.setdefault(tensor.dtype, []).append(tensor)
    for same in by_dtype.values():
        bucket: list[Tensor] = []
        for tensor in same:
            if bucket and sum(t.nbytes for t in bucket) + tensor.nbytes > _BUCKET_BYTES:
                yield bucket
                bucket = []
            bucket.append(tensor)
        yield bucket
