# SPDX-License-Identifier: BSD-3-Clause
"""A backbone with an instance head and centres of clusters among its outputs, and the layers read from it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .anchor_losses import log_student_t

LAYERS = ("backbone", "instance_hidden", "instance", "cluster")
KMEANS = "kmeans"  # one more layer: the second reading of a trained network


class Centers(nn.Module):
    """Soft assignment of embeddings to K centres on and inside the unit sphere::

        c_ik = (1 + ||h_i / |h_i| - mu_k||^2 / s)^(-p) / (row sum)

    The centres mu are parameters; s and p are set once, by :meth:`place`. Computed in float32 at least, whatever
    the precision around it.

    Parameters
    ----------
    n_clusters : int
    n_features : int
    """

    scale: Tensor
    power: Tensor

    def __init__(self, n_clusters: int, n_features: int):
        super().__init__()
        self.centers = nn.Parameter(F.normalize(torch.randn(n_clusters, n_features), dim=1))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("power", torch.ones(()))

    def forward(self, h: Tensor) -> Tensor:
        """Return log c of shape (n, K) for the embeddings `h` (n, d) of any length."""
        with torch.autocast(h.device.type, enabled=False):
            h = h if h.dtype == self.centers.dtype else h.to(self.centers.dtype)
            return log_student_t(F.normalize(h, dim=1), self.centers, self.scale, self.power)

    def place(self, centers: Tensor, scale: float, power: float) -> None:
        """Set the centres (K, d), s and p."""
        with torch.no_grad():
            self.centers.copy_(centers)
            self.scale.fill_(scale)
            self.power.fill_(power)


class AnchorNetwork(nn.Module):
    """The network of anchor-loss contrastive clustering (arXiv 2109.12714).

    With h the backbone's output::

        instance_hidden = relu(W1 h),    instance = W2 instance_hidden          in R^projection_dim
        cluster = log c                                                         K log-assignments, see Centers

    and once more assignments to centres that are not trained, "kmeans", which a caller may place where k-means finds
    them in the end.

    Parameters
    ----------
    backbone : nn.Module
        Maps samples to (n, n_features).
    n_features : int
        Width of the backbone's output.
    n_clusters : int
        Number K of centres.
    projection_dim : int, default=128
        Outputs of the instance head.
    """

    def __init__(self, backbone: nn.Module, n_features: int, n_clusters: int, projection_dim: int = 128):
        super().__init__()
        self.backbone = backbone
        self.instance_hidden = nn.Sequential(nn.Linear(n_features, n_features), nn.ReLU())
        self.instance = nn.Linear(n_features, projection_dim)
        self.cluster = Centers(n_clusters, n_features)
        self.kmeans = Centers(n_clusters, n_features).requires_grad_(False)
        widths = (n_features, n_features, projection_dim, n_clusters, n_clusters)
        self.layer_sizes = dict(zip((*LAYERS, KMEANS), widths, strict=True))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the instance projections (n, projection_dim) and log-assignments (n, K): what the losses need."""
        h = self.backbone(x)
        return self.instance(self.instance_hidden(h)), self.cluster(h)

    def layers(self, x: Tensor, names: tuple[str, ...]) -> list[Tensor]:
        """Return the named layers of `x`, in the order asked for."""
        h = self.backbone(x)
        out = {"backbone": h}
        if {"instance_hidden", "instance"} & set(names):
            out["instance_hidden"] = self.instance_hidden(h)
            out["instance"] = self.instance(out["instance_hidden"])
        for name, head in (("cluster", self.cluster), (KMEANS, self.kmeans)):
            if name in names:
                out[name] = head(h)
        return [out[name] for name in names]
