# SPDX-License-Identifier: BSD-3-Clause
"""Clusters that the graph network of IcicleGCN starts from: what the graph says, or what graph and encoder agree on."""

import logging

from sklearn.metrics import normalized_mutual_info_score

from ..cluster._graph_cut import normalised_cut, spectral_labels
from ..cluster._label_spreading import spread_labels
from ..consensus._labels import number_by_size
from ._layer_consensus import HEAD_AGREEMENT

logger = logging.getLogger("skdeepclust")


def find_start(model, first, seed):
    """Set `spectral_labels_`, `spread_labels_` and `cuts_` of `model`; return which labels to start from.

    The encoder's cluster head has seen all clusters in every step of its training, and tells apart what a cut through
    the fewest edges joins; but single rows it labels without looking at their neighbours. Spread over the graph, its
    labels have both. A head may also have split one cluster and merged two others. So it is believed only where it says
    nearly the same as spectral clustering, by a normalized mutual information of 0.95, the bound of
    :func:`~skdeepclust.deep._layer_consensus.fit_layer_consensus`; or where it even cuts the graph no worse, which
    spectral clustering looked for and missed. A head that has lost a cluster is never believed.

    Parameters
    ----------
    model : IcicleGCN
        With `graphs_` and `encoder_labels_`.
    first : ndarray of shape (n,)
        For each row the first one that equals it, whose label it gets.
    seed : int
        Of k-means.

    Returns
    -------
    {"spectral", "spread"}
    """
    k, coarse = model.n_clusters, model.graphs_[1]
    model.spectral_labels_ = number_by_size(spectral_labels(coarse, k, seed)[first], k)
    model.spread_labels_ = None
    model.cuts_ = {"spectral": normalised_cut(coarse, model.spectral_labels_, k)}
    if model.encoder_labels_ is None:
        return "spectral"
    model.spread_labels_ = number_by_size(spread_labels(coarse, model.encoder_labels_, k)[first], k)
    agreement = normalized_mutual_info_score(model.spectral_labels_, model.spread_labels_)
    logger.info("cluster head and graph agree by %.3f (NMI), the head is believed from %.2f", agreement, HEAD_AGREEMENT)
    for name in ("encoder", "spread"):
        model.cuts_[name] = normalised_cut(coarse, getattr(model, f"{name}_labels_"), k)
    is_confirmed = agreement >= HEAD_AGREEMENT or model.cuts_["spread"] <= model.cuts_["spectral"]
    has_all = model.spread_labels_.max() == k - 1
    return "spread" if is_confirmed and has_all and model.start == "auto" else "spectral"
