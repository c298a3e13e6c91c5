# SPDX-License-Identifier: BSD-3-Clause
"""
Shapes that k-means cannot find
===============================

Clusters that are bent, nested or of very different sizes have no centre. :class:`~skdeepclust.USENC` joins every row to
its nearest representatives, cuts that graph many times, and combines the results, in a time that grows linearly with
the rows. The five sets are those of its paper, at 3,000 rows here; :func:`~skdeepclust.datasets.make_planar` draws them
in any size, up to the twenty million of the paper and beyond.
"""

import matplotlib.pyplot as plt
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from skdeepclust import USENC
from skdeepclust.datasets import PLANAR_SETS, make_planar

fig, axes = plt.subplots(2, len(PLANAR_SETS), figsize=(11, 4.8), layout="constrained")
for (name, k), column in zip(PLANAR_SETS.items(), axes.T, strict=True):
    X, y = make_planar(name, 3_000, random_state=0)
    found = {
        "k-means": KMeans(k, n_init=10, random_state=0).fit_predict(X),
        "U-SENC": USENC(k, n_estimators=10, n_representatives=300, random_state=0).fit_predict(X),
    }
    for ax, (method, labels) in zip(column, found.items(), strict=True):
        ax.scatter(*X.T, c=labels, s=1, cmap="tab20", rasterized=True)
        ax.set_title(f"{name}: {method}, NMI {normalized_mutual_info_score(y, labels):.2f}", fontsize=9)
        ax.set(xticks=[], yticks=[], aspect="equal")
plt.show()
