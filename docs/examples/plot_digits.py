# SPDX-License-Identifier: BSD-3-Clause
"""
Handwritten digits, end to end
==============================

:class:`~skdeepclust.DeepClusterEnsemble` gets 1,797 images of 8 x 8 pixels and the number of clusters, and no label. It
trains a network, clusters several of its layers many times, and combines the clusterings. This example trains for a
quarter of the default length.
"""

# %%
# Fit
# ---
# Images are an array ``(n, height, width)``. ``max_epochs`` and ``n_estimators`` are lowered
# here to keep the example short.
import matplotlib.pyplot as plt
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import DeepClusterEnsemble
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.plotting import cluster_montage

digits = load_digits()
model = DeepClusterEnsemble(n_clusters=10, max_epochs=15, n_estimators=20, random_state=0)
labels = model.fit_predict(digits.images)

# %%
# Compare with k-means on the pixels
# ----------------------------------
# The true digits serve for nothing but these scores.
pixels = KMeans(10, n_init=10, random_state=0).fit_predict(digits.data)
for name, found in [("k-means on pixels", pixels), ("DeepClusterEnsemble", labels)]:
    accuracy = clustering_accuracy(digits.target, found)
    nmi = normalized_mutual_info_score(digits.target, found)
    print(f"{name:<22}accuracy {accuracy:.3f}   NMI {nmi:.3f}")

# %%
# Look at the clusters
# --------------------
# A row is a cluster, the largest first. On the left are the members that the ensemble is most certain of, after the gap
# those that it is least certain of.
certainty = model.probabilities_  # the largest entry of predict_proba for each image
picture = cluster_montage(digits.images, labels, certainty, n_certain=16, n_uncertain=6)
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.imshow(picture, cmap="gray", interpolation="nearest")
ax.set_axis_off()

# %%
# How the training went
# ---------------------
# ``history_`` has a record for every epoch.
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot([record["loss"] for record in model.history_])
ax.set(xlabel="epoch", ylabel="loss")
plt.show()
