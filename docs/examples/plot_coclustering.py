# SPDX-License-Identifier: BSD-3-Clause
"""
Co-clustering of texts and words
================================

:class:`~skdeepclust.TransferCut` cuts any bipartite graph: objects on one side, columns on the other, an affinity
between them. With texts and words, both sides are clustered in one cut.
"""

# %%
# Texts and words
# ---------------
# The descriptions of the data sets that come with scikit-learn, paragraph by paragraph. Which description a paragraph
# comes from is not told.
import matplotlib.pyplot as plt
import numpy as np
from sklearn import datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score

from skdeepclust import TransferCut

sources = {"breast cancer": "breast_cancer", "diabetes": "diabetes", "digits": "digits", "iris": "iris", "wine": "wine"}
texts, origin = [], []
for number, name in enumerate(sources.values()):
    paragraphs = getattr(datasets, f"load_{name}")().DESCR.split("\n\n")
    texts += [p for p in paragraphs if len(p) > 80]
    origin += [number] * (len(texts) - len(origin))
origin = np.array(origin)
vectorizer = TfidfVectorizer(stop_words="english", token_pattern=r"[a-z]{3,}", min_df=2)
affinity = vectorizer.fit_transform(texts)  # sparse, non-negative: a bipartite graph
print(affinity.shape, "stored entries:", affinity.nnz)

# %%
# One cut, two sides
# ------------------
# The rows are labelled by ``fit``. A word is what a text of this one word alone is: the unit matrix labels all of them.
model = TransferCut(n_clusters=len(sources), n_init=10, random_state=0).fit(affinity)
word_labels = model.predict(np.eye(affinity.shape[1]))
words = vectorizer.get_feature_names_out()
weight = np.asarray(affinity.sum(axis=0)).ravel()
print(f"adjusted Rand index with the descriptions: {adjusted_rand_score(origin, model.labels_):.2f}")
for label in range(model.n_clusters_):
    members = np.flatnonzero(word_labels == label)
    heaviest = members[np.argsort(-weight[members])][:8]
    print(f"{(model.labels_ == label).sum():>4} texts: {', '.join(words[heaviest])}")

# %%
# The matrix, sorted
# ------------------
# Sorted by label on both sides, the entries gather in blocks.
rows, columns = np.argsort(model.labels_, kind="stable"), np.argsort(word_labels, kind="stable")
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for ax, (title, matrix) in zip(axes, {"as given": affinity, "sorted": affinity[rows][:, columns]}.items(), strict=True):
    ax.spy(matrix, markersize=1.5, aspect="auto")
    ax.set(title=title, xlabel="words", ylabel="paragraphs", xticks=[], yticks=[])
plt.show()
