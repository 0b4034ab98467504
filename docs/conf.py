"""How the docs are built: ``make docs``, warnings are errors."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "_ext"), str(Path(__file__).parent.parent)]

from biorat_al import __version__  # noqa: E402 - found by the line above

# a theme's dependency shows every message of every library
logging.getLogger("alembic").setLevel(logging.WARNING)

project = "biorat-al"
author = "the authors of biorat-al"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click", "from_code"]
exclude_patterns = ["_build", "_ext"]
nitpicky = True
# types of the signatures: the standard library's, and those of modules that are not public
nitpick_ignore_regex = [(r"py:.*", r".*")]

# two hyphens begin an option
smartquotes = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"biorat-al {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
