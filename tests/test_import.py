# SPDX-License-Identifier: BSD-3-Clause
"""What an import loads, seen from a fresh interpreter."""

import subprocess
import sys

import pytest

import skdeepclust

HEAVY = {"torch", "numba", "sklearn", "scipy", "pandas", "matplotlib", "PIL"}


def loaded_by(code):
    """The heavy packages in ``sys.modules`` after running `code` in a new interpreter."""
    code += "\nimport sys; print('LOADED', *sorted(set(m.partition('.')[0] for m in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    return HEAVY & set(line.split())


def test_package_loads_nothing_heavy():
    assert loaded_by("import skdeepclust; skdeepclust.__version__; dir(skdeepclust)") == set()


@pytest.mark.parametrize(
    "name",
    [
        "BaseClusterings",
        "EntropyWeightedConsensus",
        "PathIntegralClustering",
        "TransferCut",
        "USENC",
        "USPEC",
        "transfer_cut",
    ],
)
def test_consensus_half_never_loads_torch(name):
    assert not loaded_by(f"import skdeepclust; skdeepclust.{name}") & {"torch", "matplotlib"}


def test_consensus_half_works_without_torch_installed():
    loaded_by(
        "import sys\n"
        "class NotInstalled:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, NotInstalled())\n"
        "import numpy as np; from skdeepclust import EntropyWeightedConsensus\n"
        "base_labels = np.array([[0, 1], [0, 1], [0, 1], [1, 0], [1, 0]] * 5)\n"
        "labels = EntropyWeightedConsensus(n_clusters=2).fit_predict(base_labels)\n"
        "assert (labels == base_labels[:, 0]).all(), labels  # the largest cluster is number 0\n"
    )


def test_metrics_and_plotting_are_light():
    assert not loaded_by("from skdeepclust import metrics") & {"torch", "numba", "matplotlib"}
    assert loaded_by("from skdeepclust import plotting") == set()


@pytest.mark.parametrize("name", skdeepclust.__all__)
def test_every_public_name_exists(name):
    assert getattr(skdeepclust, name).__doc__
    assert name in dir(skdeepclust)


def test_public_names_are_sorted_and_unknown_names_raise():
    assert len(set(skdeepclust.__all__)) == len(skdeepclust.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Kmeans'"):
        skdeepclust.Kmeans  # noqa: B018
