# SPDX-License-Identifier: BSD-3-Clause
"""
Combine clusterings of your own
===============================

Clusterings can come from anywhere: other algorithms, other subsets of the features, other people.
:class:`~skdeepclust.EntropyWeightedConsensus` takes nothing but their label matrix, a row per object and a column per
clustering, with -1 where a clustering says nothing.
"""

# %%
# A label matrix
# --------------
# The chemical analysis of 178 wines from three growers. Each of ten clusterings sees five of the thirteen measurements,
# drawn at random; in a third of the columns some wines are missing.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import load_wine
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from skdeepclust import EntropyWeightedConsensus

X, grower = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
rng = np.random.default_rng(0)
columns = []
for member in range(12):
    some = X[:, rng.choice(X.shape[1], 5, replace=False)]
    k = int(rng.integers(3, 8))
    kinds = [
        KMeans(k, n_init=1, random_state=member),
        AgglomerativeClustering(k),
        GaussianMixture(k, random_state=member),
    ]
    found = kinds[member % 3].fit_predict(some)
    if member % 3 == 0:
        found[rng.random(len(X)) < 0.1] = -1
    columns.append(found)
base_labels = np.column_stack(columns)
print(base_labels.shape, "missing:", int((base_labels == -1).sum()))

# %%
# Their consensus
# ---------------
consensus = EntropyWeightedConsensus(n_clusters=3, random_state=0).fit(base_labels)
single = [adjusted_rand_score(grower[column >= 0], column[column >= 0]) for column in base_labels.T]
print("adjusted Rand index of the clusterings:", np.round(np.sort(single), 2))
print("adjusted Rand index of the consensus:  ", round(adjusted_rand_score(grower, consensus.labels_), 2))

# %%
# Whom it trusts
# --------------
# Every base cluster has a weight, larger where the other clusterings do not scatter its members. A bar is one cluster,
# the colours are the clusterings.
sizes = [len(np.unique(column[column >= 0])) for column in base_labels.T]
member = np.repeat(np.arange(len(sizes)), sizes)
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.bar(np.arange(len(member)), consensus.cluster_weights_, color=plt.cm.tab20(member % 20), width=1.0)
ax.set(xlabel="base cluster", ylabel="weight")

# %%
# How certain it is
# -----------------
# ``predict_proba`` is a vote of the base clusters of a row; rows with missing labels have fewer votes. A wine that no
# clustering had seen is labelled from its row of the matrix alone.
certainty = consensus.predict_proba(base_labels).max(axis=1)
wrong = consensus.labels_ != np.array([np.bincount(consensus.labels_[grower == g]).argmax() for g in range(3)])[grower]
print(
    f"mean certainty where the grower is met: {certainty[~wrong].mean():.2f}, elsewhere: {certainty[wrong].mean():.2f}"
)
print("label of a new row:", consensus.predict(base_labels[:1]))
plt.show()
