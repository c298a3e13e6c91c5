# SPDX-License-Identifier: BSD-3-Clause
"""Does the consensus still change: checks while a network trains, that bring the training to its end."""

import warnings

import numpy as np
import torch
from sklearn.metrics import normalized_mutual_info_score

from .._support._warnings import SkdeepclustWarning
from ..cluster import BaseClusterings
from ..consensus import EntropyWeightedConsensus
from ..encoders._network_encoder import score_groups
from ..nn.inference import extract_layers
from ._layer_consensus import fit_layer_consensus

_N_ROWS = 4000
_STEPS_APART = 100
_N_AGREEING = 2  # checks in a row


class AgreementMonitor:
    """Cluster a part of the rows from time to time, and compare with the time before.

    Every check makes a small ensemble (two base clusterings per layer) of at most 4000 rows, chosen once, and their
    consensus. Its agreement is the NMI with the consensus of the check before. When two checks in a row reach
    `threshold`, the training is asked to come to its end.

    Parameters
    ----------
    n_clusters : int
    layers : tuple of str
    threshold : float
    seed : int
        Of the rows and the small ensembles; torch's global generators are not touched.
    """

    def __init__(self, n_clusters, layers, threshold, seed):
        self.n_clusters, self.layers, self.threshold, self.seed = n_clusters, layers, threshold, seed

    def __call__(self, training):
        """Check if a hundred steps have passed; return {} or the record's "agreement", with "cool_down".

        What has to outlive an interruption is kept in ``training.notes``.
        """
        notes = training.notes
        last = int(notes["checked_at"]) if "checked_at" in notes else 0
        if training.step - last < _STEPS_APART:
            return {}
        labels = self._consensus(training)
        found = {}
        if "labels" in notes:
            agreement = float(normalized_mutual_info_score(notes["labels"].numpy(), labels))
            agreeing = int(notes["agreeing"]) + 1 if agreement >= self.threshold else 0
            found = {"agreement": agreement, "cool_down": agreeing >= _N_AGREEING}
            notes["agreeing"] = torch.tensor(agreeing)
        else:
            notes["agreeing"] = torch.tensor(0)
        notes["labels"], notes["checked_at"] = torch.from_numpy(labels), torch.tensor(training.step)
        return found

    def _consensus(self, training):
        n = len(training.X)
        rows = np.sort(np.random.default_rng(self.seed).permutation(n)[: min(n, _N_ROWS)])
        features = extract_layers(training.network, training.reader, training.X[rows], self.layers)
        sizes = tuple(training.network.layer_sizes[name] for name in self.layers)
        with warnings.catch_warnings():  # what a young network does is nobody's concern
            warnings.simplefilter("ignore", SkdeepclustWarning)
            base = BaseClusterings(
                2 * len(self.layers),
                group_sizes=sizes,
                score_groups=score_groups(self.layers),
                random_state=self.seed,
            )
            consensus = EntropyWeightedConsensus(self.n_clusters, random_state=self.seed)
            base.fit(features)
            fit_layer_consensus(consensus, base.base_labels_, base.groups_, base.score_groups)
            return consensus.labels_
