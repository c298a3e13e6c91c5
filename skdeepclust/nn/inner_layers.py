# SPDX-License-Identifier: BSD-3-Clause
"""Inner layers of any module, read by forward hooks; the module is left as it was."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial

import torch
from torch import Tensor, nn

from .device import autocast
from .pooling import pool_output


@dataclass
class InnerLayers:
    """A module as a network whose layers can be read by name, see :class:`~skdeepclust.nn.inference.LayeredNetwork`.

    Parameters
    ----------
    module : nn.Module or None
        Every pass runs it in evaluation mode and without gradients, then puts each part back in the mode it was in.
        None while it is stored elsewhere.
    preprocess : callable or None, default=None
        Applied to the batch before the module.
    pooling : {"avg", "cls", "flatten"} or callable, default="avg"
        See :func:`~skdeepclust.nn.pooling.pool_output`.
    precision : {"auto", "bfloat16", "float32"}, default="auto"
        Of the module; what `layers` returns is float32.
    layer_sizes : dict of str to int
        Widths of the layers that have been read so far.
    """

    module: nn.Module | None
    preprocess: Callable[[Tensor], Tensor] | None = None
    pooling: str | Callable[[Tensor], Tensor] = "avg"
    precision: str = "auto"
    layer_sizes: dict[str, int] = field(default_factory=dict)

    def eval(self) -> "InnerLayers":
        """Return self: the module is in evaluation mode during a pass, and only then."""
        return self

    def layers(self, x: Tensor, names: tuple[str, ...]) -> list[Tensor]:
        """Run the batch `x` through the module and return the outputs of the named layers, pooled.

        Of a layer that is called several times in a pass, the last output counts.

        Raises
        ------
        ValueError
            If the module cannot process the batch, or a layer takes no part in the pass.
        """
        module, found = self.module, dict[str, Tensor]()
        if module is None:
            raise ValueError("module=None: the network is without its module; give it one.")
        # inference_mode(False): what a module keeps from a pass, such as a table of positions, must serve in training.
        with torch.inference_mode(False), torch.no_grad(), ExitStack() as stack:
            x = x.clone()  # of inference mode it may be; preprocess and module may write into it all the same
            if self.preprocess is not None:
                x = self._preprocessed(x)
            stack.enter_context(evaluation_mode(module))
            stack.enter_context(autocast(x.device, self.precision))
            for name in names:
                layer = module.get_submodule(name)
                handle = layer.register_forward_hook(partial(self._keep, found, name, len(x)))
                stack.callback(handle.remove)
            _run(module, x)
        if missing := [name for name in names if name not in found]:
            raise ValueError(f"layers {missing} take no part in the forward pass of the module; leave them out.")
        self.layer_sizes |= {name: found[name].shape[1] for name in names}
        return [found[name] for name in names]

    def largest_output(self, x: Tensor) -> int:
        """Run the batch `x` through the module and return the bytes of the largest output of any of its parts."""
        largest = x.nbytes

        def note(part: nn.Module, arguments, output) -> None:
            nonlocal largest
            for tensor in output if isinstance(output, tuple | list) else (output,):
                largest = max(largest, getattr(tensor, "nbytes", 0))

        with ExitStack() as stack:
            for part in self.module.modules():  # type: ignore[union-attr]
                stack.callback(part.register_forward_hook(note).remove)
            self.layers(x, ())
        return largest

    def _keep(self, found: dict[str, Tensor], name: str, n: int, layer: nn.Module, arguments, output) -> None:
        """Pool an output at once: it may be large, and what follows may write into it."""
        try:
            found[name] = pool_output(output, name, self.pooling, n)
        except (TypeError, ValueError) as error:
            raise LayerOutputError(error) from None

    def _preprocessed(self, x: Tensor) -> Tensor:
        out = self.preprocess(x)  # type: ignore[misc]
        if not isinstance(out, Tensor) or out.ndim < 1 or len(out) != len(x):
            got = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else f"a {type(out).__name__}"
            raise ValueError(f"preprocess must return a tensor of {len(x)} samples, as many as it gets; it gave {got}.")
        return out


def _run(module: nn.Module, x: Tensor) -> None:
    """Run `x`, in the type of the module's weights, through it."""
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), x.dtype)
    try:
        module(x.to(dtype))
    except LayerOutputError as error:
        raise error.cause from None
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ValueError(
            f"the module cannot process a batch of shape {tuple(x.shape)} ({type(error).__name__}: {error}). Let "
            "preprocess bring batches to what it was trained on, and see whether image_shape says what rows are."
        ) from error


class LayerOutputError(Exception):
    """Carries the error of a hook through the forward pass of a module."""

    def __init__(self, cause: Exception):
        super().__init__(str(cause))
        self.cause = cause


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and every part of it back in its own mode afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def check_layer_names(module: nn.Module, layers) -> tuple[str, ...]:
    """Return `layers`, a name or several, as a tuple of different names of submodules.

    Raises
    ------
    TypeError
        If they are no names.
    ValueError
        If one is unknown, with names that are near it, or given twice.
    """
    names = (layers,) if isinstance(layers, str) else layers
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"layers must be a tuple of names of submodules; got {layers!r}.")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"layers must be one or more different names of submodules; got {layers!r}.")
    known = [name for name, _ in module.named_modules()]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=5, cutoff=0.5) or [child for child, _ in module.named_children()]
            raise ValueError(
                f"layers: {type(module).__name__} has no submodule {name!r}; near are {near}. All names: "
                "[name for name, _ in module.named_modules()]."
            )
    return tuple(names)
