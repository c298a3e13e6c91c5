# SPDX-License-Identifier: BSD-3-Clause
"""Planar sets of any size whose clusters are not convex."""

import numpy as np
from numpy.typing import NDArray

from .._support._parameters import check_choice, check_integer, draw_seed
from ._planar_components import COMPONENTS

PLANAR_SETS = {name: len(components) for name, components in COMPONENTS.items()}
BLOCK_ROWS = 65536


def cluster_counts(shares: NDArray[np.int64], n_samples: int) -> NDArray[np.int64]:
    """Objects of each component: its share rounded down; the first components take one more until all are dealt."""
    counts = shares * n_samples // shares.sum()
    counts[: n_samples - counts.sum()] += 1
    return counts


def make_planar(
    name: str,
    n_samples: int = 10_000,
    *,
    shuffle: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw one of the five planar sets on which U-SPEC and U-SENC were published, in any size.

    ======== ============================== ======== ===================
    name     what it shows                  clusters rows in the paper
    ======== ============================== ======== ===================
    "TB"     two bananas                           2           1,000,000
    "SF"     smiling face                          4           2,000,000
    "CC"     concentric circles                    3           5,000,000
    "CG"     circles and Gaussians                11          10,000,000
    "Flower" a flower of arcs and stems           13          20,000,000
    ======== ============================== ======== ===================

    A cluster is one component of four kinds. With e standard normal and t uniform:

    * Gaussian: ``x = c + (s_1 e_1, s_2 e_2)``;
    * ring: ``x = c + (R + s e) (cos t, sin t)``, t over the full turn;
    * arc: ``x = c + R (cos t, sin t) + s (e_1, e_2)``, t between two angles;
    * segment: ``x = (1 - t) p + t q + s (e_1, e_2)``, t in [0, 1].

    Source: Huang, Wang, Wu, Lai, Kwoh, "Ultra-scalable spectral clustering and ensemble clustering", IEEE TKDE
    32(6), 2020, figure 5. Difference: the paper does not print the parameters of the components; these are fitted
    to the points of its figure.

    Parameters
    ----------
    name : {"TB", "SF", "CC", "CG", "Flower"}
        Which set; `PLANAR_SETS` maps each name to its number of clusters.
    n_samples : int, default=10000
        Number of rows. Every cluster has its share of them, rounded; with fewer rows than clusters some are absent.
    shuffle : bool, default=True
        Put the rows in random order; False leaves them sorted by cluster.
    random_state : int, RandomState or None, default=None
        Seed; an int makes the draw repeatable.

    Returns
    -------
    X : ndarray of shape (n_samples, 2), float32
        Points.
    y : ndarray of shape (n_samples,), int64
        Cluster of each point.

    Raises
    ------
    ValueError
        If `name` is not one of the five, or `n_samples` is below 1.

    See Also
    --------
    sklearn.datasets.make_moons : Two half circles.
    sklearn.datasets.make_circles : Two rings.

    Notes
    -----
    Points are drawn block by block into the result; beyond it a few megabytes are used, whatever the size.

    Examples
    --------
    >>> from skdeepclust.datasets import PLANAR_SETS, make_planar
    >>> X, y = make_planar("SF", 1000, random_state=0)
    >>> print(X.shape, X.dtype, PLANAR_SETS["SF"])
    (1000, 2) float32 4
    >>> import numpy as np
    >>> print(np.bincount(y))
    [288 288 374  50]
    """
    components = COMPONENTS[check_choice("name", name, tuple(COMPONENTS))]
    n_samples = check_integer("n_samples", n_samples, low=1)
    shuffle = check_choice("shuffle", shuffle, (True, False))
    rng = np.random.default_rng(draw_seed(random_state))

    counts = cluster_counts(np.array([share for share, _ in components]), n_samples)
    y = np.repeat(np.arange(len(components)), counts)
    if shuffle:
        rng.shuffle(y)  # the labels first: drawing points into their places needs no second copy of them
    X = np.empty((n_samples, 2), dtype=np.float32)
    for start in range(0, n_samples, BLOCK_ROWS):
        block, labels = X[start : start + BLOCK_ROWS], y[start : start + BLOCK_ROWS]
        for label, (_, draw) in enumerate(components):
            rows = np.flatnonzero(labels == label)
            block[rows] = draw(rng, len(rows))
    return X, y
