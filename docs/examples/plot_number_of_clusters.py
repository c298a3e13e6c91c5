# SPDX-License-Identifier: BSD-3-Clause
"""
How many clusters? Stability and eigengaps
==========================================

Two tools look for the number that the data suggest, see :doc:`/choosing_k`. Both read one ensemble, which is made once.
"""

# %%
# Groups of groups
# ----------------
# Nine blobs, in three groups of three. Which number will be found, three or nine?
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs

from skdeepclust import USENC, stability_curve

angles = 2 * np.pi * np.arange(3) / 3
corners = np.column_stack([np.cos(angles), np.sin(angles)])
centers = (12 * corners[:, None] + 4 * corners).reshape(-1, 2)
X, _ = make_blobs(900, centers=centers, cluster_std=0.8, random_state=0)
fig, ax = plt.subplots(figsize=(4, 4), layout="constrained")
ax.scatter(*X.T, s=4)
ax.set(xticks=[], yticks=[], aspect="equal")

# %%
# One ensemble, all numbers
# -------------------------
# :func:`~skdeepclust.stability_curve` deals the base clusterings into two halves many times and compares the consensus
# of both. Where they agree, the partition is no accident of the draw.
ensemble = USENC(n_clusters="auto", n_representatives=300, random_state=0).fit(X)
curve = stability_curve(ensemble, n_clusters=range(2, 15), n_resamples=10, random_state=0)
print("by the eigengap alone:", ensemble.n_clusters_)
print("by stability and eigengap:", curve.best_n_clusters)
for k in (3, 9):
    print(f"stability of {k} clusters: {curve.stability[curve.n_clusters == k][0]:.2f}")

# %%
# Look at the curve
# -----------------
# Nine it is. The base clusters are finer than the blobs and none reaches from one blob to another, so the graph falls
# into nine pieces. Nothing in it says which of them to join for a smaller number, and the two halves of the ensemble do
# so differently. The whole curve says more than the best number: a high plateau would mean that several are good.
fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
top.errorbar(curve.n_clusters, curve.stability, yerr=curve.standard_error, marker="o", capsize=2)
top.set(ylabel="stability")
bottom.bar(curve.n_clusters, curve.eigengaps)
bottom.set(xlabel="number of clusters", ylabel="eigengap")
for ax in (top, bottom):
    ax.axvline(curve.best_n_clusters, color="tab:red", linewidth=1)

# %%
# The spectrum itself
# -------------------
# Eigenvalues near 1 belong to pieces that a random walk on the graph hardly leaves.
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.plot(range(1, 16), ensemble.spectrum_[:15], marker=".")
ax.set(xlabel="index", ylabel="eigenvalue", xticks=range(1, 16))
plt.show()
