# SPDX-License-Identifier: BSD-3-Clause
"""What sphinx-gallery calls before every example; named by its path in conf.py, so that the configuration pickles."""


def pin_threads(gallery_conf, fname):
    """One thread per library: two thread pools on a busy machine are far slower than none."""
    import numba
    import torch

    torch.set_num_threads(1)
    numba.set_num_threads(1)
