# SPDX-License-Identifier: BSD-3-Clause
"""The parameter ``n_clusters`` of everything that ends in a transfer cut: a number, or "auto"."""

from numbers import Integral

from .._support._parameters import check_integer

AUTO = "auto"
MAX_AUTO = 50  # largest number of clusters that "auto" looks at


def check_n_clusters(n_clusters, n_samples):
    """Check that `n_clusters` is "auto" or an integer from 1 to the number of rows.

    Raises
    ------
    TypeError, ValueError
        If it is neither.
    """
    if isinstance(n_clusters, str) and n_clusters == AUTO:
        return
    if isinstance(n_clusters, str) or not isinstance(n_clusters, Integral):
        raise TypeError(f"n_clusters must be an integer or 'auto'; got {n_clusters!r}.")
    check_integer("n_clusters", n_clusters, low=1, high=n_samples, hint="It cannot exceed the number of rows.")


def leading_vectors(n_clusters):
    """Number of eigenvectors to compute."""
    return MAX_AUTO if n_clusters == AUTO else int(n_clusters)


def chosen_n_clusters(n_clusters, spectrum, n_samples):
    """`n_clusters` itself, or what the eigengap says for "auto"; at most one less than there are eigenvalues."""
    if n_clusters != AUTO:
        return int(n_clusters)
    from ._eigengap import eigengap_n_clusters

    return min(eigengap_n_clusters(spectrum, high=min(MAX_AUTO, n_samples, max(2, len(spectrum) - 1))), n_samples)
