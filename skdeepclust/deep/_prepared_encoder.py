# SPDX-License-Identifier: BSD-3-Clause
"""The encoder that a user passes to an estimator: cloned, and told what the estimator knows."""

from sklearn.base import clone


def prepare_encoder(encoder, image_shape, random_state):
    """Clone a transformer; set its `random_state` and `image_shape`, if it has them and they are None.

    Parameters
    ----------
    encoder : transformer
        With ``fit`` and ``transform``.
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
    own = encoder.get_params(deep=False)
    if "random_state" in own and own["random_state"] is None:
        encoder.set_params(random_state=random_state)
    if "image_shape" in own and own["image_shape"] is None:
        encoder.set_params(image_shape=image_shape)
    return encoder
