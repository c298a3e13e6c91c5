# SPDX-License-Identifier: BSD-3-Clause
"""The encoder that a user passes to an estimator: cloned, and told what the estimator knows."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline


def prepare_encoder(encoder, image_shape, random_state):
    """Clone a transformer; set its `random_state` and `image_shape`, if it has them and they are None.

    Parameters
    ----------
    encoder : transformer
        With ``fit`` and ``transform``. In a pipeline, every step gets the seed and the first the shape: what the others
        are given is a table.
    image_shape : tuple (h, w, c) or None
        What rows are.
    random_state : int or RandomState instance
        Seed.

    Raises
    ------
    TypeError
        If `encoder` is no transformer.
    """
    if isinstance(encoder, type) or not all(hasattr(encoder, m) for m in ("fit", "transform")):
        raise TypeError(f"encoder must be None or a transformer; got {encoder!r}.")
    encoder = clone(encoder)
    first, *others = encoder_steps(encoder)
    _set_where_none(first, random_state=random_state, image_shape=image_shape)
    for step in others:
        _set_where_none(step, random_state=random_state)
    return encoder


def encoder_steps(encoder):
    """The transformers that rows go through: the steps of a pipeline, those of pipelines in it among them.

    The last one says what the features are: their layers, and the history of their training.
    """
    if not isinstance(encoder, Pipeline):
        return [encoder]
    return [part for _, step in encoder.steps if step not in (None, "passthrough") for part in encoder_steps(step)]


def _set_where_none(step, **parameters):
    own = step.get_params(deep=False)
    step.set_params(**{name: value for name, value in parameters.items() if name in own and own[name] is None})
