# SPDX-License-Identifier: BSD-3-Clause
"""A cluster of two worker processes on this machine, and the helpers beside this file."""

import multiprocessing
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The client of a local cluster; every dask computation of the module runs there."""
    distributed = pytest.importorskip("distributed")
    folder = str(tmp_path_factory.mktemp("workers"))
    before = set(multiprocessing.active_children())
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, local_directory=folder
        ) as cluster,
        distributed.Client(cluster, timeout=60) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield client
    assert set(multiprocessing.active_children()) <= before, "a worker process outlived its cluster"
