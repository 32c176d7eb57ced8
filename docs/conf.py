"""Sphinx: the pages of this folder, and references made of docstrings and commands.

Pages are plain Markdown first: a forge shows them as they are, and Sphinx adds what is generated.
Nothing is fetched from a network, and a warning is an error (`make docs`).
"""

import inspect
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature

from afp_hw import __version__

project = "afp-hw"
author = "the authors of afp-hw"
copyright = author  # Sphinx's name; without a year, so that the same input gives the same pages
version = release = __version__
language = "en"
smartquotes = False  # an option begins with two hyphens, not with a dash

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
default_role = "code"  # `name` in a docstring is a name

# A place for each heading, so that pages can point into one another.
myst_heading_anchors = 3
# Plain blocks are output of commands, tables and formulas.
highlight_language = "none"

autodoc_class_signature = "mixed"
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
add_module_names = False

napoleon_google_docstring = False
# The first three are what a hardware component says beyond its parameters (CONTRIBUTING.md). What
# a function returns is prose in this project, not a list of types.
napoleon_custom_sections = [("Members", "params_style"), "Timing", "Widths", "Returns"]

html_theme = "furo"
html_title = f"afp-hw {release}"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False


def signature(
    _app: object, what: str, _name: str, thing: Any, _options: object, *_found: str | None
) -> tuple[str, str] | None:
    """Parameters and types as the source has them; of a component those of its constructor.

    Autodoc would resolve the names of types, `ArrayLike` to two lines, and takes the parameters of
    an Amaranth component from its metaclass.
    """
    if what not in {"class", "function", "method"}:
        return None
    try:
        own = what == "class" and "__init__" in vars(thing)
        found = inspect.signature(thing.__init__ if own else thing)
    except ValueError:  # an enumeration
        return None
    parameters = list(found.parameters.values())
    if own or (what == "method" and parameters[:1] and parameters[0].name == "self"):
        parameters = parameters[1:]
    # A module of hardware has types as objects, whose names would be whole paths.
    parameters = [
        each if isinstance(each.annotation, str) else each.replace(annotation=each.empty)
        for each in parameters
    ]
    returns = inspect.Signature.empty if what == "class" else found.return_annotation
    bare = found.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    text = stringify_signature(bare, unqualified_typehints=True)
    # Defaults: a function by its name, one without a name and a factory not at all.
    text = re.sub(r"<(function <lambda>|factory)>", "...", re.sub(r"<function (\w+)>", r"\1", text))
    return text, returns if isinstance(returns, str) else ""


def untyped(
    _app: object, what: str, _name: str, _thing: object, _options: object, lines: list[str]
) -> None:
    """Napoleon takes what stands before a colon for a type, in one line about an attribute."""
    if what in {"attribute", "property", "data"}:
        lines[:0] = ["..", ""]  # an empty comment


def escape(_app: object, _context: object, lines: list[str]) -> None:
    """Texts of commands are for a terminal: an asterisk in them is an asterisk."""
    lines[:] = [line.replace("*", r"\*") for line in lines]


def setup(app: Sphinx) -> None:
    """Connect to what autodoc, napoleon and sphinx-click are about to do."""
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", untyped, priority=400)  # napoleon: 500
    for part in ("description", "options", "arguments"):
        app.connect(f"sphinx-click-process-{part}", escape)
