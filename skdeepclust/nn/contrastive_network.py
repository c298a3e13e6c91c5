# SPDX-License-Identifier: BSD-3-Clause
"""A backbone with an instance head and a cluster head, and the layers that can be read from it."""

from torch import Tensor, nn

LAYERS = ("backbone", "instance_hidden", "instance", "cluster_hidden", "cluster")


class ContrastiveNetwork(nn.Module):
    """The network of Contrastive Clustering (Li et al., AAAI 2021, fig. 2): one backbone, two heads.

    Each head is Linear, ReLU, Linear, without batch norm; the hidden width is that of the backbone's output h::

        instance_hidden = relu(W1 h),    instance = W2 instance_hidden          in R^projection_dim
        cluster_hidden  = relu(W3 h),    cluster  = W4 cluster_hidden           K logits; softmax outside

    Parameters
    ----------
    backbone : nn.Module
        Maps samples to (n, n_features).
    n_features : int
        Width of the backbone's output.
    n_clusters : int
        Outputs K of the cluster head.
    projection_dim : int, default=128
        Outputs of the instance head.
    """

    def __init__(self, backbone: nn.Module, n_features: int, n_clusters: int, projection_dim: int = 128):
        super().__init__()
        self.backbone = backbone
        self.instance_hidden = nn.Sequential(nn.Linear(n_features, n_features), nn.ReLU())
        self.instance = nn.Linear(n_features, projection_dim)
        self.cluster_hidden = nn.Sequential(nn.Linear(n_features, n_features), nn.ReLU())
        self.cluster = nn.Linear(n_features, n_clusters)
        self.layer_sizes = dict(
            zip(LAYERS, (n_features, n_features, projection_dim, n_features, n_clusters), strict=True)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the instance projections (n, projection_dim) and cluster logits (n, K): what the losses need."""
        h = self.backbone(x)
        return self.instance(self.instance_hidden(h)), self.cluster(self.cluster_hidden(h))

    def layers(self, x: Tensor, names: tuple[str, ...]) -> list[Tensor]:
        """Return the named layers of `x`, in the order asked for."""
        h = self.backbone(x)
        out = {"backbone": h}
        if {"instance_hidden", "instance"} & set(names):
            out["instance_hidden"] = self.instance_hidden(h)
            out["instance"] = self.instance(out["instance_hidden"])
        if {"cluster_hidden", "cluster"} & set(names):
            out["cluster_hidden"] = self.cluster_hidden(h)
            out["cluster"] = self.cluster(out["cluster_hidden"])
        return [out[name] for name in names]
