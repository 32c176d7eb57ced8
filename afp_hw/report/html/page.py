"""What a page is made of: sections of charts, tables and facts. Data only; `render` writes it.

Conventions of a page
---------------------
* A kind of document has one module, ``<kind>_page.py``, with one function ``<kind>_page(document)
  -> Page``, which stands in :data:`afp_hw.report.html.kinds.PAGES`.
* A page begins with its answer: `headline` is computed from the numbers and never a fixed sentence;
  `lead` says for whom it holds; `figures` are the three to six numbers to remember.
* A section asks one question (its title) and has what answers it. A document without the data has
  no such section: functions that make sections give None then, and `Page.of` leaves it out.
* A chart is made with Altair by a function of ``*_charts.py`` and passes through `chart`, which
  takes what all charts share away. Its records are plain dicts, with units in the titles of axes
  and each number in the tooltip. Records that several charts show go into `Page.datasets` under a
  name (``alt.NamedData``), so that the file has them once. Parameters are named by hand: Altair
  would count them, and a second page of a process would have other bytes.
* Colours are those of ``style.css``, as ``var(--afp)``: light, dark and print follow it by
  themselves. Whatever a colour says, a shape, a label or a table says too.
* A table's columns are :class:`Column`; numbers are right-aligned, ``None`` is a dash that
  sorts last.
* Names (of sections, charts, tables) are unique on a page and the same for the same input: they
  are the identifiers that links, tests and the script use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

Record = Mapping[str, Any]
"""A row: values by the name of their column or field."""


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification.

    Attributes
    ----------
    name
        Unique on the page.
    title
        What it shows, without units.
    spec
        As :func:`.charts.chart` gives it.
    caption
        How to read it, or what stands out; may be empty.
    legend
        Labels and colours, where the page and not the chart has the legend: it breaks into lines.
    """

    kind: ClassVar[str] = "chart"
    name: str
    title: str
    spec: Mapping[str, Any]
    caption: str = ""
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    key
        Of its value in a row.
    heading, unit
        What stands above it; the unit may be empty.
    digits
        After the point; None for text.
    wrap
        Text that may take several lines: sentences.
    """

    key: str
    heading: str
    digits: int | None = None
    unit: str = ""
    wrap: bool = False

    def show(self, value: Any) -> str:
        """A value as it is printed: thousands with commas, a dash for None."""
        if value is None:
            return "–"
        if self.digits is None or isinstance(value, str):
            return str(value)
        return f"{value:,.{self.digits}f}"


@dataclass(frozen=True)
class Table:
    """Rows that can be sorted; one whose ``total`` is True stays at the foot.

    Attributes
    ----------
    name
        Unique on the page.
    title
        What the rows are.
    columns, rows
        A row has a value by each column's key. What it lacks is a dash, in a total nothing.
    caption
        How to read it; may be empty.
    tall
        It scrolls in a box of its own, so that a long one does not push the page apart.
    """

    kind: ClassVar[str] = "table"
    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Record]
    caption: str = ""
    tall: bool = False

    @property
    def body(self) -> list[Record]:
        """Rows without totals."""
        return [row for row in self.rows if row.get("total") is not True]

    @property
    def foot(self) -> list[Record]:
        """Totals."""
        return [row for row in self.rows if row.get("total") is True]


@dataclass(frozen=True)
class Facts:
    """Terms and what they are: pairs of text."""

    kind: ClassVar[str] = "facts"
    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Code:
    """Text as it was typed: commands, a configuration; `folded` ones open on a click."""

    kind: ClassVar[str] = "code"
    title: str
    text: str
    folded: bool = False


@dataclass(frozen=True)
class Grid:
    """Blocks beside one another where there is room: two, or three where they are `small`."""

    kind: ClassVar[str] = "grid"
    blocks: Sequence[Chart | Facts | Table]
    small: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several panels, chosen by a list.

    Attributes
    ----------
    name
        Unique on the page.
    label
        What is chosen.
    panels
        Label and blocks; the first one is shown at the beginning.
    """

    kind: ClassVar[str] = "choice"
    name: str
    label: str
    panels: Sequence[tuple[str, Sequence[Block]]]


Block = Chart | Table | Facts | Code | Grid | Choice


@dataclass(frozen=True)
class Section:
    """A question and its answer; `text` may be empty."""

    name: str
    title: str
    blocks: Sequence[Block]
    text: str = ""


@dataclass(frozen=True)
class Figure:
    """A number to remember: `value` as printed, `label` below it, `note` smaller still."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes
    ----------
    title
        Of the window and above the headline.
    headline
        The answer in a sentence.
    lead
        One or two sentences more.
    figures
        Numbers to remember.
    sections
        In their order.
    datasets
        Records that several charts show, by name.
    """

    title: str
    headline: str
    lead: str
    figures: Sequence[Figure]
    sections: Sequence[Section]
    datasets: Mapping[str, Sequence[Record]] = field(default_factory=dict)

    @classmethod
    def of(cls, *, sections: Iterable[Section | None], **parts: Any) -> Page:
        """A page of those sections that there is data for."""
        return cls(sections=[part for part in sections if part is not None], **parts)

    @staticmethod
    def led(charts: Sequence[Chart]) -> list[Block]:
        """Charts in two columns; of an odd number the first one has a row of its own."""
        if len(charts) % 2 == 0:
            return [Grid(charts)]
        return [charts[0], Grid(charts[1:])] if len(charts) > 1 else [charts[0]]

    def charts(self) -> list[Chart]:
        """All charts, in their order."""
        return [block for part in self.sections for block in _within(part.blocks)]


def _within(blocks: Iterable[Block]) -> Iterator[Chart]:
    for block in blocks:
        match block:
            case Chart():
                yield block
            case Grid():
                yield from _within(block.blocks)
            case Choice():
                for _, inner in block.panels:
                    yield from _within(inner)
