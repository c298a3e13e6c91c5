# SPDX-License-Identifier: BSD-3-Clause
"""What is installed agrees with what is imported and what is written."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

import skdeepclust

PACKAGE = Path(skdeepclust.__file__).parent
ROOT = Path(__file__).resolve().parents[1]
IMPORT_NAME = {"scikit-learn": "sklearn", "pillow": "PIL"}  # where it differs from the distribution's


def requirements():
    """Pairs (import name, extra or None) of the installed distribution."""
    out = []
    for line in importlib.metadata.requires("skdeepclust"):
        name = re.match(r"[A-Za-z0-9_.-]+", line)[0].lower()
        extra = re.search(r"extra == ['\"](\w+)['\"]", line)
        out.append((IMPORT_NAME.get(name, name.replace("-", "_")), extra and extra[1]))
    return out


def imported_by(folder):
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"skdeepclust", "tests", "benchmarks"}


def test_version_is_the_one_installed():
    assert importlib.metadata.version("skdeepclust") == skdeepclust.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", skdeepclust.__version__)


def test_nothing_is_imported_that_is_not_declared():
    declared = {name for name, extra in requirements() if extra not in ("test", "docs", "bench")}
    assert imported_by(PACKAGE) <= declared


def test_tests_import_only_what_their_extra_installs():
    declared = {name for name, extra in requirements() if extra in (None, "test")}
    own = {path.stem for path in Path(__file__).parent.rglob("*.py")}
    assert imported_by(Path(__file__).parent) <= declared | own


def test_type_marker_is_installed():
    assert (PACKAGE / "py.typed").exists()


def test_command_line_is_declared():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="skdeepclust")
    assert script.value == "skdeepclust.cli:main"
    assert callable(script.load())


@pytest.mark.skipif(not (ROOT / "constraints.txt").exists(), reason="the tests run away from the repository")
def test_constraints_pin_every_requirement_plainly():
    lines = [s for s in (ROOT / "constraints.txt").read_text().splitlines() if s and not s.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", s) for s in lines), "name==version, no local suffix"
    pinned = {s.split("==")[0].lower().replace("_", "-") for s in lines}
    required = {IMPORT_NAME.get(n, n) for n, extra in requirements() if extra in (None, "test")}
    assert required <= {IMPORT_NAME.get(n, n.replace("-", "_")) for n in pinned}
