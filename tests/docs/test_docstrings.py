# SPDX-License-Identifier: BSD-3-Clause
"""numpydoc's own checks on everything public, so that the reference pages say what the code does."""

import importlib
import inspect
import re

import pytest

import skdeepclust

validate = pytest.importorskip("numpydoc.validate", reason="needs the extra [docs]").validate

MODULES = [f"skdeepclust{name}" for name in ("", ".datasets", ".encoders", ".metrics", ".plotting", ".report")]
IGNORED = {
    "ES01": "one line can be enough",
    "RT02": "return values have names, as in scikit-learn, so that their descriptions can refer to them",
    "RT03": "`self`, and arrays whose name and shape say what they are",
    "SS05": "a summary may be a noun: 'Shares of the clusters' is none of the verbs it looks for",
    "PR08": "a description may begin with a symbol of the paper or the name of a package",
}
IGNORED_OF_FUNCTIONS = {**IGNORED, "SA01": "a function may have no neighbours"}
IGNORED_OF_METHODS = {**IGNORED, "SA01": "see the class", "EX01": "see the class"}
# Examples run without extras, and these need one; the gallery and the guide show them.
WITHOUT_EXAMPLE = re.compile(r"export_onnx|\w+Display")


def public_objects():
    """(dotted name, ignored checks) of public classes, their own methods and properties, and functions."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            thing = getattr(module, name)
            no_example = {"EX01"} if WITHOUT_EXAMPLE.fullmatch(name) else set()
            if inspect.isfunction(thing):
                yield f"{module_name}.{name}", IGNORED_OF_FUNCTIONS.keys() | no_example
            elif inspect.isclass(thing):
                yield f"{module_name}.{name}", IGNORED.keys() | no_example
                for method, member in inspect.getmembers(thing):
                    home = getattr(member, "__module__", None) or ""
                    own = isinstance(member, property) or home.startswith("skdeepclust")
                    if not method.startswith("_") and own:
                        yield f"{module_name}.{name}.{method}", IGNORED_OF_METHODS


@pytest.mark.parametrize(("name", "ignored"), [pytest.param(*case, id=case[0]) for case in public_objects()])
def test_docstring_is_valid(name, ignored):
    wrong = [f"{code}: {text}" for code, text in validate(name)["errors"] if code not in ignored]
    assert not wrong, f"{name}: " + "; ".join(wrong)


def test_every_public_class_is_looked_at():
    found = {name for name, _ in public_objects()}
    assert {f"skdeepclust.{name}" for name in skdeepclust._HOME} <= found
    assert "skdeepclust.DeepClusterEnsemble.fit" in found
