# SPDX-License-Identifier: BSD-3-Clause
"""
A pipeline and a grid search that train the network once
========================================================

What is costly is the network, what one wants to try is behind it. With ``memory=`` the trained encoder and its features
are cached: a search over everything behind it trains once per split.
"""

# %%
# A grid search without labels
# ----------------------------
# ``score`` of the ensemble is the agreement of the consensus with its base clusterings; it needs no ``y``. The labels
# of a held-out part come from ``predict``. Two splits and four settings make eight fits, but two trainings.
import tempfile
from time import perf_counter

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skdeepclust import BaseClusterings, ContrastiveEncoder, DeepClusterEnsemble, EntropyWeightedConsensus
from skdeepclust.metrics import clustering_accuracy

digits = load_digits()
images, y = digits.images[:600], digits.target[:600]

with tempfile.TemporaryDirectory() as cache:
    search = GridSearchCV(
        DeepClusterEnsemble(n_clusters=10, max_epochs=10, memory=cache, random_state=0),
        {"n_estimators": [10, 20], "theta": [0.4, None]},
        cv=2,
    )
    started = perf_counter()
    search.fit(images)
    print(f"eight fits and one more on all rows: {perf_counter() - started:.1f} s")
print(search.best_params_)

# %%
# All settings. Scores that differ in the third decimal say nothing; the accuracy of the best setting is
# shown for comparison and took no part in the choice.
settings = [f"{p['n_estimators']} clusterings, theta {p['theta']}" for p in search.cv_results_["params"]]
scores = search.cv_results_["mean_test_score"]
fig, ax = plt.subplots(figsize=(6, 2), layout="constrained")
ax.plot(scores, settings, "o")
ax.set(xlabel="agreement on the held-out part, mean of two splits", xlim=(0, 1))
ax.grid(axis="y")
print(f"accuracy of the chosen one: {clustering_accuracy(y, search.best_estimator_.labels_):.3f}")

# %%
# The steps by themselves
# -----------------------
# The ensemble is a pipeline of three parts that also work alone. Names of parameters with two underscores reach into
# them, as in any pipeline.
layers = ("backbone", "instance", "cluster_hidden")
pipeline = Pipeline(
    [
        ("encode", ContrastiveEncoder(10, layers=layers, max_epochs=10, random_state=0)),
        ("base", BaseClusterings(20, group_sizes=(256, 128, 256), random_state=0)),
        ("cut", EntropyWeightedConsensus(10, theta=0.6, random_state=0)),
    ]
)
labels = pipeline.fit_predict(images)
print(f"{clustering_accuracy(y, labels):.3f}")
print(pipeline.set_params(cut__theta=None))
plt.show()
