# SPDX-License-Identifier: BSD-3-Clause
"""Make the benchmarks importable, which are not installed; without them there is nothing to test here."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
collect_ignore_glob = [] if (ROOT / "benchmarks" / "speed").exists() else ["test_*.py"]
sys.path.insert(0, str(ROOT))
