# SPDX-License-Identifier: BSD-3-Clause
"""Sphinx: ``python -m sphinx -W --keep-going -b html docs docs/_build/html``.

With ``-t online`` names of numpy, scipy, scikit-learn and torch are linked to their own documentation; without it
nothing is fetched.
"""

import os
import re
import sys
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before any of them is loaded
sys.path.insert(0, str(Path(__file__).parent))  # gallery_hooks

import skdeepclust

project = "skdeepclust"
author = "The skdeepclust developers"
project_copyright = author
version = release = skdeepclust.__version__
html_title = project

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "examples"]
templates_path = ["_templates"]
default_role = "literal"  # names in single backticks, as in the docstrings of scikit-learn
nitpicky = True
# Our own names must resolve. Those of others, and the words of a type line, are links only in an online build.
nitpick_ignore_regex = [
    ("py:.*", r"(?!skdeepclust\b).*"),
    ("py:.*", r"skdeepclust\.nn\..*"),  # inner parts that docstrings name; not all have a page
]
suppress_warnings = ["ref.citation"]  # functions name the references of their module

autosummary_generate = True
autodoc_typehints = "none"  # shapes and types stand in the docstrings
myst_enable_extensions = ["colon_fence"]
numpydoc_show_class_members = False  # templates/class.rst lists them
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "doc_module": ("skdeepclust",),
    "reference_url": {"skdeepclust": None},
    "backreferences_dir": "generated/backreferences",
    "reset_modules": ("matplotlib", "seaborn", "gallery_hooks.pin_threads"),
    "min_reported_time": 0,
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}

if tags.has("online"):  # noqa: F821 -- Sphinx puts `tags` into this file
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }

# Pages that lie outside of docs/, and where they are taken in.
TAKEN_IN = {"benchmarks/README.md": "benchmarks", "CONTRIBUTING.md": "contributing", "CHANGELOG.md": "changelog"}


def site_links(text):
    """Links of the repository's Markdown as links of the site; files of source code become plain names."""
    for path, page in TAKEN_IN.items():
        text = re.sub(rf"\]\((?:\.\./)*{re.escape(path)}(#[^)]*)?\)", rf"](/{page}.md\1)", text)
    text = re.sub(r"\]\((?:\.\./)*docs/([^)]+)\)", r"](/\1)", text)
    return re.sub(r"\[([^\]]+)\]\([^):]+\.py\)", r"`\1`", text)


def read_page(app, docname, source):
    """Rewrite the links of a Markdown page of docs/."""
    if app.env.doc2path(docname).suffix == ".md":
        source[0] = site_links(source[0])


def read_include(app, relative_path, parent_docname, content):
    """Rewrite the links of a page that is taken in."""
    content[0] = site_links(content[0])


def escape_fitted_names(app, what, name, obj, options, lines):
    """``n_clusters_`` in a type line is a name, and to reStructuredText a reference; not so in backticks."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(`+[^`]*`+)", line)
            parts[::2] = [re.sub(r"(?<![\w.])([a-zA-Z]\w*)_(?!\w)", r"\1\\_", part) for part in parts[::2]]
            lines[i] = "".join(parts)


INHERITED = {"fit_predict", "fit_transform"}  # what scikit-learn's base classes add and every user calls


def skip_member(app, what, name, obj, skip, options):
    """Leave out what scikit-learn's base classes add to every estimator."""
    if what == "class" and callable(obj) and name not in INHERITED:
        return skip or not (getattr(obj, "__module__", None) or "").startswith("skdeepclust")
    return skip


def find_warning(app, env, node, contnode):
    """Docstrings name warnings without their module."""
    name = node.get("reftarget", "")
    if node.get("refdomain") == "py" and name.endswith(("Warning", "Error")) and "." not in name:
        full = f"skdeepclust.exceptions.{name}"
        return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "class", full, node, contnode)
    return None


def setup(app):
    app.connect("source-read", read_page)
    app.connect("include-read", read_include)
    app.connect("autodoc-process-docstring", escape_fitted_names, priority=400)  # before numpydoc
    app.connect("autodoc-skip-member", skip_member)
    app.connect("missing-reference", find_warning)
