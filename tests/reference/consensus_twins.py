# SPDX-License-Identifier: BSD-3-Clause
"""Slow, obvious numpy twins of the formulas of the consensus half."""

import numpy as np
import scipy.linalg
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform


def clusters(base_labels):
    """(column, label) of every cluster, column by column and by ascending label; -1 is no label."""
    return [(m, v) for m in range(base_labels.shape[1]) for v in sorted(set(base_labels[:, m].tolist()) - {-1})]


def incidence(base_labels):
    """H, n x q, 0/1."""
    return np.stack([(base_labels[:, m] == v).astype(float) for m, v in clusters(base_labels)], axis=1)


def entropy(base_labels):
    """Hent of every cluster: a loop over clusters, clusterings and labels."""
    out = []
    for m, v in clusters(base_labels):
        members = base_labels[base_labels[:, m] == v]
        total = 0.0
        for other in range(base_labels.shape[1]):
            labels = members[:, other]
            labels = labels[labels != -1]
            for w in set(labels.tolist()):
                share = np.mean(labels == w)
                total -= share * np.log2(share)
        out.append(total)
    return np.array(out)


def eci(base_labels, theta):
    return np.exp(-entropy(base_labels) / (theta * base_labels.shape[1]))


def debiased_index(base_labels, theta):
    """Weights from entropies over their upper bounds: a loop over clusters and clusterings."""
    out = []
    for m, v in clusters(base_labels):
        members = base_labels[base_labels[:, m] == v]
        total = 0.0
        for other in range(base_labels.shape[1]):
            labels = members[members[:, other] != -1, other]
            shares = np.array([np.mean(labels == w) for w in set(labels.tolist())])
            bound = min(len(labels), len(set(base_labels[:, other].tolist()) - {-1}))
            if bound > 1:
                total -= np.sum(shares * np.log(shares)) / np.log(bound)
        out.append(total / base_labels.shape[1])
    return np.exp(-np.array(out) / theta)


def diffusion_embedding(B, k, time):
    """Unit object rows of the first 2 k eigenvectors of the clusters, scaled by mu ** time; and all mu."""
    d_x, d_r = B.sum(axis=1), B.sum(axis=0)
    S = np.diag(d_r**-0.5) @ B.T @ np.diag(1 / d_x) @ B @ np.diag(d_r**-0.5)
    mu, Q = np.linalg.eigh(S)
    mu, Q = mu[::-1], Q[:, ::-1]
    V = np.diag(d_r**-0.5) @ Q[:, : 2 * k] * mu[: 2 * k] ** time
    F = np.diag(1 / d_x) @ B @ V
    return F / np.linalg.norm(F, axis=1, keepdims=True), mu


def full_transfer_cut(B, k):
    """Unit object embedding and mu from the normalised cut of all n + q nodes."""
    n, q = B.shape
    W = np.zeros((n + q, n + q))
    W[:n, n:], W[n:, :n] = B, B.T
    D = W.sum(axis=1)
    gamma, U = scipy.linalg.eigh(np.diag(D) - W, np.diag(D))
    mu = (1 - gamma[:q]) ** 2
    V = U[n:, :k] / np.sqrt(np.sum(U[n:, :k] ** 2 * D[n:, None], axis=0))
    F = (B / D[:n, None]) @ V
    return F / (np.linalg.norm(F, axis=1, keepdims=True) + 1e-10), mu


def coassociation(base_labels, weights):
    """A = (1/M) H diag(w) H^T; with missing labels M is the number of clusterings that label both objects."""
    H = incidence(base_labels)
    shared = H @ np.diag(weights) @ H.T
    known = (base_labels != -1).astype(float)
    both = known @ known.T
    return np.divide(shared, both, out=np.zeros_like(shared), where=both > 0)


def average_linkage_labels(base_labels, weights, k):
    A = coassociation(base_labels, weights)
    distance = 1 - A
    np.fill_diagonal(distance, 0)
    return fcluster(linkage(squareform(distance, checks=False), "average"), k, "maxclust")


def nearest(points, centres, k):
    distance = ((points[:, None, :].astype(float) - centres[None].astype(float)) ** 2).sum(axis=2)
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distance, order, axis=1)


def same_partition(a, b):
    """Equal up to renaming."""
    a, b = np.asarray(a).tolist(), np.asarray(b).tolist()
    pairs = set(zip(a, b, strict=True))
    return len(pairs) == len(set(a)) == len(set(b))
