# SPDX-License-Identifier: BSD-3-Clause
"""What a layer of any network returns, as one row of features per sample."""

from collections.abc import Callable, Mapping

from torch import Tensor

POOLINGS = ("avg", "cls", "flatten")


def pool_output(output, name: str, pooling: str | Callable[[Tensor], Tensor], n: int) -> Tensor:
    """Return the output of layer `name` for `n` samples as float32 (n, features), a tensor of its own.

    Parameters
    ----------
    output : object
        What the layer returned, see :func:`find_tensor`.
    name : str
        Of the layer, for messages.
    pooling : {"avg", "cls", "flatten"} or callable
        "avg": the mean over the positions of an image, (n, c, h, w), or over tokens, (n, tokens, c). "cls": the
        first token. "flatten": all values. "avg" and "cls" take (n, features) as it is. A callable gets the tensor.
    n : int

    Raises
    ------
    ValueError
        If the tensor is no row per sample, or has no dimension that `pooling` could take.
    TypeError
        If there is no tensor, or none of floating point.
    """
    x = find_tensor(output, name)
    if not x.is_floating_point():
        raise TypeError(f"layer {name!r} returns {x.dtype}, and features are floating-point numbers; leave it out.")
    if x.ndim < 1 or len(x) != n:
        raise ValueError(
            f"layer {name!r} returns a tensor of shape {tuple(x.shape)} for {n} samples, not a row for each; choose "
            "another layer, such as the block around it."
        )
    rows = pooling(x) if callable(pooling) else _pooled(x, name, pooling)
    if not isinstance(rows, Tensor) or rows.ndim != 2 or len(rows) != n:
        got = f"shape {tuple(rows.shape)}" if isinstance(rows, Tensor) else f"a {type(rows).__name__}"
        raise ValueError(f"pooling must make (n, features) of what layer {name!r} returns, n={n}; it made {got}.")
    return rows.float().clone()  # of its own: the next layer may compute in place


def find_tensor(output, name: str) -> Tensor:
    """Return the tensor in what a layer returns: itself, the first of a tuple, or ``last_hidden_state`` of a dict.

    A dict without ``last_hidden_state`` must hold one tensor only: which of several is meant, nobody can know.

    Raises
    ------
    TypeError
        If there is no tensor, or no telling which.
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        named = {key: value for key, value in output.items() if isinstance(value, Tensor)}
        if "last_hidden_state" in named or len(named) == 1:
            return named.get("last_hidden_state", next(iter(named.values())))
        raise TypeError(
            f"layer {name!r} returns a {type(output).__name__} with the tensors {sorted(map(str, named))} and no "
            "'last_hidden_state'; choose the layer inside it that makes the one you mean."
        )
    if isinstance(output, tuple | list):
        for value in output:
            if isinstance(value, Tensor):
                return value
    raise TypeError(f"layer {name!r} returns a {type(output).__name__} without a tensor; choose another layer.")


def _pooled(x: Tensor, name: str, pooling: str) -> Tensor:
    if pooling == "flatten" or x.ndim == 2:
        return x.flatten(1) if x.ndim > 1 else x[:, None]
    if x.ndim == 3:
        return x[:, 0] if pooling == "cls" else x.mean(1)
    if x.ndim > 3 and pooling == "avg":
        return x.flatten(2).mean(2)
    raise ValueError(
        f"pooling={pooling!r} does not go with layer {name!r}, which returns a tensor of shape {tuple(x.shape)}; use "
        + ("'avg' or 'flatten'." if x.ndim > 3 else "'flatten'.")
    )
