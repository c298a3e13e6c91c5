# SPDX-License-Identifier: BSD-3-Clause
"""Links of the Markdown pages lead somewhere, and the reference names everything public. Nothing is fetched."""

import importlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from skdeepclust._support import _warnings

ROOT = Path(__file__).parents[2]
GENERATED = {"_build", "auto_examples", "generated"}
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob("benchmarks/**/*.md"), *ROOT.glob("docs/**/*.md")]
    if not GENERATED & set(page.relative_to(ROOT).parts)
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)]+)\)")


def text_of(page):
    """The page without fenced code, where brackets are no links."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors_of(page):
    """Anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ +(.+?) *$", text_of(page), flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = []
    for link in LINK.findall(text_of(page)):
        parts = urlsplit(link)
        if parts.scheme:
            good = parts.scheme == "https" and "." in parts.netloc
        else:
            target = page if not parts.path else (page.parent / parts.path).resolve()
            good = target.is_file() and (not parts.fragment or parts.fragment in anchors_of(target))
        if not good:
            broken.append(link)
    assert not broken, f"{page.relative_to(ROOT)} links to {broken}"


def test_there_are_links():
    assert sum(len(LINK.findall(text_of(page))) for page in PAGES) > 50


@pytest.mark.parametrize("module", ["", ".datasets", ".encoders", ".metrics", ".plotting", ".report"])
def test_the_reference_names_everything_public(module):
    words = set(re.findall(r"[\w.]+", (ROOT / "docs/api.rst").read_text(encoding="utf-8")))
    submodules = {"datasets", "metrics"}
    missing = set(importlib.import_module(f"skdeepclust{module}").__all__) - words - submodules
    assert not missing, f"docs/api.rst does not name {sorted(missing)} of skdeepclust{module}"


def test_the_reference_names_every_warning():
    words = set(re.findall(r"\w+", (ROOT / "docs/api.rst").read_text(encoding="utf-8")))
    assert {name for name in vars(_warnings) if name.endswith("Warning") and name != "UserWarning"} <= words
