# SPDX-License-Identifier: BSD-3-Clause
"""
Three deep methods on the same images
=====================================

All clusterers of the package are called in the same way, so that trying another one is a matter of a word. Here are
:class:`~skdeepclust.DeepClusterEnsemble`, :class:`~skdeepclust.AnchorContrastiveClustering` and
:class:`~skdeepclust.DEPICT` on 300 images of the digits 0 to 5, each with what it is least certain of.

**The trainings are far too short to compare the methods**, and one small set with one seed would not do so either.
The :doc:`table of the benchmark </benchmarks>` has five sets, full trainings and three seeds.
"""

# %%
# Three fits
# ----------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skdeepclust import DEPICT, AnchorContrastiveClustering, DeepClusterEnsemble
from skdeepclust.metrics import clustering_accuracy

digits = load_digits(n_class=6)
images, target = digits.images[:300], digits.target[:300]
models = {
    "DeepClusterEnsemble": DeepClusterEnsemble(n_clusters=6, max_epochs=12, n_estimators=20, random_state=0),
    "AnchorContrastiveClustering": AnchorContrastiveClustering(n_clusters=6, max_epochs=8, random_state=0),
    "DEPICT": DEPICT(n_clusters=6, max_epochs=12, random_state=0),
}
labels = {name: model.fit_predict(images) for name, model in models.items()}

# %%
# Do they agree?
# --------------
# Clusters are numbered by size, so that numbers of two methods mean different things; accuracy compares two clusterings
# after the best renumbering. The last row compares with the true digits, which no method has seen.
names = [*labels, "true digits"]
columns = np.column_stack([*labels.values(), target])
agreement = np.array([[clustering_accuracy(a, b) for b in columns.T] for a in columns.T])
fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
picture = ax.imshow(agreement, cmap="cividis", vmin=0, vmax=1)
for i, j in np.ndindex(agreement.shape):
    ink = "black" if agreement[i, j] > 0.5 else "white"
    ax.text(j, i, f"{agreement[i, j]:.2f}", ha="center", va="center", color=ink)
short = ["ensemble", "anchor", "DEPICT", "true digits"]
ax.set(xticks=range(4), xticklabels=short, yticks=range(4), yticklabels=names)
fig.colorbar(picture, label="accuracy")

# %%
# How certain are they?
# ---------------------
# Largest entry of ``predict_proba`` of each image, in ascending order. What it is made of differs: votes of base
# clusterings, distances from centres, a softmax. It ranks the images of one method; a level of one is not the same
# level of another.
certainty = {name: model.predict_proba(images).max(axis=1) for name, model in models.items()}
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for name, values in certainty.items():
    ax.plot(np.linspace(0, 1, len(values)), np.sort(values), label=name)
ax.set(xlabel="share of the images", ylabel="certainty", ylim=(0, 1.03))
ax.legend()

# %%
# What each is least certain of
# -----------------------------
# Above each image the digit that is most frequent in its cluster, and the certainty; red where that is not the digit of
# the image. A certainty is of use if the red ones come early. Images that stand in several rows are hard for all.
fig = plt.figure(figsize=(8, 3.6), layout="constrained")
for part, name in zip(fig.subfigures(3, 1), models, strict=True):
    part.suptitle(name, fontsize=10, x=0.01, ha="left")
    digit = np.array([np.bincount(target[labels[name] == c]).argmax() for c in range(6)])[labels[name]]
    least = np.argsort(certainty[name])[:12]
    for ax, i in zip(part.subplots(1, 12), least, strict=True):
        ax.imshow(images[i], cmap="gray_r")
        color = "black" if digit[i] == target[i] else "tab:red"
        ax.set_title(f"{digit[i]}? {certainty[name][i]:.2f}", fontsize=8, color=color)
        ax.set_axis_off()
plt.show()
