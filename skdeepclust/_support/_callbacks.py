# SPDX-License-Identifier: BSD-3-Clause
"""Callbacks: scikit-learn's own where it has them (1.9), else the part of the same interface that is used here.

Either way an estimator gets ``set_callbacks(*callbacks)``. A callback is an object with four methods::

    setup(estimator, context)                 before the fit
    on_fit_task_begin(estimator, context)     at the beginning of a task: the fit, an epoch, ...
    on_fit_task_end(estimator, context)       at its end; a true value ends the epochs
    teardown(estimator, context)              after the fit, however it ended

whose two middle ones may ask for ``X``, ``y``, ``metadata`` and ``fitted_estimator`` as keyword-only arguments.
"""

import copy
import functools
import inspect
from contextlib import contextmanager

_HOOKS = ("setup", "on_fit_task_begin", "on_fit_task_end", "teardown")
_ON_DEMAND = ("X", "y", "metadata", "fitted_estimator")
CALLBACK_ATTRIBUTES = ("_skl_callbacks", "_parent_callback_ctx")  # of an estimator, beside its parameters and results


class OwnCallbackContext:
    """A task of a fit and its place among the others: what `sklearn.callback.CallbackContext` is there."""

    def __init__(self, estimator, task_name, task_id=0, max_subtasks=0, parent=None):
        self.estimator_name = type(estimator).__name__ if parent is None else parent.estimator_name
        self.task_name, self.task_id, self.max_subtasks, self.parent = task_name, task_id, max_subtasks, parent
        self._callbacks = getattr(estimator, "_skl_callbacks", []) if parent is None else parent._callbacks
        self._n_children = 0

    def subcontext(self, task_name="", max_subtasks=0):
        """Return the context of the next task below this one."""
        child = OwnCallbackContext(None, task_name, self._n_children, max_subtasks, self)
        self._n_children += 1
        return child

    def call_on_fit_task_begin(self, *, estimator, **found):
        """Call the hook of every callback; return the context."""
        self._call("on_fit_task_begin", estimator, found)
        return self

    def call_on_fit_task_end(self, *, estimator, **found):
        """Call the hook of every callback; return whether one of them asks to stop."""
        return self._call("on_fit_task_end", estimator, found)

    @contextmanager
    def propagate_callback_context(self, sub_estimator):
        """Callbacks stay with the estimator they were set on."""
        yield

    def _call(self, hook, estimator, found):
        stop = False
        for callback in self._callbacks:
            method = getattr(callback, hook)
            keywords = [p.name for p in inspect.signature(method).parameters.values() if p.kind == p.KEYWORD_ONLY]
            if unknown := set(keywords) - set(_ON_DEMAND):
                raise TypeError(f"{hook} of {type(callback).__name__} may ask for {_ON_DEMAND}; it asks for {unknown}.")
            arguments = {name: _on_demand(name, estimator, found) for name in keywords}
            stop |= bool(method(estimator, self, **arguments))
        return stop


def _on_demand(name, estimator, found):
    if name != "fitted_estimator":
        value = found.get(name)
        return value() if callable(value) else value
    attributes = found.get("reconstruction_attributes")
    if attributes is None:
        return None
    fitted = copy.copy(estimator)
    vars(fitted).update(attributes() if callable(attributes) else attributes)
    return fitted


class OwnCallbackSupport:
    """``set_callbacks`` for estimators: what `sklearn.callback.CallbackSupportMixin` is there."""

    def set_callbacks(self, *callbacks):
        """Set callbacks for the estimator.

        Parameters
        ----------
        *callbacks : objects
            With the methods `setup`, `on_fit_task_begin`, `on_fit_task_end` and `teardown`. A call without
            any takes away those set before.

        Returns
        -------
        self : estimator instance
        """
        for callback in callbacks:
            if isinstance(callback, type) or not all(hasattr(callback, hook) for hook in _HOOKS):
                raise TypeError(f"callbacks must be objects with the methods {', '.join(_HOOKS)}; got {callback!r}.")
        if callbacks:
            self._skl_callbacks = list(callbacks)
        else:
            vars(self).pop("_skl_callbacks", None)
        return self

    def __sklearn_clone__(self):
        clone = super().__sklearn_clone__()
        if "_skl_callbacks" in vars(self):
            clone._skl_callbacks = self._skl_callbacks
        return clone

    def _init_callback_context(self, task_name="fit", max_subtasks=0):
        self._callback_fit_ctx = OwnCallbackContext(self, task_name, max_subtasks=max_subtasks)
        for callback in self._callback_fit_ctx._callbacks:
            callback.setup(self, self._callback_fit_ctx)
        return self._callback_fit_ctx


def own_with_callbacks(fit):
    """Decorate `fit` so that callbacks are torn down however it ends."""

    @functools.wraps(fit)
    def managed(estimator, *args, **kwargs):
        try:
            return fit(estimator, *args, **kwargs)
        finally:
            context = vars(estimator).pop("_callback_fit_ctx", None)
            for callback in () if context is None else context._callbacks:
                callback.teardown(estimator, context)

    return managed


try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9
    CallbackSupportMixin, with_callbacks = OwnCallbackSupport, own_with_callbacks
