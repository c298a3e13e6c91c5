# SPDX-License-Identifier: BSD-3-Clause
"""Noise and replaced entries for tables."""

import torch
from torch import Tensor, nn


class TableAugmentation(nn.Module):
    """Noise and column-wise corruption for standardised vectors.

    With mask entries drawn independently with probability `corruption`::

        view = where(mask, the same column of a random other row, x + noise * N(0, 1))

    The corruption is that of SCARF (Bahri et al., ICLR 2022): a replaced entry is drawn from the column's own
    distribution, so it never leaves the range of the data.

    Parameters
    ----------
    noise : float, default=0.1
        Standard deviation of the noise, in standard deviations of the columns.
    corruption : float, default=0.2
        Share of the entries that are replaced.
    """

    def __init__(self, noise: float = 0.1, corruption: float = 0.2):
        super().__init__()
        self.noise = noise
        self.corruption = corruption

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.rand_like(x) < self.corruption
        donor = torch.randint(len(x), x.shape, device=x.device)
        return torch.where(mask, x.gather(0, donor), x + self.noise * torch.randn_like(x))
