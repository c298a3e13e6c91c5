# SPDX-License-Identifier: BSD-3-Clause
"""The number of clusters that a spectrum speaks for.

Source: the gap heuristic of U. von Luxburg, "A tutorial on spectral clustering", Statistics and Computing 17(4),
2007, section 8.3, on the multiplicative scale of A. Azran and Z. Ghahramani, "Spectral methods for automatic
multiscale data clustering", CVPR 2006, who look for the gap between powers of the eigenvalues.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._support._parameters import check_integer

N_EIGENVALUES = 50  # as many as a graph should be asked for; benchmarks/quality/number_of_clusters.py is the study
RESOLUTION = 0.01
ROUNDING = 1e-9  # eigenvalues are not known better than this


def eigengaps(spectrum: ArrayLike) -> NDArray[np.float64]:
    r"""Gap behind every eigenvalue but the last, on a multiplicative scale.

    .. math:: g_k = \log \frac{\lambda_{k+1} + \delta}{\lambda_k + \delta}, \qquad \lambda_k = 1 - \mu_k, \qquad
        \delta = 0.01 \operatorname{median}(\lambda_1, \dots, \lambda_{50})

    A random walk on the graph leaves the k-th piece at the rate :math:`\lambda_k`; where k clusters exist, it leaves
    them :math:`e^{g_k}` times more slowly than it spreads inside them. Rates below :math:`\delta` all count as never:
    otherwise the gap between a piece that is left once in a thousand steps and one that is left once in a million
    would hide every other.

    Parameters
    ----------
    spectrum : array-like of shape (n_eigenvalues,)
        Leading eigenvalues :math:`\mu_1 = 1 \ge \mu_2 \ge \dots` of a row-stochastic graph.

    Returns
    -------
    gaps : ndarray of shape (max(n_eigenvalues - 1, 0),), float64
        Entry k - 1 is :math:`g_k`. Multiplying all :math:`\lambda` by a constant changes nothing.

    Raises
    ------
    ValueError
        If `spectrum` is not one-dimensional, or not descending within [0, 1].
    """
    rate = 1.0 - _check_spectrum(spectrum)
    delta = max(RESOLUTION * float(np.median(rate[:N_EIGENVALUES])), ROUNDING)
    return np.diff(np.log(rate + delta))


def eigengap_n_clusters(spectrum: ArrayLike, low: int = 2, *, high: int | None = None) -> int:
    r"""Choose the number of clusters at the widest gap of a spectrum.

    .. math:: \hat k = \operatorname*{arg\,max}_{low \le k \le high} \log \frac{\lambda_{k+1} + \delta}{\lambda_k +
        \delta}, \qquad \lambda_k = 1 - \mu_k, \qquad
        \delta = 0.01 \operatorname{median}(\lambda_1, \dots, \lambda_{50})

    The ratio of the rates at which a random walk leaves the pieces of the graph, not their difference: the
    difference finds well separated clusters only where the pieces inside them mix fast.

    Parameters
    ----------
    spectrum : array-like of shape (n_eigenvalues,)
        Leading eigenvalues :math:`\mu_1 = 1 \ge \mu_2 \ge \dots` of the reduced graph of a transfer cut,
        ``spectrum_`` of an estimator that was asked for many clusters. Pass 50, or all where the graph has fewer
        columns: with 20 or 30 :math:`\delta` is smaller, and so is the choice where clusters lie within clusters.
    low : int, default=2
        Smallest number considered, at least 2: a connected graph always has its widest gap after the first.
    high : int or None, default=None
        Largest number considered. None is one less than the number of eigenvalues, and so is anything above: the gap
        behind the last is not known.

    Returns
    -------
    n_clusters : int
        The first of equal gaps. `low`, if there are too few eigenvalues to compare.

    Raises
    ------
    ValueError
        If `spectrum` is empty, not one-dimensional, or not descending within [0, 1], or if `low` is below 2 or above
        `high`.

    Notes
    -----
    If the graph has no more columns than `spectrum` has entries, all other eigenvalues are 0: append one zero, and the
    gap behind the last column counts as well.

    The rule answers for every spectrum, that of data without clusters included. Where the classes of a data set are
    no groups of its rows, or groups lie within groups, the answer is one scale out of several; see
    :func:`stability_curve`. ``benchmarks/quality/number_of_clusters.py`` has the study.

    Source: von Luxburg, "A tutorial on spectral clustering", Statistics and Computing 17(4), 2007, section 8.3;
    Azran and Ghahramani, "Spectral methods for automatic multiscale data clustering", CVPR 2006.

    Examples
    --------
    >>> from skdeepclust import eigengap_n_clusters
    >>> eigengap_n_clusters([1.0, 0.99, 0.98, 0.7, 0.6, 0.55])
    3
    >>> eigengap_n_clusters([1.0, 0.99, 0.98, 0.7, 0.6, 0.55], low=4)
    4
    """
    gaps = eigengaps(spectrum)
    low = check_integer("low", low, low=2)
    last = len(gaps) if high is None else min(check_integer("high", high, low=low), len(gaps))
    return low + int(np.argmax(gaps[low - 1 : last])) if last >= low else low


def _check_spectrum(spectrum: ArrayLike) -> NDArray[np.float64]:
    """`spectrum` as float64 within [0, 1], rounding errors cut off."""
    mu = np.asarray(spectrum, dtype=np.float64)
    if mu.ndim != 1 or len(mu) == 0:
        raise ValueError(
            f"spectrum must be one-dimensional with at least one eigenvalue; got shape {mu.shape}. "
            "Pass spectrum_ of a fitted estimator."
        )
    if not (mu.min() >= -1e-6 and mu.max() <= 1 + 1e-6):  # not: NaN is refused as well
        raise ValueError(
            f"spectrum must lie within [0, 1]; got values from {mu.min()} to {mu.max()}. Pass the eigenvalues mu of "
            "the row-stochastic graph; from those of its Laplacian they are 1 - lambda."
        )
    rise = np.flatnonzero(np.diff(mu) > 1e-6)
    if len(rise):
        at = int(rise[0])
        raise ValueError(
            f"spectrum must be descending; got {mu[at]} before {mu[at + 1]} at position {at}. Sort it with "
            "np.sort(spectrum)[::-1]."
        )
    return np.clip(mu, 0.0, 1.0)
