# SPDX-License-Identifier: BSD-3-Clause
"""Peak memory of the running process while something runs, beyond what it held before; and a limit on it."""

import ctypes
import gc
import resource
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

STATUS = Path("/proc/self/status")
SAMPLE_SECONDS = 0.02


def status_mib(field):
    """A field of /proc/self/status in MiB, or None where there is none."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith(field + ":")]
    return int(found[0][1]) / 1024 if found else None


def largest_mib():
    """Largest resident set since the start of the process."""
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def forget_peak():
    """Set the high-water mark back to the memory now in use; returns whether the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def give_back():
    """Return freed memory to the system, so that what follows cannot use it unseen."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):  # not the C library of GNU
        return


@contextmanager
def private_memory(limit):
    """Let the process have no more than `limit` bytes of private memory, files mapped for reading not counted."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


class PeakGrowth:
    """Context that measures the growth of the largest resident set.

    Attributes
    ----------
    mib : float
        Growth of the resident set, pages of mapped files included, over that at the start. Without
        /proc/self/clear_refs it is the growth of the largest set ever, which misses what stays below earlier peaks.
    anonymous_mib : float or None
        Growth of private memory alone, sampled every 20 ms; only if `sample`.
    """

    def __init__(self, sample=False):
        self.sample = sample
        self.mib = self.anonymous_mib = None

    def __enter__(self):
        give_back()
        self.resets = forget_peak()
        self.before = status_mib("VmRSS") if self.resets else largest_mib()
        if self.sample:
            self.stop = threading.Event()
            self.private = self.most = status_mib("RssAnon") or 0.0
            self.sampler = threading.Thread(target=self.watch, daemon=True)
            self.sampler.start()
        return self

    def watch(self):
        while not self.stop.wait(SAMPLE_SECONDS):
            self.most = max(self.most, status_mib("RssAnon") or 0.0)

    def __exit__(self, *error):
        self.mib = (status_mib("VmHWM") if self.resets else largest_mib()) - self.before
        if self.sample:
            self.stop.set()
            self.sampler.join()
            self.anonymous_mib = self.most - self.private
