# SPDX-License-Identifier: BSD-3-Clause
"""Fitted estimators as a tree of JSON values and a dict of arrays, and back.

None, bool, int, str, finite floats, lists, and dicts of strings are themselves. Everything else is an object whose
entry ``"$"`` says what it is: "tuple", "array", "tensor", "estimator", ... Arrays lie beside the tree under the path at
which they were met, as in ``/network_/backbone.0.weight``. What is met again is written once, so that two attributes
that were one object stay one.
"""

import copy
import math
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._errors import SavedModelError
from ._saved_classes import class_named, is_known

_TAG = "$"
_STEPS = {"Pipeline": "steps", "FeatureUnion": "transformer_list"}  # attributes that hold (name, estimator)
_SPARSE = {name: getattr(sparse, name) for name in ("csr_array", "csr_matrix", "csc_array", "csc_matrix")}


class Encoder:
    """Turns values into trees; the arrays met on the way gather in `arrays`.

    Attributes
    ----------
    arrays : dict of str to ndarray
        C-contiguous, in native byte order.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray] = {}
        self._met: dict[int, tuple[str, Any]] = {}  # the value too, so that its id is not given to another one
        self._given_back: set[int] = set()  # ids of code of the user's

    def __call__(self, value: Any, path: tuple[str, ...] = ()) -> Any:
        """Return the tree of `value`, which is found at `path`.

        Raises
        ------
        TypeError
            For what cannot be saved, naming where it is.
        """
        kind = type(value)
        if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
            return value
        if kind is float:
            return {_TAG: "float", "value": repr(value)}
        if kind is list:
            return self._items(value, path)
        if kind is tuple:
            return {_TAG: "tuple", "items": self._items(value, path)}
        if kind is dict:
            return self._dict(value, path)
        if isinstance(value, np.generic):
            return self._scalar(value, path)
        if isinstance(value, PurePath):
            return {_TAG: "path", "value": str(value)}
        if id(value) in self._met:
            return {_TAG: "same", "as": self._met[id(value)][0]}
        tree = self._object(value, path)
        self._met[id(value)] = _pointer(path), value
        return tree

    def _items(self, values, path):
        return [self(value, (*path, str(i))) for i, value in enumerate(values)]

    def _dict(self, value, path):
        if all(type(key) is str for key in value) and _TAG not in value:
            return {key: self(item, (*path, key)) for key, item in value.items()}
        return {_TAG: "dict", "items": self._items(value.items(), path)}

    def _scalar(self, value, path):
        if value.dtype.kind != "U" and not _is_plain(value.dtype):
            raise _refused(value, path)
        return {_TAG: "scalar", "dtype": value.dtype.str, "value": self(value.item(), path)}

    def _object(self, value, path):
        torch = sys.modules.get("torch")  # without it there are no tensors to be met
        if type(value) in (np.ndarray, np.memmap):
            return self._array(value, path)
        if type(value) is np.random.RandomState:
            return self._random_state(value, path)
        if type(value).__name__ in _SPARSE and sparse.issparse(value):
            return self._sparse(value, path)
        if torch is not None and isinstance(value, torch.Tensor):
            return self._tensor(value, path)
        if torch is not None and isinstance(value, torch.device):
            return {_TAG: "device", "name": str(value)}
        if torch is not None and isinstance(value, torch.nn.Module):
            return {_TAG: "module", "name": _module_name(path), "weights": self(dict(value.state_dict()), path)}
        if id(value) in self._given_back and callable(value):
            return {_TAG: "module", "name": _module_name(path), "weights": None}
        if not is_known(type(value)):
            raise _refused(value, path)
        state = saved_state(value)
        self._given_back |= {id(state[name]) for name in getattr(value, "_given_back", ())}
        return {_TAG: "object", "class": type(value).__name__, "state": self._dict(state, path)}

    def _array(self, value, path):
        if value.dtype.kind in "UO":
            return {
                _TAG: "array",
                "dtype": value.dtype.str,
                "shape": list(value.shape),
                "items": self._items(value.ravel().tolist(), path),
            }
        if not _is_plain(value.dtype):
            raise _refused(value, path)
        key = _pointer(path)
        # Products round differently by the order in memory, and answers are to stay the same to the last bit.
        order = {"order": "F"} if value.flags.f_contiguous and not value.flags.c_contiguous else {}
        self.arrays[key] = np.ascontiguousarray(value, value.dtype.newbyteorder("=")).reshape(value.shape)
        return {_TAG: "array", "key": key, **order}

    def _random_state(self, value, path):
        state = value.get_state(legacy=False)
        if state["bit_generator"] != "MT19937":
            raise _refused(value, path)
        return {_TAG: "random_state", "state": self._dict(state, path)}

    def _sparse(self, value, path):
        parts = {name: self(getattr(value, name), (*path, name)) for name in ("data", "indices", "indptr")}
        return {_TAG: "sparse", "class": type(value).__name__, "shape": [int(n) for n in value.shape], **parts}

    def _tensor(self, value, path):
        values, dtype = value.detach().cpu(), str(value.dtype).removeprefix("torch.")
        if dtype == "bfloat16":  # unknown to numpy; all of its numbers are numbers of float32
            values = values.float()
        elif not hasattr(np, dtype) or not _is_plain(np.dtype(dtype)):
            raise _refused(value, path)
        return {_TAG: "tensor", "dtype": dtype, "values": self._array(values.numpy(), path)}


class Decoder:
    """Turns the trees of :class:`Encoder` back into values.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays by path.
    device : str, torch.device or None
        Passed to the method `_put_on` of objects that have it; None leaves the choice to them.
    modules : mapping of str to nn.Module or callable
        Code of the user's, by the name of the parameter it was passed as; where the file has another name for it, the
        place in the tree, by that too.
    """

    def __init__(self, arrays: Mapping[str, NDArray], device: Any, modules: Mapping[str, Any]):
        self._arrays, self._device, self._modules = arrays, device, modules
        self._built: dict[str, Any] = {}
        self._step_names: dict[tuple[str, ...], str] = {}  # of estimators in pipelines, by path

    def __call__(self, tree: Any, path: tuple[str, ...] = ()) -> Any:
        """Return the value of a `tree` that stood at `path`.

        Raises
        ------
        SavedModelError
            For classes and values that are not known here.
        ValueError
            If a module is missing.
        """
        if isinstance(tree, list):
            return self._items(tree, path)
        if not isinstance(tree, dict):
            return tree
        if _TAG not in tree:
            return {key: self(item, (*path, key)) for key, item in tree.items()}
        build = getattr(self, f"_build_{tree[_TAG]}", None)
        if build is None:
            raise SavedModelError(f"the saved model holds a value of an unknown kind, {tree[_TAG]!r}.")
        value = self._built[_pointer(path)] = build(tree, path)
        return value

    def _items(self, trees, path):
        return [self(item, (*path, str(i))) for i, item in enumerate(trees)]

    def _build_float(self, tree, path):
        return float(tree["value"])

    def _build_tuple(self, tree, path):
        return tuple(self._items(tree["items"], path))

    def _build_dict(self, tree, path):
        return dict(self._items(tree["items"], path))

    def _build_scalar(self, tree, path):
        return np.dtype(tree["dtype"]).type(self(tree["value"], path))

    def _build_path(self, tree, path):
        return Path(tree["value"])

    def _build_same(self, tree, path):
        return self._built[tree["as"]]

    def _build_random_state(self, tree, path):
        random_state = np.random.RandomState(0)
        random_state.set_state(self(tree["state"], path))
        return random_state

    def _build_array(self, tree, path):
        if "items" in tree:
            array = np.empty(tree["shape"], np.dtype(tree["dtype"]))
            for i, item in enumerate(self._items(tree["items"], path)):
                array.reshape(-1)[i] = item
            return array
        array = self._arrays[tree["key"]]
        return np.asfortranarray(array) if tree.get("order") == "F" else array

    def _build_sparse(self, tree, path):
        parts = tuple(self(tree[name], (*path, name)) for name in ("data", "indices", "indptr"))
        return _SPARSE[tree["class"]](parts, shape=tuple(tree["shape"]))

    def _build_device(self, tree, path):
        import torch

        return torch.device(tree["name"])

    def _build_tensor(self, tree, path):
        import torch

        values = torch.from_numpy(self._build_array(tree["values"], path))
        return values.to(torch.bfloat16) if tree["dtype"] == "bfloat16" else values

    def _build_module(self, tree, path):
        name = self._parameter_name(path)
        if name not in self._modules and tree["name"] in self._modules:
            name = tree["name"]
        if name not in self._modules:
            raise ValueError(
                f"the saved model needs code of your own, which is not in the files; pass what {name} was, as "
                f"modules={{{name!r}: ...}}."
            )
        if tree["weights"] is None:
            return self._modules[name]
        module = copy.deepcopy(self._modules[name])
        try:
            module.load_state_dict(self(tree["weights"], path))
        except RuntimeError as error:
            raise ValueError(f"modules[{name!r}] is not the network that was saved: {error}") from error
        return module

    def _build_object(self, tree, path):
        cls = class_named(tree["class"])
        if cls is None:
            raise SavedModelError(
                f"the saved model holds an object of the class {tree['class']!r}, which this version of skdeepclust "
                "does not know."
            )
        if tree["class"] in _STEPS:
            self._name_steps(tree["state"], (*path, _STEPS[tree["class"]]))
        state = {key: self(item, (*path, key)) for key, item in tree["state"].items()}
        value = from_saved_state(cls, state)
        if self._device is not None and hasattr(value, "_put_on"):
            value._put_on(self._device)
        return value

    def _name_steps(self, state, path):
        """Note where the estimators of a pipeline lie, and what they are called there."""
        for i, step in enumerate(_entries(state[path[-1]])):
            self._step_names[*path, str(i), "1"] = _entries(step)[0]

    def _parameter_name(self, path):
        """The name that `get_params` has for what lies at `path`: "encoder__frozenencoder__module"."""
        parts = []
        for end, part in enumerate(path, 1):
            if path[:end] in self._step_names:
                parts[-2:] = [self._step_names[path[:end]]]  # in place of "steps" and its number
            else:
                parts.append(part.rstrip("_"))
        return "__".join(parts)


def saved_state(value: Any) -> dict[str, Any]:
    """What is saved of an object of one of :data:`~._saved_classes.CLASSES`, by names that are strings.

    It is what a pickle holds, unless a class says by ``_saved_state()`` and ``_from_saved_state(state)`` that
    it is something else. `_given_back` of a class names attributes that may be functions, which `load` is passed again.
    """
    return value._saved_state() if hasattr(value, "_saved_state") else value.__getstate__()


def from_saved_state(cls: type, state: dict[str, Any]) -> Any:
    """The object of which :func:`saved_state` is `state`."""
    if hasattr(cls, "_from_saved_state"):
        return cls._from_saved_state(state)
    return restored(cls, state)


def restored(cls: type, state: dict[str, Any]) -> Any:
    """An object of `cls` with a state that its ``__getstate__`` returned."""
    value: Any = object.__new__(cls)
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
    else:
        vars(value).update(state)
    return value


def _is_plain(dtype: np.dtype) -> bool:
    """Whether safetensors has this type: bool, integers and floats of up to 8 bytes."""
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def _pointer(path: tuple[str, ...]) -> str:
    """JSON pointer (RFC 6901): different paths stay different whatever characters are in them."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _entries(tree: Any) -> Any:
    """Trees of the entries of a list or a tuple."""
    return tree["items"] if isinstance(tree, dict) else tree


def _module_name(path: tuple[str, ...]) -> str:
    """What a file calls code of the user's: by its place, "encoder__module" or "encoder__steps__0__1__module"."""
    return "__".join(part.rstrip("_") for part in path)


def _refused(value: Any, path: tuple[str, ...]) -> TypeError:
    name = ".".join(path)
    if callable(value):
        return TypeError(
            f"{name} is {value!r}; functions and classes are code, which save() does not write. Where training alone "
            f"needs it, as an augmentation, set a value that can be saved on the estimator that holds it: "
            f"set_params({path[-1]}=...). Otherwise use joblib.dump."
        )
    return TypeError(
        f"{name} is a {type(value).__module__}.{type(value).__qualname__}"
        f"{f' of dtype {value.dtype}' if hasattr(value, 'dtype') else ''}, which save() cannot write. Set another "
        "value, or use joblib.dump."
    )
