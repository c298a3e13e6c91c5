# SPDX-License-Identifier: BSD-3-Clause
"""The encoder that a user passes to an estimator: cloned, and told what the estimator knows."""

from numbers import Integral

from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, Pipeline


def prepare_encoder(encoder, image_shape, random_state):
    """Clone a transformer; set its `random_state` and `image_shape`, if it has them and they are None.

    Parameters
    ----------
    encoder : transformer
        With ``fit`` and ``transform``. In a pipeline, every step gets the seed and the first the shape: what the others
        are given is a table. Parts of a FeatureUnion get seeds that differ.
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
    for i, (first, *others) in enumerate(encoder_branches(encoder)):
        # Two networks of one kind that are seeded alike would be the same network twice.
        seed = (random_state + i) % 2**32 if isinstance(random_state, Integral) else random_state
        _set_where_none(first, random_state=seed, image_shape=image_shape)
        for step in others:
            _set_where_none(step, random_state=seed)
    return encoder


def encoder_branches(encoder):
    """The ways that rows can go through `encoder`, each as the list of its transformers.

    One, if it is a transformer or a pipeline of them; several, if it is a union of features or a pipeline that ends in
    one. The last transformer of a way says what its features are: their layers, and the history of their training.
    """
    if isinstance(encoder, FeatureUnion):
        return [way for _, part in encoder.transformer_list if _is_step(part) for way in encoder_branches(part)]
    if isinstance(encoder, Pipeline):
        *front, last = [step for _, step in encoder.steps if _is_step(step)]
        shared = [step for part in front for step in encoder_branches(part)[0]]
        return [shared + way for way in encoder_branches(last)]
    return [[encoder]]


def encoder_layers(encoder):
    """Widths of the layers that a fitted encoder returns side by side, and which of them hold scores of clusters.

    Returns
    -------
    group_sizes : tuple of int or None
        None if nothing is known of them.
    score_groups : tuple of int
    """
    ends = [way[-1] for way in encoder_branches(encoder)]
    if len(ends) == 1:
        return getattr(ends[0], "layer_sizes_", None), getattr(ends[0], "score_groups_", ())
    sizes, score_groups = (), ()
    for end in ends:
        score_groups += tuple(len(sizes) + i for i in getattr(end, "score_groups_", ()))
        sizes += tuple(getattr(end, "layer_sizes_", None) or (len(end.get_feature_names_out()),))
    return sizes, score_groups


def _is_step(step):
    return step is not None and not isinstance(step, str)


def _set_where_none(step, **parameters):
    own = step.get_params(deep=False)
    step.set_params(**{name: value for name, value in parameters.items() if name in own and own[name] is None})
