# SPDX-License-Identifier: BSD-3-Clause
"""
Clusters of classes that a network has never seen
=================================================

What a network has learned of some classes is of use for others. Here one is trained on the digits 0 to 4, **with their
labels**. :class:`~skdeepclust.FrozenEncoder` then reads its layers for images of 5 to 9, which it has never seen, and
:class:`~skdeepclust.DeepClusterEnsemble` clusters these; it gets none of their labels.
"""

# %%
# A network trained on other classes
# ----------------------------------
# Any ``torch.nn.Module`` will do; the names of its parts are the names of its layers. This one has to tell which of the
# five digits it sees and by how many quarters it is turned: 20 classes.
from collections import OrderedDict

import matplotlib.pyplot as plt
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from torch import nn

from skdeepclust import USENC, DeepClusterEnsemble, FrozenEncoder
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.plotting import ClusterMontageDisplay


def block(n_inputs, n_outputs):
    return nn.Sequential(nn.Conv2d(n_inputs, n_outputs, 3, padding=1), nn.BatchNorm2d(n_outputs), nn.ReLU())


torch.manual_seed(0)
network = nn.Sequential(
    OrderedDict(
        block1=block(1, 32),
        block2=block(32, 32),
        pool1=nn.MaxPool2d(2),
        block3=block(32, 64),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        dense=nn.Linear(256, 64),
        relu=nn.ReLU(),
        scores=nn.Linear(64, 20),
    )
)
digits = load_digits()
images, known = digits.images / 16, digits.target < 5
upright = torch.tensor(images[known], dtype=torch.float32)[:, None]
X = torch.cat([torch.rot90(upright, turns, (2, 3)) for turns in range(4)])
y = torch.cat([torch.tensor(digits.target[known]) + 5 * turns for turns in range(4)])
optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
for _ in range(4):
    for rows in torch.randperm(len(X)).split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(X[rows]), y[rows]).backward()
        optimizer.step()

# %%
# What its layers know of the other digits
# ----------------------------------------
# From here on the network is only read. ``pooling="flatten"`` keeps where in the image something is; the default, the
# mean over positions, is for larger images. k-means gets one layer at a time. The true digits serve for the scores
# alone.
new, target = images[~known], digits.target[~known]
accuracy = {}
for layer in ("pool1", "pool2", "relu", "scores"):
    features = FrozenEncoder(network, (layer,), pooling="flatten").fit_transform(new)
    labels = KMeans(5, n_init=10, random_state=0).fit_predict(features)
    accuracy[f"k-means, {layer}"] = clustering_accuracy(target, labels)

# %%
# The consensus over two layers
# -----------------------------
# The ensemble clusters each of the two layers ten times, and weighs the clusters by how well they stand up to the other
# clusterings. For comparison, what can be had from the pixels, without any network.
encoder = FrozenEncoder(network, ("pool1", "pool2"), pooling="flatten")
model = DeepClusterEnsemble(n_clusters=5, encoder=encoder, n_estimators=20, random_state=0).fit(new)
accuracy["ensemble, pool1 + pool2"] = clustering_accuracy(target, model.labels_)
pixels = new.reshape(len(new), -1)
for name, estimator in (("k-means", KMeans(5, n_init=10, random_state=0)), ("U-SENC", USENC(5, random_state=0))):
    accuracy[f"{name}, pixels"] = clustering_accuracy(target, estimator.fit_predict(pixels))

colors = ["tab:gray" if "pixels" in name else "tab:blue" if "k-means" in name else "tab:orange" for name in accuracy]
fig, ax = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
bars = ax.barh(list(accuracy), list(accuracy.values()), color=colors)
ax.bar_label(bars, fmt="%.2f", padding=3)
ax.invert_yaxis()
ax.set(xlabel="accuracy on the digits 5 to 9", xlim=(0, 1.08))

# %%
# The layers nearest to the scores keep what tells 0 to 4 apart and little else, so that k-means on the last layer, the
# common way, falls below k-means on the pixels. The layers in the middle serve the new digits better, and the ensemble
# of two of them is better than k-means on either.
#
# This illustrates, and measures nothing: it is one network, and the two layers were chosen with these scores in view.
# U-SENC on the pixels is as good, for digits of 8 x 8 pixels need no network. One is needed where pixels say little, as
# in photographs; figures for those, and what to choose without labels, are in :doc:`/pretrained`.
#
# The clusters
# ------------
# A row is a cluster, its most certain members on the left, the least certain ones after the gap.
_, ax = plt.subplots(figsize=(7.5, 1.8), layout="constrained")
ClusterMontageDisplay.from_estimator(model, new, n_certain=16, n_uncertain=6, ax=ax)
plt.show()
