# SPDX-License-Identifier: BSD-3-Clause
"""Deep ensemble clustering with scikit-learn manners.

Public names are imported on first use: ``import skdeepclust`` loads neither torch nor numba, and the
consensus half (:class:`TransferCut`, :class:`EntropyWeightedConsensus`, :class:`USPEC`, :class:`USENC`,
:class:`PathIntegralClustering`, :class:`BaseClusterings`) never loads torch.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "AnchorContrastiveClustering": "deep",
    "BaseClusterings": "cluster",
    "ContrastiveClustering": "deep",
    "ContrastiveEncoder": "encoders",
    "DEPICT": "deep",
    "DeepClusterEnsemble": "deep",
    "EntropyWeightedConsensus": "consensus",
    "FrozenEncoder": "encoders",
    "IcicleGCN": "deep",
    "PathIntegralClustering": "cluster",
    "TransferCut": "consensus",
    "USENC": "cluster",
    "USPEC": "cluster",
    "cluster_entropy": "consensus",
    "eigengap_n_clusters": "consensus",
    "ensemble_cluster_index": "consensus",
    "export_onnx": "encoders",
    "load": "_support._saving",
    "stability_curve": "consensus",
    "transfer_cut": "consensus",
    "warm_up": "cluster",
}
_SUBMODULES = (
    "cluster",
    "consensus",
    "datasets",
    "deep",
    "encoders",
    "exceptions",
    "metrics",
    "nn",
    "plotting",
    "report",
)

__all__ = [*sorted(_HOME), "datasets", "metrics"]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    if name in _SUBMODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_HOME, *_SUBMODULES])
