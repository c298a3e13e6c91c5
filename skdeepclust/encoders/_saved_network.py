# SPDX-License-Identifier: BSD-3-Clause
"""``save`` for estimators whose network is built of their parameters: its weights are saved, and not how it is made."""

import torch

from .._support._saving import SaveMixin


class SaveNetworkMixin(SaveMixin):
    """Save the state dict of `network_`; when loaded, build it anew and give it its weights."""

    def _untrained_network(self):
        """Return a new network like `network_`, from the parameters and what else is fitted."""
        raise NotImplementedError

    def _saved_state(self):
        state = super()._saved_state()
        if "network_" in state:
            state["network_"] = dict(state["network_"].state_dict())
            if _shapes(self._new_network().state_dict()) != _shapes(state["network_"]):
                raise ValueError(
                    "the network does not have the shape that the parameters stand for: they were changed after fit. "
                    "Set them back with set_params, or fit again, before saving."
                )
        return state

    @classmethod
    def _from_saved_state(cls, state):
        weights = state.pop("network_", None)
        estimator = super()._from_saved_state(state)
        if weights is not None:
            estimator.network_ = estimator._new_network()
            estimator.network_.load_state_dict(weights)
        return estimator

    def _new_network(self):
        with torch.random.fork_rng(devices=[]):  # initial weights are drawn from torch's global generator
            network = self._untrained_network()
        return network.to(memory_format=torch.channels_last).eval()


def _shapes(weights):
    return {name: value.shape for name, value in weights.items()}
