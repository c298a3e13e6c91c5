# SPDX-License-Identifier: BSD-3-Clause
"""The floors of the package, held by reading its syntax trees: imports go down only, and files stay small."""

import ast
import inspect
from pathlib import Path

import pytest

import skdeepclust

PACKAGE = Path(skdeepclust.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
HOME = skdeepclust._HOME
MAX_FILE, MAX_FIT = 500, 60

FLOOR = {
    "_support": 0,
    "exceptions": 0.5,
    "consensus": 1,
    "nn": 1,
    "cluster": 2,
    "encoders": 2,
    "deep": 3,
    "plotting": 4,
    "report": 5,
    "cli": 6,
    "__main__": 7,
    # Metrics and data sets stand on the ground floor, so that every other floor may use them.
    "datasets": 0.5,
    "metrics": 0.5,
}
# Who may import which of the heavy packages, anywhere in its files.
MAY_IMPORT = {
    "torch": {"nn", "encoders", "deep", "cli", "_support"},
    "numba": {"consensus", "cluster"},
    "sklearn": set(FLOOR) - {"nn"},
}
# And who may do so inside functions only.
LAZY_ONLY = {
    ("torch", "cli"),
    ("torch", "_support"),
    ("safetensors", None),
    ("onnx", None),
    ("matplotlib", None),
    ("PIL", None),
    ("jinja2", None),
    ("tqdm", None),
    ("dask", None),
}


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def unit_of(path):
    """The folder or top-level module a file belongs to, for example "consensus" or "cli"."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports_of(path):
    """Yield (absolute dotted module, at module level) for every import statement of a file."""
    tree = tree_of(path)
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f) if n is not f}
    package = ("skdeepclust", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        lazy = id(node) in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, not lazy
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "skdeepclust":  # "from .. import nn" names the folder in the list
                for alias in node.names:
                    yield f"skdeepclust.{alias.name}", not lazy
            else:
                yield module, not lazy


def relative(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_go_down_only(path):
    unit = unit_of(path)
    if unit == "__init__":
        assert not [m for m, _ in imports_of(path) if m.startswith("skdeepclust")], "the top imports by name only"
        return
    assert unit in FLOOR, f"{unit} has no floor: give it one in tests/test_architecture.py"
    for module, _ in imports_of(path):
        parts = module.split(".")
        if parts[0] != "skdeepclust" or parts[1] == unit or parts[1].startswith("__"):
            continue
        target = HOME.get(parts[1], parts[1]).partition(".")[0]  # a public name stands for the folder it lives in
        assert target in FLOOR, f"{target} has no floor: give it one in tests/test_architecture.py"
        assert FLOOR[target] < FLOOR[unit], f"{relative(path)} ({FLOOR[unit]}) imports {module} ({FLOOR[target]})"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_heavy_packages_stay_where_they_belong(path):
    unit = unit_of(path)
    for module, at_top in imports_of(path):
        name = module.split(".")[0]
        allowed = MAY_IMPORT.get(name)
        assert allowed is None or unit in allowed, f"{relative(path)} imports {module}; only {sorted(allowed)} may"
        if at_top:
            lazy = {(name, unit), (name, None)} & LAZY_ONLY
            assert not lazy, f"{relative(path)} imports {module} at module level; move it into the function"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_inner_imports_are_relative(path):
    """Otherwise the floors above could not be read off the syntax tree of a moved package."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            assert not [a.name for a in node.names if a.name.split(".")[0] == "skdeepclust"]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.split(".")[0] != "skdeepclust", f"line {node.lineno}: write it with dots"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_and_fits_stay_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE, f"{relative(path)} has {lines} lines: which concept wants a file of its own?"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef) and node.name == "fit":
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FIT, f"{relative(path)}:{node.lineno} fit has {length} lines: name its steps"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_prints_and_no_asserts(path):
    for node in ast.walk(tree_of(path)):
        assert not isinstance(node, ast.Assert), f"{relative(path)}:{node.lineno} raise ValueError or TypeError instead"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            assert unit_of(path) in ("cli", "__main__"), f"{relative(path)}:{node.lineno} prints; use logging"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_licence_line(path):
    assert path.read_text(encoding="utf-8").startswith("# SPDX-License-Identifier: BSD-3-Clause\n")


def test_every_public_estimator_takes_the_common_checks():
    """Compare ``__all__`` with the classes that tests/test_common_*.py hand to ``parametrize_with_checks``."""
    checked = set()
    for path in sorted(Path(__file__).parent.glob("test_common_*.py")):
        tree = tree_of(path)
        assert "parametrize_with_checks" in {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}, path.name
        checked |= {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    public = {name for name in skdeepclust.__all__ if inspect.isclass(getattr(skdeepclust, name))}
    assert public <= checked, f"without common checks: {sorted(public - checked)}"
