# SPDX-License-Identifier: BSD-3-Clause
"""The worked examples of the developers' pages run on the present code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs/developer"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["kernel", "backbone", "method"])
def test_the_example_runs(page, tmp_path):
    """In a process of its own: a page may compile kernels, which stay registered."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    script = tmp_path / f"{page}.py"  # a file, so that kernels can be cached beside it
    script.write_text("\n".join(blocks), encoding="utf-8")
    subprocess.run([sys.executable, str(script)], check=True, env=os.environ, cwd=tmp_path)
