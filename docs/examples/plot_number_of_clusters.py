# SPDX-License-Identifier: BSD-3-Clause
"""
How many clusters? Stability and eigengaps
==========================================

Two tools look for the number that the data suggest, see :doc:`/choosing_k`. Both read one ensemble, which is made once.
"""

# %%
# One ensemble, all numbers
# -------------------------
# :func:`~skdeepclust.stability_curve` deals the base clusterings into two halves many times and compares the consensus
# of both. Where they agree, the partition is no accident of the draw.
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skdeepclust import USENC, stability_curve

X, y = load_digits(return_X_y=True)
ensemble = USENC(n_clusters="auto", n_estimators=40, random_state=0).fit(X)
curve = stability_curve(ensemble, n_clusters=range(2, 17), n_resamples=10, random_state=0)
print("by the eigengap alone:", ensemble.n_clusters_)
print("by stability and eigengap:", curve.best_n_clusters)

# %%
# Look at the curve
# -----------------
# The whole curve says more than the best number. Small numbers are often stable too: two groups of digits are found
# again by any ensemble. What matters is where it falls off for good, and whether the eigengap is wide there.
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
ax.plot(range(1, 21), ensemble.spectrum_[:20], marker=".")
ax.set(xlabel="index", ylabel="eigenvalue", xticks=range(1, 21))
plt.show()
