# SPDX-License-Identifier: BSD-3-Clause
import os
import subprocess
import sys

import pytest

SCRIPT = """
import skdeepclust
from skdeepclust.consensus._jit import KERNELS
skdeepclust.warm_up()
if not os.environ.get("NUMBA_DISABLE_JIT"):
    inner = {name for kernel in KERNELS for name in kernel.py_func.__code__.co_names}  # come with those that call them
    cold = {kernel.py_func.__name__ for kernel in KERNELS if not kernel.signatures} - inner
    assert len(KERNELS) > 40, len(KERNELS)
    assert not cold, cold
"""


@pytest.mark.slow
def test_every_kernel_is_compiled():
    """In a process of its own: other tests have compiled them in this one."""
    subprocess.run([sys.executable, "-c", "import os\n" + SCRIPT], check=True, env=os.environ)
