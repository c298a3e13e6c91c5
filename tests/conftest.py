# SPDX-License-Identifier: BSD-3-Clause
"""Threads are pinned before numpy, numba or torch can be imported; a busy machine makes them slow otherwise."""

import os
import sys

import pytest  # loads none of those

for _name, _threads in {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "2",  # two, so that parallel kernels are tested as parallel kernels
    "MPLBACKEND": "Agg",
}.items():
    os.environ.setdefault(_name, _threads)


def pytest_configure(config):
    try:
        from hypothesis import settings
    except ImportError:  # the tests that need it say so themselves
        return
    # No deadline: the first example compiles kernels. The same examples every time: a failure can be seen again.
    settings.register_profile("skdeepclust", deadline=None, derandomize=True, max_examples=50)
    settings.load_profile("skdeepclust")


@pytest.fixture(autouse=True)
def _one_torch_thread():
    """Hold torch to one thread, if a test has imported it; never import it for a test that does without."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads") and torch.get_num_threads() != 1:
        torch.set_num_threads(1)
