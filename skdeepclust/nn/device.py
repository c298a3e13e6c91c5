# SPDX-License-Identifier: BSD-3-Clause
"""Where to compute and how precisely: resolved when fitting starts, never stored on disk."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import joblib
import torch

_LARGEST_KEPT = 2**25 - 2**16  # bytes; glibc learns nothing of blocks that need more than 32 MiB with their heading


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    device : None, str or torch.device
        None takes the best there is: CUDA, then XPU, then MPS, then the CPU.

    Raises
    ------
    ValueError
        If torch does not know the device or this machine lacks it.
    TypeError
        If `device` is of another type.
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        if hasattr(torch, "xpu") and torch.xpu.is_available():
            return torch.device("xpu")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    if not isinstance(device, (str, torch.device)):
        raise TypeError(f"device must be None, a string such as 'cpu' or 'cuda:0', or a torch.device; got {device!r}.")
    try:
        resolved = torch.device(device)
        torch.empty(1, device=resolved)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device={str(device)!r} cannot be used here ({error}); use device=None or 'cpu'.") from error
    return resolved


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether `device` multiplies bfloat16 in hardware (AVX512-BF16, AMX; on GPUs whatever torch reports)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
    return False


def has_float64(device: torch.device) -> bool:
    """Whether `device` is known to compute in float64: MPS does not, nor do some XPUs."""
    if device.type == "xpu":
        return bool(getattr(torch.xpu.get_device_properties(device), "has_fp64", False))
    return device.type in ("cpu", "cuda")


def send(rows: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a few `rows` of the host's on `device`, without waiting for what CUDA has been given to do before."""
    if device.type == "cuda":  # torch keeps page-locked memory as long as a copy from it is on its way
        return rows.pin_memory().to(device, non_blocking=True)
    return rows.to(device)


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """The context in which networks run while training.

    Parameters
    ----------
    device : torch.device
    precision : {"auto", "bfloat16", "float32"}
        "auto" is "bfloat16" where the hardware multiplies it, else "float32".
    """
    if precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(device)):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def keep_freed_memory() -> None:
    """Let the C library keep what is freed for what comes next, up to 64 MiB, where it is glibc.

    glibc gives freed memory back to the system, and gets cleared pages for the next array, unless it has learned
    otherwise: it keeps blocks up to the size of the largest that was ever freed, if that was below 32 MiB, and twice as
    much at the end of the heap (``M_MMAP_THRESHOLD`` and ``M_TRIM_THRESHOLD`` of mallopt(3)). So one such block is
    asked for and freed. Elsewhere this has no effect.
    """
    torch.empty(_LARGEST_KEPT, dtype=torch.uint8)


@contextmanager
def torch_threads() -> Iterator[None]:
    """Hold torch to the processors that this process may use, and restore its number of threads afterwards.

    torch starts a thread for every processor of the machine, whatever share of it a container grants; more threads
    than processors wait for each other. A smaller number set by the user stays.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, joblib.cpu_count())))
    try:
        yield
    finally:
        torch.set_num_threads(before)
