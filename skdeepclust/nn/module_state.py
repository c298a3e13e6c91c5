# SPDX-License-Identifier: BSD-3-Clause
"""A module without its tensors, and their values beside it: the same on every device, and with the same hash.

The pickle of a tensor names the place in memory where it lies, so that equal modules have different hashes; and a
tensor on a GPU cannot be read where there is none.
"""

import copy
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@dataclass
class StoredTensor:
    """Values of a parameter or buffer; types that numpy lacks as bytes."""

    values: np.ndarray
    dtype: str
    shape: tuple[int, ...]
    is_parameter: bool
    requires_grad: bool

    @classmethod
    def of(cls, x: Tensor) -> "StoredTensor":
        """Store the values of `x`."""
        flat = x.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return cls(
            flat, str(x.dtype).removeprefix("torch."), tuple(x.shape), isinstance(x, nn.Parameter), x.requires_grad
        )

    def tensor(self) -> Tensor:
        """Return them as the tensor they were, on the CPU."""
        x = torch.from_numpy(self.values.copy()).view(getattr(torch, self.dtype)).reshape(self.shape)
        return nn.Parameter(x, self.requires_grad) if self.is_parameter else x


def store(module: nn.Module) -> nn.Module:
    """Return a copy of `module` that holds a :class:`StoredTensor` for every parameter and buffer."""
    tensors = chain(module.parameters(), module.buffers())
    return copy.deepcopy(module, {id(x): StoredTensor.of(x) for x in tensors})


def restore(module: nn.Module) -> nn.Module:
    """Give a module that :func:`store` made its tensors; what was shared by several parts is shared again."""
    made: dict[int, Tensor] = {}
    held: dict[str, Any]
    for part in module.modules():
        for held in (part._parameters, part._buffers):
            for name, stored in held.items():
                if isinstance(stored, StoredTensor):
                    if id(stored) not in made:
                        made[id(stored)] = stored.tensor()
                    held[name] = made[id(stored)]
    return module
