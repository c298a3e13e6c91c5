# SPDX-License-Identifier: BSD-3-Clause
"""Estimators of the quality benchmark: name -> function (n_clusters, seed) that returns (estimator, prepare).

``prepare`` turns the rows of the data set into what the estimator is given. To add an estimator, write such a
function and put it under ``ESTIMATORS``. Imports stand inside, so that a run loads only what it measures.
"""

import numpy as np


def as_table(X):
    """One flat row per sample; uint8 pixels in [0, 1], other values as they are."""
    table = X.reshape(len(X), -1)
    return table.astype(np.float32) / 255 if X.dtype == np.uint8 else table


def as_given(X):
    """Images stay images."""
    return X


def kmeans(n_clusters, seed):
    from sklearn.cluster import KMeans

    return KMeans(n_clusters, n_init=10, random_state=seed), as_table


def uspec(n_clusters, seed):
    from skdeepclust import USPEC

    return USPEC(n_clusters, random_state=seed), as_table


def usenc(n_clusters, seed):
    from skdeepclust import USENC

    return USENC(n_clusters, random_state=seed), as_table


def acpic(n_clusters, seed):
    """Agglomerative clustering by path integrals; nothing is random."""
    from skdeepclust import PathIntegralClustering

    return PathIntegralClustering(n_clusters), as_table


def acpic_near(n_clusters, seed):
    """The same with the five nearest neighbours, for clusters of a few dozen members."""
    from skdeepclust import PathIntegralClustering

    return PathIntegralClustering(n_clusters, n_neighbors=5), as_table


def acpic_published(n_clusters, seed):
    """The same without a least size of clusters."""
    from skdeepclust import PathIntegralClustering

    return PathIntegralClustering(n_clusters, min_cluster_size=1), as_table


def head(n_clusters, seed):
    """The cluster head of the contrastive network alone."""
    from skdeepclust import ContrastiveClustering

    return ContrastiveClustering(n_clusters, random_state=seed), as_given


def anchor(n_clusters, seed):
    """Centres among the embeddings, trained with the network; its own labels."""
    from skdeepclust import AnchorContrastiveClustering

    return AnchorContrastiveClustering(n_clusters, random_state=seed), as_given


def anchor_from_consensus(n_clusters, seed):
    """The same with first centres of an ensemble over the embeddings."""
    from skdeepclust import AnchorContrastiveClustering

    return AnchorContrastiveClustering(n_clusters, initializer="consensus", random_state=seed), as_given


def anchor_kmeans(n_clusters, seed):
    """The network of `anchor`, read by k-means."""
    from skdeepclust import AnchorContrastiveClustering

    return AnchorContrastiveClustering(n_clusters, labels_from="kmeans", random_state=seed), as_given


def deepclue(n_clusters, seed):
    """The whole method: several layers vote."""
    from skdeepclust import DeepClusterEnsemble

    return DeepClusterEnsemble(n_clusters, random_state=seed), as_given


def deepclue_unchanged(n_clusters, seed):
    """The whole method without changes to the images: the second view is a neighbour as it is."""
    from skdeepclust import DeepClusterEnsemble

    return DeepClusterEnsemble(n_clusters, augmentation="none", random_state=seed), as_given


def deepclue_table(n_clusters, seed):
    """The whole method on images that were flattened, and are taken for a table."""
    from skdeepclust import DeepClusterEnsemble

    return DeepClusterEnsemble(n_clusters, augmentation="table", random_state=seed), as_table


def icicle(n_clusters, seed):
    """Graph convolutions over neighbour graphs of the features of a contrastive network."""
    from skdeepclust import IcicleGCN

    return IcicleGCN(n_clusters, random_state=seed), as_given


def depict(n_clusters, seed):
    """An autoencoder and a softmax head, trained together."""
    from skdeepclust import DEPICT

    return DEPICT(n_clusters, random_state=seed), as_given


def depict_dropout(n_clusters, seed):
    """The same with dropout as the only noise."""
    from skdeepclust import DEPICT

    return DEPICT(n_clusters, augmentation="none", random_state=seed), as_given


def depict_one_round(n_clusters, seed):
    """The same with clusters found once."""
    from skdeepclust import DEPICT

    return DEPICT(n_clusters, n_rounds=1, random_state=seed), as_given


def depict_plain(n_clusters, seed):
    """The same with clusters found once, and dropout as the only noise, as published."""
    from skdeepclust import DEPICT

    return DEPICT(n_clusters, n_rounds=1, augmentation="none", random_state=seed), as_given


def depict_ensemble(n_clusters, seed):
    """The ensemble over the layers of the same network."""
    from skdeepclust import DEPICT, DeepClusterEnsemble

    return DeepClusterEnsemble(n_clusters, encoder=DEPICT(n_clusters), random_state=seed), as_given


def ae_kmeans(n_clusters, seed):
    """The autoencoder of DEPICT alone, with dropout as the only noise, and k-means of its embedding."""
    from skdeepclust import DEPICT

    parameters = {"pretraining": 1.0, "initializer": "kmeans", "augmentation": "none"}
    return DEPICT(n_clusters, **parameters, random_state=seed), as_given


def ncuts(n_clusters, seed):
    """Normalised cuts: spectral clustering of the graph of ten nearest neighbours."""
    from sklearn.cluster import SpectralClustering

    return SpectralClustering(n_clusters, affinity="nearest_neighbors", random_state=seed), as_table


ESTIMATORS = {
    "acpic": acpic,
    "acpic_near": acpic_near,
    "acpic_published": acpic_published,
    "ae_kmeans": ae_kmeans,
    "anchor": anchor,
    "anchor_from_consensus": anchor_from_consensus,
    "anchor_kmeans": anchor_kmeans,
    "deepclue": deepclue,
    "deepclue_table": deepclue_table,
    "deepclue_unchanged": deepclue_unchanged,
    "depict": depict,
    "depict_dropout": depict_dropout,
    "depict_ensemble": depict_ensemble,
    "depict_one_round": depict_one_round,
    "depict_plain": depict_plain,
    "head": head,
    "icicle": icicle,
    "kmeans": kmeans,
    "ncuts": ncuts,
    "usenc": usenc,
    "uspec": uspec,
}
