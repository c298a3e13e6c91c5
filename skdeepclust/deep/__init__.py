# SPDX-License-Identifier: BSD-3-Clause
"""Deep clusterers: networks trained without labels, and clusters from their layers."""

from ._anchor_contrastive import AnchorContrastiveClustering
from ._contrastive_clustering import ContrastiveClustering
from ._deep_cluster_ensemble import DeepClusterEnsemble
from ._depict import DEPICT
from ._icicle_gcn import IcicleGCN

__all__ = ["DEPICT", "AnchorContrastiveClustering", "ContrastiveClustering", "DeepClusterEnsemble", "IcicleGCN"]
