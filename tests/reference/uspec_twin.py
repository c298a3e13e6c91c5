# SPDX-License-Identifier: BSD-3-Clause
"""U-SPEC and the consensus of a label matrix as published: numpy, scipy.sparse and scikit-learn, nothing compiled.

Source: Huang, Wang, Wu, Lai, Kwoh, "Ultra-scalable spectral clustering and ensemble clustering", IEEE TKDE 32(6),
2020, algorithms 1 and 2; Huang, Wang, Lai, "Locally weighted ensemble clustering", IEEE TCYB 48(5), 2018, equations
7 to 10 and definition 8. Symbols: n objects, p representatives, K neighbours kept, B the affinity (n x q).
"""

import warnings

import numpy as np
import scipy.linalg
import scipy.sparse
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances

BLOCK_ROWS = 100_000  # only where a table of n rows would burst memory


def kmeans(X, k, n_init, max_iter, seed, init="k-means++"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # few iterations are what the paper asks for
        return KMeans(k, init=init, n_init=n_init, max_iter=max_iter, random_state=seed).fit(X)


def smallest(table, k):
    """Columns of the k smallest entries of each row, in ascending order."""
    columns = np.argpartition(table, k - 1, axis=1)[:, :k]
    order = np.argsort(np.take_along_axis(table, columns, axis=1), axis=1)
    return np.take_along_axis(columns, order, axis=1)


def pieces(rows):
    return [rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS)]


def hybrid_representatives(X, p, seed):
    """Step 1: 10 p random rows, and the p centres that 10 iterations of k-means make of them."""
    rng = np.random.default_rng(seed)
    sample = X[np.sort(rng.choice(len(X), min(10 * p, len(X)), replace=False))]
    start = sample[rng.choice(len(sample), min(p, len(sample)), replace=False)]
    return kmeans(sample, len(start), 1, 10, seed, init=start).cluster_centers_


def approximate_nearest(X, R, K, seed):
    """Steps 2 to 5: indices and distances, both (n, K), of about the nearest representatives of every object."""
    n, p = len(X), len(R)
    # 2. Group the representatives into sqrt(p) rep-clusters.
    groups = kmeans(R, int(np.sqrt(p)), 1, 20, seed)
    # 3. The nearest rep-cluster of every object, and the nearest representative inside it.
    group = groups.predict(X)
    nearest = np.empty(n, dtype=np.int64)
    for g in np.unique(group):
        objects, inside = np.flatnonzero(group == g), np.flatnonzero(groups.labels_ == g)
        for here in pieces(objects):
            nearest[here] = inside[pairwise_distances(X[here], R[inside]).argmin(axis=1)]
    # 4. The candidates: each representative with its 10 K nearest.
    candidates = smallest(pairwise_distances(R), min(10 * K + 1, p))
    # 5. The K nearest of the candidates of an object's nearest representative.
    index, distance = np.empty((n, K), dtype=np.int64), np.empty((n, K))
    with_nearest = np.split(np.argsort(nearest, kind="stable"), np.cumsum(np.bincount(nearest, minlength=p))[:-1])
    for objects, near in zip(with_nearest, candidates, strict=True):
        for here in pieces(objects):
            distances = pairwise_distances(X[here], R[near])
            kept = smallest(distances, K)
            index[here], distance[here] = near[kept], np.take_along_axis(distances, kept, axis=1)
    return index, distance


def gaussian_affinity(index, distance, p):
    """Step 6: ``b = exp(-d^2 / (2 sigma^2))``, sigma the mean of all n K distances; CSR, K entries a row."""
    n, K = index.shape
    values = np.exp(-(distance**2) / (2 * distance.mean() ** 2))
    values[values == 0] = np.finfo(float).eps
    return scipy.sparse.csr_array((values.ravel(), index.ravel(), np.arange(0, n * K + 1, K)), shape=(n, p))


def reduced_graph(B):
    """``E = B^T D_X^-1 B``, dense (q, q); D_X the row sums of B."""
    inverse = scipy.sparse.diags_array(1 / B.sum(axis=1))
    return (B.T @ inverse @ B).toarray()


def object_embedding(B, k):
    """Unit rows of ``F = D_X^-1 B V``, V the first k solutions of ``(D_R - E) v = lambda D_R v``; also all mu."""
    E = reduced_graph(B)
    root = np.sqrt(E.sum(axis=1))
    S = E / root[:, None] / root
    mu, Q = scipy.linalg.eigh((S + S.T) / 2)
    V = Q[:, ::-1][:, :k] / root[:, None]
    F = (B @ V) / B.sum(axis=1)[:, None]
    return F / (np.linalg.norm(F, axis=1, keepdims=True) + 1e-10), mu[::-1]


def transfer_cut(B, k, seed, n_init=3, max_iter=100):
    """Step 7: k-means on the embedded objects; columns that no object uses are left out."""
    B = B[:, B.sum(axis=0) > 0]
    return kmeans(object_embedding(B, k)[0], k, n_init, max_iter, seed).labels_


def uspec(X, k, *, p=1000, K=5, n_init=3, max_iter=100, seed=0):
    """Algorithm 1: labels of the rows of X, (n,)."""
    R = hybrid_representatives(X, p, seed)
    index, distance = approximate_nearest(X, R, min(K, len(R)), seed)
    return transfer_cut(gaussian_affinity(index, distance, len(R)), k, seed, n_init, max_iter)


def usenc(X, k, *, M=20, base_k=(20, 60), p=1000, K=5, seed=0):
    """Algorithm 2: the unweighted consensus of M runs of U-SPEC, each into a random number of clusters."""
    rng = np.random.default_rng(seed)
    sizes, seeds = rng.integers(*base_k, M, endpoint=True), rng.integers(0, 2**31, M)
    members = [uspec(X, m, p=p, K=K, n_init=1, max_iter=5, seed=s) for m, s in zip(sizes, seeds, strict=True)]
    return consensus(np.stack(members, axis=1), k, seed=seed)


def incidence(base_labels):
    """H as CSR (n, q): a column for each cluster of each clustering, a one where it holds the object."""
    n, M = base_labels.shape
    codes = [np.unique(column, return_inverse=True)[1] for column in base_labels.T]
    offsets = np.cumsum([0] + [code.max() + 1 for code in codes])
    columns = np.stack(codes, axis=1) + offsets[:-1]
    ones = np.ones(n * M)
    return scipy.sparse.csr_array((ones, columns.ravel(), np.arange(0, n * M + 1, M)), shape=(n, offsets[-1]))


def cluster_index(H, M, theta):
    """``ECI_i = exp(-Hent_i / (theta M))``, ``Hent_i = -sum_j P_ij log2 P_ij``, P_ij = |C_i and C_j| / |C_i|."""
    G = (H.T @ H).toarray()
    P = G / np.diag(G)[:, None]
    entropy = -np.sum(P * np.log2(P, out=np.zeros_like(P), where=P > 0), axis=1)
    return np.exp(-entropy / (theta * M))


def consensus(base_labels, k, *, theta=None, seed=0):
    """Labels from a label matrix (n, M): transfer cut of ``B = H diag(w)``, w = ECI, or 1 without theta."""
    H = incidence(base_labels)
    weights = np.ones(H.shape[1]) if theta is None else cluster_index(H, base_labels.shape[1], theta)
    return transfer_cut(H @ scipy.sparse.diags_array(weights), k, seed)
