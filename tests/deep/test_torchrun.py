# SPDX-License-Identifier: BSD-3-Clause
"""An unchanged script under ``torchrun``: two ranks on the CPU."""

import os
import subprocess
import sys

import numpy as np
import pytest

from skdeepclust import DeepClusterEnsemble

SCRIPT = """
import os, sys
import numpy as np
from skdeepclust import DeepClusterEnsemble

images = np.load(sys.argv[1], mmap_mode="r")
model = DeepClusterEnsemble(
    3, n_estimators=4, max_epochs=2, max_time=1e6, batch_size=16, device="cpu", precision="float32", random_state=0
).fit(images)
np.savez(
    os.path.join(sys.argv[2], f"{os.environ['RANK']}.npz"),
    labels=model.labels_,
    predicted=model.predict(images),
    losses=[record["loss"] for record in model.history_],
    features=model.encoder_.transform(images),
)
"""


@pytest.mark.slow
def test_two_ranks_make_what_one_process_makes(tmp_path):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 60, (96, 12, 12), dtype=np.uint8)
    for kind in range(3):
        images[kind::3, :, 4 * kind : 4 * kind + 4] += 150
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "script.py").write_text(SCRIPT)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = [str(tmp_path / name) for name in ("script.py", "images.npy", "")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(launch + arguments, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]

    first, second = (dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    np.testing.assert_array_equal(first["labels"], first["predicted"])
    alone = DeepClusterEnsemble(
        3, n_estimators=4, max_epochs=2, batch_size=16, device="cpu", precision="float32", random_state=0
    ).fit(images)
    np.testing.assert_allclose(first["losses"], [record["loss"] for record in alone.history_], rtol=1e-4)
    np.testing.assert_allclose(first["features"], alone.encoder_.transform(images), atol=0.02)
