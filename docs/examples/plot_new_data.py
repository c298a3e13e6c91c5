# SPDX-License-Identifier: BSD-3-Clause
"""
Labels and certainty for new data
=================================

A fitted clusterer labels rows that it has not seen. A row's label does not depend on the rows that it comes with, and
:meth:`~skdeepclust.USENC.predict_proba` says how certain it is.
"""

# %%
# Fit on one part, predict the other
# ----------------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdeepclust import USENC
from skdeepclust.metrics import clustering_accuracy

X, y = load_digits(return_X_y=True)
X_seen, X_new, y_seen, y_new = train_test_split(X, y, test_size=0.4, random_state=0)
model = USENC(n_clusters=10, random_state=0).fit(X_seen)
labels = model.predict(X_new)
print(f"accuracy on the rows of fit {clustering_accuracy(y_seen, model.labels_):.3f}")
print(f"accuracy on new rows        {clustering_accuracy(y_new, labels):.3f}")

# %%
# The same answer for a row whatever else is in the batch, and for the rows of ``fit`` the labels of ``fit``:
alone = np.concatenate([model.predict(row[None]) for row in X_new[:50]])
print(np.array_equal(alone, labels[:50]), np.array_equal(model.predict(X_seen), model.labels_))

# %%
# Certainty
# ---------
# Each base cluster of a row votes for the clusters its members went to. The votes rank rows: the least certain ones are
# worth a look, or a question to an expert. They are no calibrated probabilities.
names = np.array([np.bincount(y_seen[model.labels_ == c]).argmax() for c in range(model.n_clusters_)])
right = names[labels] == y_new
certainty = model.predict_proba(X_new).max(axis=1)
order = np.argsort(-certainty)
share = np.arange(1, len(order) + 1) / len(order)
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(share, np.cumsum(right[order]) / np.arange(1, len(order) + 1))
ax.set(xlabel="share of the new rows, the most certain first", ylabel="accuracy among them")

# %%
# The rows it is least certain of
# -------------------------------
# Above each image the digit of its cluster, and the certainty.
fig, axes = plt.subplots(2, 8, figsize=(9, 3), layout="constrained")
for ax, i in zip(axes.flat, order[::-1], strict=False):
    ax.imshow(X_new[i].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{names[labels[i]]}? {certainty[i]:.2f}", fontsize=9)
    ax.set_axis_off()
plt.show()
