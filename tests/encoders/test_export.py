# SPDX-License-Identifier: BSD-3-Clause
"""Encoders in another runtime: the features of ONNX Runtime are those of ``transform``."""

import sys

import numpy as np
import pytest

from skdeepclust import ContrastiveEncoder, DeepClusterEnsemble, export_onnx

RANDOM = np.random.RandomState(0)
PIXELS = RANDOM.randint(0, 256, (24, 9, 8, 1), np.uint8)
INPUTS = {
    "uint8": PIXELS,  # doubled in size, since they are tiny
    "dark": PIXELS // 5,
    "unit": (PIXELS / 255).astype(np.float32),
    "range": RANDOM.uniform(-40, 3000, (24, 13, 12, 3)).astype(np.float32),
    "bands": (RANDOM.uniform(0, 1, (24, 13, 12, 2)) * [1000, 7]).astype(np.float32),
    "table": RANDOM.normal(1e4, 1, (24, 5)),
}


@pytest.fixture(scope="module")
def encoders():
    return {
        name: ContrastiveEncoder(
            3, layers=("instance", "backbone", "cluster"), max_epochs=1, batch_size=12, device="cpu", random_state=0
        ).fit(X)
        for name, X in INPUTS.items()
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore::DeprecationWarning:onnxscript")
@pytest.mark.parametrize("name", ["uint8", "dark", "range", "bands", "table"])
def test_other_runtimes_find_the_same_features(encoders, name, tmp_path):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    encoder, X = encoders[name], INPUTS[name]
    export_onnx(encoder, tmp_path / "encoder.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["encoder.onnx"]
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    for n in (1, 5, 24):
        (features,) = session.run(["features"], {"X": X[:n]})
        np.testing.assert_allclose(features, encoder.transform(X[:n]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", INPUTS)
def test_the_module_that_is_exported_reads_raw_rows(encoders, name):
    """The same without ONNX: scaling in torch is what the reader does."""
    import torch

    from skdeepclust.nn.raw_input import RawInputNetwork

    encoder, X = encoders[name], INPUTS[name]
    module = RawInputNetwork(encoder.network_, encoder.reader_, encoder.layers).eval()
    with torch.no_grad():
        features = module(torch.from_numpy(X))
    np.testing.assert_allclose(features, encoder.transform(X), atol=1e-5, rtol=1e-5)


def test_what_has_no_network_of_its_own_is_refused(tmp_path):
    with pytest.raises(TypeError, match="got DeepClusterEnsemble. Of an ensemble, pass its encoder_"):
        export_onnx(DeepClusterEnsemble(), tmp_path / "model.onnx")


def test_without_onnx(encoders, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'skdeepclust\[onnx\]'"):
        export_onnx(encoders["table"], tmp_path / "model.onnx")
