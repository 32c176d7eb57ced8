"""Sphinx: the pages of this folder, and references made of docstrings and commands.

Pages are plain Markdown first: a forge shows them as they are, and Sphinx adds what is generated.
Nothing is fetched from a network, and a warning is an error (`make docs`).
"""

from afp_hw import __version__

project = "afp-hw"
author = "the authors of afp-hw"
copyright = author  # Sphinx's name; without a year, so that the same input gives the same pages
version = release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
exclude_patterns = ["_build"]
default_role = "code"  # `name` in a docstring is a name

# A section for each heading, so that pages can point into one another.
myst_heading_anchors = 3
# Plain blocks are output of commands, tables and formulas.
highlight_language = "none"

autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True  # as written, not as an object at some address
# Names of types as the code has them, not where they are defined.
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

napoleon_google_docstring = False
napoleon_use_rtype = False
# What a hardware component says beyond its parameters: CONTRIBUTING.md.
napoleon_custom_sections = [("Members", "params_style"), "Timing", "Widths"]

html_theme = "furo"
html_title = f"afp-hw {release}"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
