# SPDX-License-Identifier: BSD-3-Clause
"""Start a fresh process for a measurement, and end it when its time is over."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from .results import machine, versions

ROOT = Path(__file__).parents[2]


def run_child(wanted, folders, limit=None):
    """Record of a measurement taken in a process of its own, or one with ``error`` and ``over_limit``."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.speed.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,  # so that programs which the child has started end with it
    )
    given = json.dumps(wanted.as_dict() | {"folders": folders})
    try:
        output, errors = child.communicate(given, timeout=limit)
    except subprocess.TimeoutExpired:
        end_group(child)
        return failure(wanted, f"not done after {limit:g} s", over_limit=True)
    except BaseException:  # an interrupted benchmark leaves nothing running
        end_group(child)
        raise
    if child.returncode != 0:
        out_of_memory = child.returncode == -signal.SIGKILL  # what a system does that runs out of it
        message = f"ended with code {child.returncode}: {errors.strip()[-300:]}"
        return failure(wanted, message, over_limit=out_of_memory)
    return json.loads(output.splitlines()[-1])


def failure(wanted, message, over_limit):
    record = wanted.as_dict() | {"error": message, "over_limit": over_limit}
    return record | {"versions": versions(), "machine": machine()}


def end_group(child):
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
