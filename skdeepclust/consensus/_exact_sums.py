# SPDX-License-Identifier: BSD-3-Clause
"""Sums that come out the same in every order.

A sum of floats depends on the order of its terms, and so on threads, blocks, chunks and workers. Everything that is
summed over objects here is an integer instead: either a count, or a term rounded to a fixed-point number of 62 bits
in all. Integer addition is associative, so that a memory map in blocks, a dask array in chunks and an array in
memory give the same statistics to the last bit, and with them the same labels.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ._jit import for_each, kernel, row_blocks

BITS = 62
BLOCK_ROWS = 65536


def fixed_point_scale(bound: float) -> float:
    """Largest power of two that keeps sums up to `bound` below 2^62; multiply by it and round.

    Examples
    --------
    >>> fixed_point_scale(1.0) == 2.0**62, fixed_point_scale(1000.0) == 2.0**52
    (True, True)
    """
    return math.ldexp(1.0, min(BITS - math.ceil(math.log2(bound)), 1000)) if bound > 0 else 1.0


@kernel
def times_integer(unit, value, weight):
    """``round(weight * value)``, but for a whole weight exactly weight times `unit`, the rounded value."""
    whole = np.int64(weight)
    if weight == whole:
        return whole * unit
    return whole * unit + np.int64((weight - whole) * value + 0.5)


@kernel
def bin_floats(bits, start, stop, bins):
    """Add the mantissas of non-negative float64, given as their bits, to the bins of their exponents, in two halves."""
    for i in range(start, stop):
        exponent = np.int64(bits[i] >> np.uint64(52))
        mantissa = np.int64(bits[i] & np.uint64(0xFFFFFFFFFFFFF))
        if exponent > 0:
            mantissa += 0x10000000000000
        else:  # below 2^-1022: no hidden bit, the exponent of the smallest normal number
            exponent = 1
        bins[exponent, 0] += mantissa & 0x3FFFFFF
        bins[exponent, 1] += mantissa >> 26


def float_bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The sum of non-negative finite values as exact integers, (2048, 2); bins of parts add up.

    Bin e counts units of ``2^(e - 1075)``, its second half 2^26 times as large ones. Good for 2^36 terms.
    """
    bits = np.ascontiguousarray(values, dtype=np.float64).reshape(-1).view(np.uint64)
    blocks = row_blocks(len(bits), BLOCK_ROWS)
    groups = [blocks[g::8] for g in range(min(8, len(blocks)))]
    bins = np.zeros((len(groups) + 1, 2048, 2), dtype=np.int64)

    def work(g):
        for rows in groups[g]:
            bin_floats(bits, *rows, bins[g])

    for_each(work, range(len(groups)))
    return bins.sum(axis=0)


def sum_of_bins(bins: NDArray[np.int64]) -> float:
    """The sum that :func:`float_bins` holds, rounded once.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([1e200, 1.0, 1e-200])
    >>> sum_of_bins(float_bins(values)) == sum_of_bins(float_bins(values[::-1]))
    True
    """
    exponents = np.flatnonzero(bins.any(axis=1))
    total = sum((int(bins[e, 0]) + (int(bins[e, 1]) << 26)) << int(e) for e in exponents)  # an integer of any length
    return float(total / (1 << 1075))
