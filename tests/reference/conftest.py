# SPDX-License-Identifier: BSD-3-Clause
"""Make the slow twins beside this file importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
