"""A page as one HTML file: templates, style sheet, scripts, data; the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import vl_convert

from afp_hw import __version__
from afp_hw.report.html.charts import CONFIG
from afp_hw.report.html.page import Page


def render(page: Page) -> str:
    """The file.

    Raises
    ------
    ValueError
        Two charts of one name, or a chart whose data set the page does not have.
    """
    data = {"config": CONFIG, "datasets": page.datasets, "charts": _charts(page)}
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            style=_asset("style.css"),
            script=_asset("page.js"),
            library=_library(),
            data=text.replace("<", "\\u003c"),  # no text may end the script that it stands in
            version=__version__,
        )
    )


def _charts(page: Page) -> dict[str, Any]:
    """Specifications by name, each with the names of the page's data sets that it shows."""
    found: dict[str, Any] = {}
    for chart in page.charts():
        if chart.name in found:
            raise ValueError(f"Page.charts must have names of their own, not {chart.name!r} twice")
        named = sorted(set(_named_data(chart.spec)) - chart.spec.get("datasets", {}).keys())
        for name in named:
            if name not in page.datasets:
                raise ValueError(f"Page.datasets must have {name!r}, not {sorted(page.datasets)}")
        found[chart.name] = {"spec": chart.spec, "data": named}
    return found


def _named_data(spec: Any) -> Iterator[str]:
    if isinstance(spec, dict):
        data = spec.get("data")
        if isinstance(data, dict) and isinstance(data.get("name"), str):
            yield data["name"]
        for part in spec.values():
            yield from _named_data(part)
    elif isinstance(spec, list):
        for part in spec:
            yield from _named_data(part)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("afp_hw.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _asset(name: str) -> str:
    return (files("afp_hw.report.html") / "templates" / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for what may be left out
    if "</script" in bundle.lower():
        raise RuntimeError("the bundle of Vega must not end the script that it stands in")
    return bundle
