# SPDX-License-Identifier: BSD-3-Clause
"""Agglomerative clustering by path integrals with dense matrices and inverses, and nothing compiled.

Source: Zhang, Zhao, Wang, "Agglomerative clustering via maximum incremental path integral", Pattern Recognition
46(11), 2013, equations 1, 6 and 8; sigma^2 and the initial clusters as in DEPICT (arXiv 1704.06327). Symbols: n
objects, K neighbours, P the transition matrix (n, n), z the weight of a step.
"""

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist


def graph(X, K=20, scale=1.0):
    """``P`` (n, n) and initial clusters (n,)."""
    n = len(X)
    D = cdist(X, X, "sqeuclidean")
    np.fill_diagonal(D, np.inf)  # a row is not its own neighbour
    neighbours = np.argsort(D, axis=1, kind="stable")[:, :K]
    near = np.take_along_axis(D, neighbours, axis=1)
    width = scale * near.mean()
    while np.exp(-near[:, 0] / width).min() < 1e-5:
        width *= 2
    W = np.eye(n)
    np.put_along_axis(W, neighbours, np.exp(-near / width), axis=1)
    nearest = scipy.sparse.csr_array((np.ones(n), (np.arange(n), neighbours[:, 0])), shape=(n, n))
    return W / W.sum(axis=1, keepdims=True), connected_components(nearest, directed=False)[1]


def path_integral(P, part, inside, z):
    """``|a|^-2 1_a^T (I - z P_cc)^-1 1_a``, a = `part`, c = `inside`: all paths in c that begin and end in a."""
    ends = np.isin(inside, part).astype(float)
    sums = np.linalg.solve(np.eye(len(inside)) - z * P[np.ix_(inside, inside)], ends)
    return ends @ sums / len(part) ** 2


def exact_affinity(P, a, b, z=0.01):
    """``(S_a|ab - S_a) + (S_b|ab - S_b)`` of two lists of objects."""
    union = np.concatenate([a, b])
    return sum(path_integral(P, part, union, z) - path_integral(P, part, part, z) for part in (a, b))


def affinity(P, a, b):
    """``|a|^-2 1^T P_ab P_ba 1 + |b|^-2 1^T P_ba P_ab 1``, z^2 times which is the leading order of the above."""
    there, back = P[np.ix_(a, b)], P[np.ix_(b, a)]
    return (there @ back).sum() / len(a) ** 2 + (back @ there).sum() / len(b) ** 2


def merge(P, initial, k, affinity=affinity):
    """Merge the pair with the largest affinity, all of them measured anew each time; labels, pairs and affinities."""
    clusters = {int(c): np.flatnonzero(initial == c) for c in np.unique(initial)}
    newest, pairs, found = max(clusters), [], []
    while len(clusters) > k:
        names = sorted(clusters)
        best, a, b = max((affinity(P, clusters[a], clusters[b]), a, b) for a in names for b in names if a < b)
        newest += 1
        clusters[newest] = np.concatenate([clusters.pop(a), clusters.pop(b)])
        pairs.append((a, b))
        found.append(best)
    labels = np.empty(len(initial), dtype=int)
    for number, members in enumerate(clusters.values()):
        labels[members] = number
    return labels, pairs, found


def merge_dense(P, initial, k):
    """The same labels from a dense table of all affinities, one row of which is made anew after each merge."""
    label = np.unique(initial, return_inverse=True)[1]
    c = label.max() + 1
    size = np.bincount(label).astype(float)
    member = np.zeros((len(label), c))
    member[np.arange(len(label)), label] = 1
    inward, outward = member.T @ P, (P @ member).T  # in_a(j), out_a(j)
    trips = (inward * outward) @ member  # 1^T P_ab P_ba 1
    A = trips / size[:, None] ** 2
    A += A.T
    A[np.diag_indices(c)] = -1
    for _ in range(c - k):
        a, b = sorted(np.unravel_index(A.argmax(), A.shape))
        label[label == b] = a
        size[a] += size[b]
        inward[a] += inward[b]
        outward[a] += outward[b]
        trips[:, a] += trips[:, b]
        trips[a] = np.bincount(label, weights=inward[a] * outward[a], minlength=c)
        gone = A[:, a] < 0  # a itself, and what has become part of others
        A[:, a] = A[a] = np.where(gone, -1, trips[a] / size[a] ** 2 + trips[:, a] / size**2)
        A[:, b] = A[b] = -1
    return label
