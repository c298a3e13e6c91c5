# SPDX-License-Identifier: BSD-3-Clause
"""The results file: one JSON record per measurement, written as it comes."""

import json
import os
from pathlib import Path

from ..quality.records import machine as plain_machine
from ..quality.records import versions, write
from .limits import n_cores
from .measurement import Measurement

__all__ = ["key_of", "machine", "read", "versions", "write"]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def key_of(record):
    """Key of the measurement that a record answers."""
    return Measurement(**{name: record[name] for name in Measurement.__dataclass_fields__}).key()


def read(path):
    """Records of the file by key; none if there is no file."""
    if path is None or not path.exists():
        return {}
    return {key_of(record): record for record in json.loads(path.read_text(encoding="utf-8"))}


def processor():
    """Model of the processor, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)


def machine():
    """What seconds depend on: the machine and the numbers of threads asked for."""
    threads = {name: os.environ[name] for name in THREADS if name in os.environ}
    return plain_machine() | {"model": processor(), "usable_cores": n_cores(), "threads": threads}
