# SPDX-License-Identifier: BSD-3-Clause
"""The classes that saved models may hold: by name, with the module where each lives in this version.

A name in a file is looked up here and nowhere else, so that no file can have anything imported; and a class may move to
another module without an end to the files that hold it.
"""

from importlib import import_module

CLASSES = {
    # Public estimators
    "AnchorContrastiveClustering": ".deep._anchor_contrastive",
    "BaseClusterings": ".cluster._base_clusterings",
    "ContrastiveClustering": ".deep._contrastive_clustering",
    "ContrastiveEncoder": ".encoders._contrastive",
    "DEPICT": ".deep._depict",
    "DeepClusterEnsemble": ".deep._deep_cluster_ensemble",
    "EntropyWeightedConsensus": ".consensus._entropy_weighted",
    "FrozenEncoder": ".encoders._frozen",
    "IcicleGCN": ".deep._icicle_gcn",
    "PathIntegralClustering": ".cluster._path_integral",
    "TransferCut": ".consensus._transfer_cut",
    "USENC": ".cluster._usenc",
    "USPEC": ".cluster._uspec",
    # What they hold when they are fitted
    "AverageRule": ".consensus._code_rules",
    "CentreRule": ".consensus._discretise",
    "Edges": ".nn.graph_inference",
    "GraphMemory": ".nn.graph_inference",
    "InnerLayers": ".nn.inner_layers",
    "LabelCoder": ".consensus._labels",
    "LargestScore": ".cluster._largest_score",
    "NeighbourLists": ".cluster._nearest",
    "NeighbourVote": ".cluster._neighbour_vote",
    "NodeFeatures": ".deep._graph_features",
    "ProductSearch": ".cluster._nearest",
    "RepresentativeGraph": ".cluster._representative_graph",
    "RowSearch": ".cluster._row_neighbours",
    "RowwiseKMeans": ".cluster._rowwise_kmeans",
    "RunningEnsemble": ".consensus._running",
    "SampleReader": ".nn.samples",
    "TransferCutRule": ".consensus._code_rules",
    # Estimators of scikit-learn that serve as base clusterer or encoder, and whose state is plain data
    "BayesianGaussianMixture": "sklearn.mixture",
    "FrozenEstimator": "sklearn.frozen",
    "FeatureUnion": "sklearn.pipeline",
    "GaussianMixture": "sklearn.mixture",
    "KMeans": "sklearn.cluster",
    "MaxAbsScaler": "sklearn.preprocessing",
    "MiniBatchKMeans": "sklearn.cluster",
    "MinMaxScaler": "sklearn.preprocessing",
    "Normalizer": "sklearn.preprocessing",
    "PCA": "sklearn.decomposition",
    "Pipeline": "sklearn.pipeline",
    "RobustScaler": "sklearn.preprocessing",
    "StandardScaler": "sklearn.preprocessing",
    "TruncatedSVD": "sklearn.decomposition",
}


def class_named(name: str) -> type | None:
    """The class that a saved model calls `name`; None if there is none of this name."""
    module = CLASSES.get(name)
    return None if module is None else getattr(import_module(module, __package__.partition(".")[0]), name)


def is_known(cls: type) -> bool:
    """Whether objects of exactly this class can be saved."""
    return class_named(cls.__name__) is cls
