# SPDX-License-Identifier: BSD-3-Clause
"""
Merging neighbours: the tree of path integrals
==============================================

:class:`~skdeepclust.PathIntegralClustering` starts from groups of nearest neighbours and merges the two that are joined
by most short paths, again and again. Nothing about it is random, and it keeps the whole tree.
"""

# %%
# Digits from raw pixels
# ----------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_circles, make_moons
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import PathIntegralClustering
from skdeepclust.metrics import clustering_accuracy

X, y = load_digits(return_X_y=True)
model = PathIntegralClustering(n_clusters=10).fit(X)
print(f"accuracy {clustering_accuracy(y, model.labels_):.3f}, NMI {normalized_mutual_info_score(y, model.labels_):.3f}")

# %%
# The last merges
# ---------------
# ``affinities_`` holds how strongly the two clusters of each merge were joined. After the tenth last merge, where ten
# clusters are left, the affinities have fallen by orders of magnitude: what is merged from there on hardly belongs
# together.
left = np.arange(len(model.affinities_), 0, -1)
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.semilogy(left[-40:], model.affinities_[-40:], marker=".")
ax.axvline(10, color="tab:red", linewidth=1)
ax.invert_xaxis()
ax.set(xlabel="clusters left after the merge", ylabel="affinity of the two")

# %%
# New rows
# --------
# A new row gets the cluster of the largest total weight among its nearest rows; certainty is its share.
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
sets = {
    "moons": make_moons(600, noise=0.06, random_state=0),
    "circles": make_circles(600, factor=0.5, noise=0.05, random_state=0),
}
for ax, (name, (rows, _)) in zip(axes, sets.items(), strict=True):
    planar = PathIntegralClustering(n_clusters=2).fit(rows)
    low, high = rows.min(axis=0) - 0.3, rows.max(axis=0) + 0.3
    grid = np.stack(np.meshgrid(np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 120)), axis=-1)
    share = planar.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(120, 120)
    ax.imshow(share, origin="lower", extent=(low[0], high[0], low[1], high[1]), cmap="coolwarm", alpha=0.5)
    ax.scatter(*rows.T, c=planar.labels_, s=6, cmap="coolwarm")
    ax.set(title=f"{name}: share of the second cluster", xticks=[], yticks=[])
plt.show()
