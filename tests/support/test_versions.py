# SPDX-License-Identifier: BSD-3-Clause
"""Versions of what results depend on."""

import sys
from importlib import metadata

import numpy as np
import sklearn
import torch

import skdeepclust
from skdeepclust._support import _versions


def test_versions_are_those_of_the_modules():
    found = _versions.versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    for name, module in [("skdeepclust", skdeepclust), ("numpy", np), ("scikit-learn", sklearn), ("torch", torch)]:
        assert found[name].split("+")[0] == module.__version__.split("+")[0]  # some builds tell only one of the two
    assert list(found) == ["python", *_versions.PACKAGES, "machine"]


def test_what_is_not_installed_is_left_out(monkeypatch):
    version = metadata.version

    def without_torch(name):
        if name == "torch":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without_torch)
    found = _versions.versions()
    assert "torch" not in found
    assert found["numpy"] == np.__version__
