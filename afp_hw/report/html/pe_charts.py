"""Charts of one processing element: blocks, widths, histograms, critical path, waveform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from afp_hw.report.html.charts import HEIGHT, ROW_HEIGHT, chart
from afp_hw.report.html.page import Chart, Record

BLOCKS: Final = {
    "decode": "var(--series-2)",
    "exponent adder": "var(--series-4)",
    "multiplier": "var(--series-3)",
    "shifter": "var(--series-5)",
    "adder tree": "var(--int)",
    "accumulator": "var(--series-1)",
    "edge": "var(--line)",
    "other": "var(--series-6)",
    "input": "var(--soft)",
}
"""Colour of a block, the same in all charts, in the order of the data."""

_WIDE: Final = "width > 640"
"""Whether there is room for numbers to lie; else they stand."""

_DIGIT: Final = 7
"""What a digit of the waveform takes, pixels."""


def _rows(values: Sequence[Record]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[dict(value) for value in values]))


def block_color(found: Sequence[str]) -> alt.Color:
    """Colour by `block`, of those that there are; the legend is the page's."""
    names = _present(found)
    scale = alt.Scale(domain=names, range=[BLOCKS[name] for name in names])
    return alt.Color("block:N", scale=scale, legend=None)


def _present(found: Sequence[str]) -> list[str]:
    return [name for name in BLOCKS if name in found]


def share_chart(
    name: str, title: str, rows: Sequence[Record], unit: str, caption: str = ""
) -> Chart:
    """Bars of `value` by `block`, each with its share written behind it."""
    order = [row["block"] for row in rows]
    total = sum(row["value"] for row in rows) or 1.0
    values = [{**row, "share": f"{row['value'] / total:.1%}"} for row in rows]
    base = _rows(values).encode(
        x=alt.X("value:Q", title=unit).scale(domainMin=0, nice=True),
        y=alt.Y("block:N", sort=order, title=None),
    )
    told = [
        alt.Tooltip("block:N"),
        alt.Tooltip("value:Q", title=unit, format=",.1f"),
        alt.Tooltip("share:N"),
    ]
    bars = base.mark_bar(height={"band": 0.7}).encode(color=block_color(order), tooltip=told)
    texts = base.mark_text(align="left", dx=5, fontSize=12).encode(text="share:N")
    made = alt.layer(bars, texts).properties(height=ROW_HEIGHT * len(rows) + 8)
    # Room for the share behind the longest bar.
    return chart(name, title, made.properties(padding={"right": 44}), caption)


def width_chart(rows: Sequence[Record], caption: str) -> Chart:
    """Which bits of the grid each number on the way has: `what`, `low`, `high`, `text`."""
    order = [row["what"] for row in rows]
    y = alt.Y("what:N", sort=order, title=None)
    base = _rows(rows)
    bars = base.mark_bar(height={"band": 0.7}, color="var(--afp)").encode(
        x=alt.X("low:Q", title="bits from the grid upwards").scale(nice=False),
        x2="high:Q",
        y=y,
        tooltip=[alt.Tooltip("what:N"), alt.Tooltip("text:N", title="width")],
    )
    texts = base.mark_text(align="left", dx=5).encode(x="high:Q", y=y, text="text:N")
    made = alt.layer(bars, texts).properties(
        height=ROW_HEIGHT * len(rows) + 8, padding={"right": 52}
    )
    return chart("widths-chart", "Bits on the way to the sum", made, caption)


def histogram_chart(
    name: str,
    title: str,
    histogram: Mapping[str, Any],
    points: Sequence[Record],
    caption: str,
    axis: str = "value",
) -> Chart:
    """Counts of real numbers on a logarithmic axis, and a line at each number of the format."""
    edges, counts = histogram["edges"], histogram["counts"]
    bins = [
        {"from": edges[index], "to": edges[index + 1], "count": count, "floor": 0.7}
        for index, count in enumerate(counts)
        if count
    ]
    reach = [edges[0], edges[-1]]
    for point in points:
        reach = [min(reach[0], point["value"]), max(reach[1], point["value"])]
    x = alt.X("from:Q", title=axis, scale=alt.Scale(domain=reach, nice=False))
    bars = (
        _rows(bins)
        .mark_bar(color="var(--afp)", opacity=0.85)
        .encode(
            x=x,
            x2="to:Q",
            y=alt.Y("count:Q", title="how many").scale(type="log", domainMin=0.7),
            y2="floor:Q",
            tooltip=[
                alt.Tooltip("from:Q", format=".4g"),
                alt.Tooltip("to:Q", format=".4g"),
                alt.Tooltip("count:Q", format=","),
            ],
        )
    )
    lines = (
        _rows(points)
        .mark_rule(color="var(--int)", opacity=0.55, strokeWidth=1.2)
        .encode(
            x=alt.X("value:Q"),
            tooltip=[
                alt.Tooltip("bits:N", title="code"),
                alt.Tooltip("value:Q", format=".6g"),
                alt.Tooltip("uses:Q", title="rounded to it", format=","),
            ],
        )
    )
    layers = [lines, bars] if points else [bars]
    return chart(name, title, alt.layer(*layers).properties(height=HEIGHT - 60), caption)


def path_chart(path: Mapping[str, Any], caption: str) -> Chart:
    """The path through time, a row a block: each bar is one cell."""
    rows, before = [], 0.0
    for stage in path["stages"]:
        rows.append(
            {
                "block": stage["block"],
                "from": round(before, 3),
                "to": round(stage["arrival_ps"], 3),
                "cell": cell_name(stage["cell"]),
                "pins": f"{stage['from_pin']} to {stage['pin']}",
                "load": round(stage["load_ff"], 3),
            }
        )
        before = stage["arrival_ps"]
    end = path["end"]
    rows.append(
        {
            "block": end["block"],
            "from": round(before, 3),
            "to": round(path["period_ps"], 3),
            "cell": f"setup of {cell_name(end['cell'])}",
            "pins": end["pin"],
            "load": None,
        }
    )
    found = [row["block"] for row in rows]
    order = [name for name in (*BLOCKS, "output") if name in found]
    bars = (
        _rows(rows)
        .mark_bar(height={"band": 0.62}, stroke="var(--paper)", strokeWidth=1)
        .encode(
            x=alt.X("from:Q", title="ps after the clock edge").scale(nice=False),
            x2="to:Q",
            y=alt.Y("block:N", sort=order, title=None),
            color=block_color(order),
            tooltip=[
                alt.Tooltip("block:N"),
                alt.Tooltip("cell:N"),
                alt.Tooltip("pins:N"),
                alt.Tooltip("from:Q", title="from, ps", format=",.1f"),
                alt.Tooltip("to:Q", title="to, ps", format=",.1f"),
                alt.Tooltip("load:Q", title="load, fF", format=".1f"),
            ],
        )
    )
    made = bars.properties(height=(ROW_HEIGHT + 10) * len(order) + 8)
    return chart("path-chart", "The critical path, cell by cell", made, caption)


def toggle_chart(cycles: Sequence[Mapping[str, Any]], caption: str) -> Chart:
    """Toggles of each cycle, stacked by block."""
    rows = [
        {"cycle": cycle["cycle"], "block": block, "toggles": count, "place": place}
        for cycle in cycles
        for place, block in enumerate(BLOCKS)
        if (count := cycle["toggles"].get(block, 0))
    ]
    found = sorted({row["block"] for row in rows})
    bars = (
        _rows(rows)
        .mark_bar()
        .encode(
            x=alt.X("cycle:O", title="cycle", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("toggles:Q", title=None),
            color=block_color(found),
            order=alt.Order("place:Q"),
            tooltip=[alt.Tooltip("cycle:O"), alt.Tooltip("block:N"), alt.Tooltip("toggles:Q")],
        )
    )
    made = bars.properties(height=HEIGHT - 60)
    legend = [(name, BLOCKS[name]) for name in _present(found)]
    return chart("toggles-chart", "Toggles in each cycle, by block", made, caption, legend)


def wave_chart(
    signals: Sequence[tuple[str, Sequence[str]]], cycles: Sequence[int], caption: str
) -> Chart:
    """A row a signal, a cell a cycle with what it was; an empty cell is a 0 of one bit."""
    rows = [
        {"signal": name, "cycle": cycle, "text": text, "busiest": cycle == 0}
        for name, texts in signals
        for cycle, text in zip(cycles, texts, strict=True)
    ]
    order = [name for name, _ in signals]
    x = alt.X("cycle:O", title="cycle", axis=alt.Axis(labelAngle=0))
    y = alt.Y("signal:N", sort=order, title=None, axis=alt.Axis(grid=False))
    base = _rows(rows)
    cells = base.mark_rect(stroke="var(--soft)", strokeWidth=0.6).encode(
        x=x,
        y=y,
        fill=alt.condition("datum.busiest", alt.value("var(--int)"), alt.value("var(--panel)")),
        fillOpacity=alt.condition("datum.busiest", alt.value(0.28), alt.value(1.0)),
        tooltip=[
            alt.Tooltip("signal:N"),
            alt.Tooltip("cycle:O"),
            alt.Tooltip("text:N", title="value"),
        ],
    )
    texts = base.mark_text(
        angle=alt.ExprRef(f"{_WIDE} ? 0 : 270"),
        fontSize=11,
        baseline="middle",
    ).encode(x=x, y=y, text="text:N")
    # High enough for the longest number to stand.
    cell = max(30, 6 + _DIGIT * max(len(text) for _, texts in signals for text in texts))
    made = alt.layer(cells, texts).properties(height=cell * len(order))
    return chart("wave-chart", "What was at the ports", made, caption)


def cell_name(cell: str) -> str:
    """A cell without the name of its library: ``sky130_fd_sc_hd__nand2_1`` is ``nand2_1``."""
    return cell.rpartition("__")[2]
