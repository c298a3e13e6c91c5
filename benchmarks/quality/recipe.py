# SPDX-License-Identifier: BSD-3-Clause
"""What the parts of the training recipe are worth: one of them changed at a time.

    python -m benchmarks.quality.recipe --data DIR [--sets mnist_test fashion_test] [--epochs 20] [--limit 5000]

Trains one encoder per variant, data set and seed, makes the consensus of its layers as DeepClusterEnsemble does, and
prints ACC / NMI of the cluster head and of the consensus; means over the seeds. Results are printed as they come.
Variants "colour: ..." are for colour images and left out where images have no three channels.
Equal epochs, not equal seconds: "momentum encoder" and the larger number of neighbours take longer, "anchor centres" a
quarter longer, "three networks", the head being that of the last, three times as long.
"""

import argparse
import copy
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import normalized_mutual_info_score
from sklearn.pipeline import FeatureUnion

from skdeepclust import (
    AnchorContrastiveClustering,
    BaseClusterings,
    ContrastiveEncoder,
    DeepClusterEnsemble,
    EntropyWeightedConsensus,
)
from skdeepclust._support._warnings import SkdeepclustWarning
from skdeepclust.deep._layer_consensus import fit_layer_consensus
from skdeepclust.metrics import clustering_accuracy
from skdeepclust.nn.augment import build_augmentation
from skdeepclust.nn.contrastive_training import ContrastiveTraining
from skdeepclust.nn.device import autocast
from skdeepclust.nn.drawn_augmentation import Chain
from skdeepclust.nn.inference import extract_layers
from skdeepclust.nn.objective import backward_of, loss_terms
from skdeepclust.nn.positives import Positives

from .__main__ import load
from .datasets import DATASETS

LAYERS = ("backbone", "instance", "cluster_hidden", "cluster")


class WeakAndStrong:
    """The first view of every sample as it is, the second augmented: a teacher that sees clearly."""

    def __call__(self, pixels):
        plain, changed = pixels.chunk(2)
        return torch.cat([plain, build_augmentation("auto", tuple(pixels.shape[1:]))(changed)])


class ColorViews:
    """The "color" preset with other crops (shares of the area), or another jitter."""

    def __init__(self, crop=(0.2, 1.0), **jitter):
        self.crop = crop
        self.jitter = jitter

    def __call__(self, pixels):
        affine, jitter, *blur = build_augmentation("color", tuple(pixels.shape[1:])).steps
        return Chain((replace(affine, crop=self.crop), replace(jitter, **self.jitter), *blur))(pixels)


class MomentumTraining(ContrastiveTraining):
    """Each view has to agree with what a moving average of the network makes of the other view."""

    def __init__(self, network, *arguments):
        super().__init__(network, *arguments)
        self.teacher = copy.deepcopy(network).requires_grad_(False).train()

    def _backward(self, views, progress):
        with torch.no_grad(), autocast(views.device, self.recipe.precision):
            taught = [output.float().chunk(2) for output in self.teacher(views)]

        def crossed(z, logits):
            (z_a, z_b), (s_a, s_b) = z.float().chunk(2), logits.float().chunk(2)
            (t_a, t_b), (u_a, u_b) = taught
            pairs = [((z_a, t_b), (s_a, u_b)), ((z_b, t_a), (s_b, u_a))]
            terms = [
                loss_terms(torch.cat(of_z), torch.cat(of_logits), self.recipe.temperature, lambda x: x)
                for of_z, of_logits in pairs
            ]
            return (terms[0] + terms[1]) / 2

        return backward_of(crossed, self.network, views, self.recipe)

    def make_step(self, batch, progress):
        terms = super().make_step(batch, progress)
        with torch.no_grad():
            for slow, fast in zip(self.teacher.parameters(), self.network.parameters(), strict=True):
                slow.lerp_(fast, 0.01)
        return terms


class MomentumEncoder(ContrastiveEncoder):
    """ContrastiveEncoder with a momentum encoder as the teacher."""

    def _build_training(self, *arguments):
        return MomentumTraining(*arguments)


class TaughtTraining(ContrastiveTraining):
    """In the last third partners come from the same cluster of the consensus, among the surest `SURE` of its rows."""

    SURE = 0.7

    def _seek(self):
        found = super()._seek()
        if found is None or self._n_sought < 2:
            return found
        features = extract_layers(self.network, self.reader, self.X, LAYERS)
        sizes = tuple(self.network.layer_sizes[name] for name in LAYERS)
        base = BaseClusterings(20, group_sizes=sizes, score_groups=(3,), random_state=self.seed).fit(features)
        consensus = EntropyWeightedConsensus(sizes[3], random_state=self.seed)
        _, voting = fit_layer_consensus(consensus, base.base_labels_, base.groups_, base.score_groups)
        certainty = consensus.predict_proba(voting).max(axis=1)
        return taught_positives(found, consensus.labels_, certainty, self.SURE, self.seed)


def taught_positives(found, labels, certainty, share, seed):
    """Replace the candidates of the surest `share` of each cluster by random others of them; the rest keep theirs."""
    rng = np.random.default_rng(seed)
    candidates, counts = found.candidates.clone(), found.counts.clone()
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        sure = members[np.argsort(-certainty[members], kind="stable")[: max(1, round(share * len(members)))]]
        candidates[sure] = torch.from_numpy(rng.choice(sure, (len(sure), candidates.shape[1])))
        counts[sure] = candidates.shape[1]
    return Positives(candidates, counts)


class TaughtEncoder(ContrastiveEncoder):
    """ContrastiveEncoder that learns from the consensus of its own layers in the last third."""

    def _build_training(self, *arguments):
        return TaughtTraining(*arguments)


def three_networks(n_clusters, **parameters):
    """Three encoders, trained one after the other from different seeds."""
    return FeatureUnion([(f"network{i}", ContrastiveEncoder(n_clusters, **parameters)) for i in range(3)])


def anchor_centers(n_clusters, layers, **parameters):
    """AnchorContrastiveClustering; of the layers those that it has."""
    layers = tuple(name for name in layers if name in AnchorContrastiveClustering._layers_known)
    return AnchorContrastiveClustering(n_clusters, layers=layers, **parameters)


VARIANTS = {
    "default": {},
    "learning rate 5e-4": {"learning_rate": 5e-4},
    "learning rate 2e-3": {"learning_rate": 2e-3},
    "weight decay 0": {"weight_decay": 0.0},
    "weight decay 1e-2": {"weight_decay": 1e-2},
    "batch 128": {"batch_size": 128},
    "batch 512": {"batch_size": 512},
    "temperature 0.2": {"temperature": 0.2},
    "temperature 1": {"temperature": 1.0},
    "views of one sample": {"n_neighbors": 0},
    "20 neighbours": {"n_neighbors": 20},
    "neighbours in features only": {"neighbors_from": "features"},
    "one view not augmented": {"augmentation": WeakAndStrong()},
    "momentum encoder": {"encoder": MomentumEncoder},
    "consensus as the teacher": {"encoder": TaughtEncoder},
    "three networks": {"encoder": three_networks},
    "anchor centres of a consensus": {"encoder": anchor_centers, "initializer": "consensus"},
    "anchor centres of k-means": {"encoder": anchor_centers, "initializer": "kmeans"},
    "colour: crops from 8 %": {"augmentation": ColorViews(crop=(0.08, 1.0))},
    "colour: crops from 40 %": {"augmentation": ColorViews(crop=(0.4, 1.0))},
    "colour: half the brightness": {"augmentation": ColorViews(brightness=0.2)},
    "colour: half the jitter": {"augmentation": ColorViews(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05)},
    "colour: neighbours in pixels first": {"neighbors_from": "input"},
    "colour: none grey": {"augmentation": ColorViews(grey=0.0)},
}


def measure(X, y, parameters, epochs, seed):
    """ACC and NMI of head and consensus, as an array (4,)."""
    k = len(np.unique(y))
    parameters = {"encoder": ContrastiveEncoder} | parameters
    encoder = parameters.pop("encoder")(k, layers=LAYERS, max_epochs=epochs, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkdeepclustWarning)
        model = DeepClusterEnsemble(k, encoder=encoder, random_state=seed).fit(X)
    head = model.encoder_.transform(X)[:, -k:].argmax(axis=1)
    found = [(clustering_accuracy(y, p), normalized_mutual_info_score(y, p)) for p in (head, model.labels_)]
    return np.ravel(found)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.recipe", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sets", nargs="+", choices=sorted(DATASETS), default=["mnist_test", "fashion_test"])
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--epochs", type=int, nargs="+", default=[20])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--limit", type=int, default=5000, help="random rows of each set [%(default)s]")
    args = parser.parse_args(arguments)
    print("| set | epochs | variant | cluster head | consensus |\n|---|---|---|---|---|")
    for name in args.sets:
        X, y = load(name, args.data, args.limit)
        for epochs in args.epochs:
            for variant in args.variants:
                if variant.startswith("colour") and (X.ndim != 4 or X.shape[3] != 3):
                    continue
                runs = [measure(X, y, VARIANTS[variant], epochs, seed) for seed in args.seeds]
                a, b, c, d = np.mean(runs, axis=0)
                print(f"| {name} | {epochs} | {variant} | {a:.3f} / {b:.3f} | {c:.3f} / {d:.3f} |", flush=True)


if __name__ == "__main__":
    main()
