# SPDX-License-Identifier: BSD-3-Clause
"""
Displays: what an ensemble has found, and how far to trust it
=============================================================

The displays of :mod:`skdeepclust.plotting` draw one aspect of a fitted clusterer each, in scikit-learn's manner:
``from_estimator`` computes and draws, ``plot`` draws again. None of them needs a label. This example goes through them
with one small ensemble, as one would with data of one's own.
"""

# %%
# One ensemble
# ------------
# 500 images of the digits 0 to 5. The training is short, so that there is something to find fault with.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skdeepclust import DeepClusterEnsemble
from skdeepclust.plotting import (
    ClusterMontageDisplay,
    CoassociationDisplay,
    EmbeddingDisplay,
    LayerReliabilityDisplay,
    TrainingHistoryDisplay,
)

images = load_digits(n_class=6).images[:500]
model = DeepClusterEnsemble(n_clusters=6, max_epochs=15, n_estimators=20, random_state=0).fit(images)
print(f"sizes of the clusters: {np.bincount(model.labels_)}")

# %%
# Who is in which cluster
# -----------------------
# Look at the images first. A row is a cluster; on the left are the members that the ensemble is most certain of, after
# the gap the least certain ones. Strangers on the right are errors at the border of a cluster. Two kinds of image on
# the left would be worse: two groups taken for one.
_, ax = plt.subplots(figsize=(7.5, 2), layout="constrained")
ClusterMontageDisplay.from_estimator(model, images, n_certain=16, n_uncertain=6, ax=ax)

# %%
# A map of the rows
# -----------------
# The layers of the network, drawn in the plane. The less certain a row, the smaller and paler its point: such points
# should lie between groups. Two groups of one colour, or two colours in one group, are worth a look. Distances between
# groups mean little.
_, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
EmbeddingDisplay.from_estimator(model, images, ax=ax)

# %%
# Do the base clusterings agree?
# ------------------------------
# The share of the base clusterings that put two rows into one cluster. A base clustering has more clusters than the
# result, so that the squares on the diagonal are seldom light all over; what counts is that everything beside them is
# dark. Light there joins clusters that many base clusterings take for one. Thin stripes at the end of a square are
# members that belong to it less than the others: the strangers in the pictures above, the pale points on the map.
_, ax = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
CoassociationDisplay.from_estimator(model, ax=ax)

# %%
# Which layers decide?
# --------------------
# A dot is a base clustering, a bar the mean of its layer. On the left the weight that the consensus gave to its
# clusters, low for those that the other clusterings tear apart; on the right how much of the consensus it determines by
# itself. Hollow dots had no vote: the outputs of the cluster head, "cluster", count only if they agree with the rest.
# After so short a training they do not.
_, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 2.8), layout="constrained")
LayerReliabilityDisplay.from_estimator(model, ax=axes)

# %%
# Was the training long enough?
# -----------------------------
# The loss and its terms. That of the cluster head has hardly moved, which is why its outputs got no vote: it learns
# last, and 15 epochs are not enough for it. The other layers were useful long before.
_, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
TrainingHistoryDisplay.from_estimator(model, ax=ax)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()
