# SPDX-License-Identifier: BSD-3-Clause
"""The site builds without a warning, gallery included. It is built once, in a folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("sphinx", "numpydoc", "sphinx_gallery", "pydata_sphinx_theme", "myst_parser", "matplotlib"):
    pytest.importorskip(package, reason="needs the extra [docs]")

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "docs/examples").glob("plot_*.py"))
TAKEN_IN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")

pytestmark = [pytest.mark.docs, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder of the built site; what Sphinx generates beside its sources stays out of the repository."""
    work = tmp_path_factory.mktemp("site")
    ignore = shutil.ignore_patterns("_build", "auto_examples", "generated")
    shutil.copytree(ROOT / "docs", work / "docs", ignore=ignore)
    for name in TAKEN_IN:
        (work / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, work / name)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "html"]
    result = subprocess.run(command, cwd=work, env=os.environ, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return work / "html"


def test_every_page_is_there(site):
    pages = [path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").glob("*.md")]
    pages += [Path("api.html"), Path("generated/skdeepclust.DeepClusterEnsemble.html")]
    assert not [str(page) for page in pages if not (site / page).is_file()]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_has_run(site, example):
    """A page of the gallery has pictures only if its code was executed."""
    page = (site / f"auto_examples/{example}.html").read_text(encoding="utf-8")
    assert f"sphx_glr_{example}_001.png" in page


def test_methods_of_estimators_are_documented(site):
    page = (site / "generated/skdeepclust.USENC.html").read_text(encoding="utf-8")
    for name in ("fit", "predict", "predict_proba", "transform", "fit_predict"):
        assert f'id="skdeepclust.USENC.{name}"' in page
    assert 'id="skdeepclust.USENC.set_fit_request"' not in page
