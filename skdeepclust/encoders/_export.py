# SPDX-License-Identifier: BSD-3-Clause
"""Encoders for runtimes without Python: ONNX."""

import copy
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .._support._atomic import put_in_place
from ..nn.raw_input import RawInputNetwork
from ._network_encoder import NetworkEncoder


def export_onnx(encoder, path):
    """Write the network of a trained encoder as an ONNX model, from raw rows to the features that `transform` returns.

    The model has one input "X" and one output "features" (n, sum of layer_sizes_), float32, for any number n of rows.
    X is (n, h, w, c), uint8 if the encoder was fitted on uint8 and float32 otherwise, or a table (n, d), float64; the
    scaling is part of the model.

    Parameters
    ----------
    encoder : ContrastiveEncoder or another encoder that trains a network
        Fitted; of an ensemble its `encoder_`.
    path : str or path-like
        File to write, such as "encoder.onnx".

    Raises
    ------
    TypeError
        If `encoder` is no such encoder.
    ImportError
        Without onnx and onnxscript: ``pip install 'skdeepclust[onnx]'``.
    """
    if not isinstance(encoder, NetworkEncoder):
        raise TypeError(
            f"encoder must be an encoder that trained a network, such as a ContrastiveEncoder; got "
            f"{type(encoder).__name__}. Of an ensemble, pass its encoder_."
        )
    check_is_fitted(encoder, "network_")
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError("export_onnx needs onnx and onnxscript: pip install 'skdeepclust[onnx]'.") from error
    reader = encoder.reader_.on(torch.device("cpu"))
    layers = encoder._layer_names()
    module = RawInputNetwork(copy.deepcopy(encoder.network_).cpu(), reader, layers).eval()
    folder = Path(path).absolute().parent
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as unfinished:
        written = Path(unfinished, "model.onnx")
        torch.onnx.export(
            module,
            (_example(reader),),
            os.fspath(written),
            input_names=["X"],
            output_names=["features"],
            dynamic_shapes={"X": {0: torch.export.Dim("n")}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        put_in_place(written, Path(path).absolute())


def _example(reader):
    """Two rows as the encoder was fitted on."""
    if reader.image_shape is None:
        return torch.zeros((2, *reader.in_shape), dtype=torch.from_numpy(np.asarray(reader.shift)).dtype)
    dtype = torch.uint8 if reader.pixels == "uint8" else torch.float32
    return torch.zeros((2, *reader.image_shape), dtype=dtype)
