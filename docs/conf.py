"""Sphinx configuration; build with `python -m sphinx -W docs docs/_build/html`."""

import os
import sys
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import diffsim

project = "diffsim"
author = "diffsim contributors"
copyright = "diffsim contributors, MIT licence"
release = version = diffsim.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "myst_nb",
]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Notebooks are stored executed; the build does not simulate.
nb_execution_mode = "off"

source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
# The MyST source of a notebook stands beside it, and the fragments of docs/_generated are included.
exclude_patterns = ["_build", "_generated", "scripts", "notebooks/*.md", "jupyter_execute"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autoclass_content = "class"
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_title = "diffsim"
html_sidebars = {"**": []}
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}

# Docstrings are plain text: `name` is code, and what is indented is a formula.
default_role = "code"


def _as_written(app, what, name, obj, options, lines):
    """Keep the bars and the indented formulae of a docstring as they were written."""
    written, before = [], ""
    for line in lines:
        indented = line.startswith("    ")
        if indented and written[-1:] != [""] and not before.startswith("    "):
            pass  # a continuation
        elif indented and before and not before.startswith((" ", "-")):
            written += ["::", ""]
        literal = indented and "::" in written[-60:]
        written.append(line if literal else line.replace("|", "\\|"))
        before = line if line.strip() else before
    lines[:] = written


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _as_written)
