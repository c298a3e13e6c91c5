# SPDX-License-Identifier: BSD-3-Clause
"""From base clusterings to one: cluster entropies, weighted graphs, transfer cut. Needs no torch."""

from ._eigengap import eigengap_n_clusters
from ._entropy import cluster_entropy, ensemble_cluster_index
from ._entropy_weighted import EntropyWeightedConsensus
from ._stability import stability_curve
from ._transfer_cut import TransferCut, transfer_cut

__all__ = [
    "EntropyWeightedConsensus",
    "TransferCut",
    "cluster_entropy",
    "eigengap_n_clusters",
    "ensemble_cluster_index",
    "stability_curve",
    "transfer_cut",
]
