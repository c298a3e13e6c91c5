# SPDX-License-Identifier: BSD-3-Clause
"""What it takes to make the same clustering again."""

import inspect
import sys
from importlib import import_module
from numbers import Integral

from sklearn.base import BaseEstimator

from .._support._versions import PACKAGES, versions


def settings_of(model):
    """Parameters of the model as (name, value, whether it is the default), in the order of their names."""
    defaults = {name: repr(p.default) for name, p in inspect.signature(type(model).__init__).parameters.items()}
    return [
        (name, repr(value), defaults.get(name) == repr(value))
        for name, value in sorted(model.get_params(deep=False).items())
    ]


def reproduction(model, data):
    """Return the shell command and the Python code that make this clustering again.

    Parameters
    ----------
    model : estimator
    data : str
        What `X` is, in words.
    """
    wanted = {name: v for name, v in versions().items() if name in PACKAGES}
    # Without what stands behind a plus sign, as in 2.13.0+cpu: no index has that.
    command = "pip install " + " ".join(f"{name}=={version.split('+')[0]}" for name, version in wanted.items())
    classes = {type(model)} | {type(v) for v in model.get_params().values() if isinstance(v, BaseEstimator)}
    lines = sorted(f"from {_public_module(cls)} import {cls.__name__}" for cls in classes)
    lines += ["", f"X = ...  # {data}"]
    if not isinstance(getattr(model, "random_state", 0), Integral):
        lines.append(f"# random_state={model.random_state!r}: another run draws another seed")
    lines += [f"model = {model.__repr__(N_CHAR_MAX=sys.maxsize)}", "model.fit(X)"]
    return command, "\n".join(lines)


def _public_module(cls):
    """The shortest public module that has the class: ``sklearn.decomposition`` for ``sklearn.decomposition._pca``."""
    parts = cls.__module__.split(".")
    for end in range(1, len(parts)):
        name = ".".join(parts[:end])
        if getattr(import_module(name), cls.__name__, None) is cls:
            return name
    return cls.__module__
