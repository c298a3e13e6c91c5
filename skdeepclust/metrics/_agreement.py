# SPDX-License-Identifier: BSD-3-Clause
"""How well a consensus agrees with its base clusterings, adjusted for chance."""

import numpy as np
import numpy.typing as npt
from sklearn.metrics.cluster import expected_mutual_information

from ._labels import contingency, label_codes


def ensemble_agreement(labels: npt.ArrayLike, base_labels: npt.ArrayLike) -> float:
    r"""Share of the consensus that its base clusterings determine, adjusted for chance.

    The mean over the base clusterings :math:`b` of

    .. math:: \frac{I(c; b) - \mathbb{E}\,I(c; b)}{H(c) - \mathbb{E}\,I(c; b)}

    with the consensus :math:`c`, mutual information :math:`I`, entropy :math:`H`, and the expectation over random
    permutations of the labels. It is 1 if no base cluster is cut by the consensus, and 0 on average if the
    consensus has nothing to do with the base clusterings. No true labels are needed.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The consensus.
    base_labels : array-like of shape (n_samples, n_estimators)
        The base clusterings, one per column, integers; -1 stands for a missing label. A missing label is left
        out of its own column only, a column without any label is left out altogether.

    Returns
    -------
    float
        At most 1. A consensus with a single cluster, or with no two samples together, scores 0.

    Notes
    -----
    Symmetric scores (normalized or adjusted mutual information, the Rand index) compare the *sizes* of the
    clusters too, and so grow with the number of clusters of the consensus for as long as it has fewer than the
    base clusterings, on noise as well. This one asks only whether base clusters stay whole. Where clusters
    exist it is flat up to their true number and falls beyond it. To choose a number of clusters, keep the ensemble
    fixed and take the *largest* whose score is within 0.01 of the best. Without clusters, scores at different numbers
    mean little: they fall or drift upward slightly. ``benchmarks/quality/agreement_score.py`` has the study.

    Examples
    --------
    >>> import numpy as np
    >>> from skdeepclust.metrics import ensemble_agreement
    >>> base_labels = np.array([[0, 0], [0, 1], [1, 2], [2, -1], [3, 3], [3, 3]])
    >>> ensemble_agreement([0, 0, 0, 1, 1, 1], base_labels)  # finer base clusters, none of them cut
    1.0
    >>> ensemble_agreement([0, 1, 0, 1, 0, 1], base_labels) < 0  # the pairs of samples are cut
    True
    """
    consensus, base = label_codes("labels", labels), _check_base_labels(base_labels)
    if len(base) != len(consensus):
        raise ValueError(
            f"base_labels must have one row per label; got {len(base)} rows and {len(consensus)} labels. "
            "Base clusterings belong in the columns."
        )
    present = base >= 0
    scores = [
        _determined(consensus[rows], column[rows]) for column, rows in zip(base.T, present.T, strict=True) if rows.any()
    ]
    if not scores:
        raise ValueError("base_labels holds -1 only; at least one base clustering must have labels.")
    return float(np.mean(scores))


def _check_base_labels(base_labels: npt.ArrayLike) -> npt.NDArray[np.integer]:
    base = np.asarray(base_labels)
    if base.ndim != 2 or base.shape[1] == 0:
        raise ValueError(
            f"base_labels must have shape (n_samples, n_estimators); got {base.shape}. "
            "For one base clustering use base_labels[:, None]."
        )
    if base.dtype.kind not in "iu":
        raise TypeError(
            f"base_labels must be integers with -1 for a missing label; got dtype {base.dtype}. "
            "sklearn.preprocessing.OrdinalEncoder makes codes of other labels."
        )
    if base.size and base.min() < -1:
        raise ValueError(f"base_labels must be >= 0, or -1 for a missing label; got {base.min()}.")
    return base


def _determined(consensus: npt.NDArray[np.intp], base: npt.NDArray[np.integer]) -> float:
    """Return (I - E[I]) / (H(consensus) - E[I]) of one base clustering, in natural units."""
    # Labels are mostly 0, 1, ... already: count with them as they are, and sort only if they are far from that.
    codes = base if base.max() < len(base) else np.unique(base, return_inverse=True)[1]
    table = contingency(consensus, codes.astype(np.intp))
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    n_samples, sizes = int(table.sum()), table.sum(axis=1)
    if len(sizes) in (1, n_samples):
        return 0.0
    h = _entropy(sizes)
    chance = _expected_mutual_information(table, n_samples)
    mutual = h + _entropy(table.sum(axis=0)) - _entropy(table[table > 0])
    if h - chance <= 1e-12 * h:  # every base cluster is a single sample: it determines anything
        return 0.0
    # Rounding may leave the last bit of a perfect score off: the bound is exact, so hold it.
    return float(min((mutual - chance) / (h - chance), 1.0))


def _expected_mutual_information(table: npt.NDArray[np.int64], n_samples: int) -> float:
    """E[I] over permutations of the labels: exact, or its first term where that is within 0.001 of it.

    The exact sum takes time in proportion to `n_samples`, about a second per million and base clustering. The first
    term is (R - 1) (C - 1) / (2 n), half the degrees of freedom of a test of independence over n.
    """
    if n_samples >= 100_000 and n_samples >= 100 * table.size:
        return (table.shape[0] - 1) * (table.shape[1] - 1) / (2.0 * n_samples)
    return float(expected_mutual_information(table, n_samples))


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    p = counts / counts.sum()
    return float(-(p * np.log(p)).sum())
