# SPDX-License-Identifier: BSD-3-Clause
"""Batches of network input for a training, from rows that lie on its device already or are on their way there."""

import numpy as np
import torch
from torch import Tensor

from .._support._read_ahead import ReadAhead
from .._support._sources import row_blocks
from .device import has_float64, send
from .samples import SampleReader

_SHARE = 1 / 3  # of a device's free memory that rows may take; the network and its activations need the rest


def placement(kind: str, n_bytes: int, free_bytes: int | None, in_memory: bool) -> str:
    """Where the rows of a training lie.

    Parameters
    ----------
    kind : str
        Of the device, "cpu" or "cuda" for instance.
    n_bytes : int
        All rows in their own dtype.
    free_bytes : int or None
        Free memory of the device, None if unknown.
    in_memory : bool
        Whether the rows are an array in memory, not on a disk.

    Returns
    -------
    {"device", "staged", "host"}
        "device": all of them on the device, moved there once. "staged": batch by batch through two page-locked buffers,
        from which the device copies while the host goes on. "host": batch by batch.
    """
    if in_memory and free_bytes is not None and n_bytes <= _SHARE * free_bytes:
        return "device"
    return "staged" if kind == "cuda" else "host"


class RowBatches:
    """Network input for any rows of `X`; on CPUs and CUDA meant to be the same to the last bit wherever the rows lie.

    Rows move in their own dtype, uint8 in a quarter of the bytes of float32, and are scaled on the device. On a CPU
    they stay where they are; for a device without float64 they are scaled on the host. What lies on a disk can be
    announced and is read in the meantime, see :class:`~skdeepclust._support._read_ahead.ReadAhead`. Nothing of this has
    run on CUDA or XPU yet: "device" and "staged" are tested with a CPU in the device's place.

    Parameters
    ----------
    X : ndarray or RowSource of shape (n, d)
    reader : SampleReader
        On the device of the training.
    place : {"device", "staged", "host"} or None, default=None
        None: by :func:`placement`, when the first batch is asked for.
    """

    def __init__(self, X, reader: SampleReader, place: str | None = None):
        self._X, self._reader, self._place = X, reader, place
        self._ahead = ReadAhead(X)
        self._all: Tensor | None = None
        self._staging: Staging | None = None
        self.is_useful = self._ahead.is_useful
        self.announce = self._ahead.announce

    def __call__(self, rows: np.ndarray) -> Tensor:
        """Return float32 (len(rows), *in_shape) on the device for row numbers `rows`."""
        device = self._reader.device or torch.device("cpu")
        if self._place is None:
            in_memory = isinstance(self._X, np.ndarray) and not isinstance(self._X, np.memmap)
            n_bytes = self._X.dtype.itemsize * int(np.prod(self._X.shape))
            free_bytes = free_memory(device) if has_float64(device) else None  # else they are scaled on the host
            self._place = placement(device.type, n_bytes, free_bytes, in_memory)
        if self._place == "device":
            if self._all is None:
                self._all = _moved(self._X, device)
            return self._reader(self._all[send(torch.from_numpy(rows), device)])
        block = self._ahead(rows)
        if self._place == "staged":
            if self._staging is None:
                self._staging = Staging(device)
            return self._reader(self._staging(block))
        return self._reader(block)

    def close(self) -> None:
        """End what reads ahead, and let go of what lies on the device; the next call begins anew."""
        self._ahead.close()
        self._all = self._staging = None


class Staging:
    """Two host buffers used in turns: one is filled while the device copies from the other.

    Parameters
    ----------
    device : torch.device
        Page-locked memory and asynchronous copies on CUDA; elsewhere plain ones.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self._is_asynchronous = device.type == "cuda"
        self.buffers = [torch.empty(0), torch.empty(0)]
        self._copied: list = [None, None]
        self._turn = 0

    def __call__(self, block: np.ndarray) -> Tensor:
        """Return `block` on the device; the copy may still be on its way, in the device's order of things."""
        turn, self._turn = self._turn, 1 - self._turn
        if self._copied[turn] is not None:
            self._copied[turn].synchronize()  # the device has read what this buffer held two calls ago
        if len(self.buffers[turn]) < len(block):
            self.buffers[turn] = torch.empty(block.shape, dtype=_torch_dtype(block), pin_memory=self._is_asynchronous)
        staged = self.buffers[turn][: len(block)]
        np.copyto(staged.numpy(), block)
        moved = staged.to(self.device, non_blocking=self._is_asynchronous, copy=True)
        if self._is_asynchronous:
            self._copied[turn] = torch.cuda.Event()
            self._copied[turn].record(torch.cuda.current_stream(self.device))
        return moved


def free_memory(device: torch.device) -> int | None:
    """Free bytes of a device that is not the host, None if it does not say."""
    ask = getattr(getattr(torch, device.type, None), "mem_get_info", None)
    return None if ask is None else ask(device)[0]


def _moved(X: np.ndarray, device: torch.device) -> Tensor:
    """All rows on the device, each in one piece whatever the order of `X`; the host copies a block at a time."""
    moved = torch.empty(X.shape, dtype=_torch_dtype(X), device=device)
    for block in row_blocks(X):
        moved[block] = torch.from_numpy(np.array(X[block], order="C")).to(device)
    return moved


def _torch_dtype(X: np.ndarray) -> torch.dtype:
    return torch.from_numpy(np.empty(0, X.dtype)).dtype
