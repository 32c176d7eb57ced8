"""A comparison as rows of text, Markdown and CSV."""

from __future__ import annotations

import csv
import io

from afp_hw.compare.comparison import Comparison, Row

Cells = tuple[str, ...]


def header(comparison: Comparison) -> Cells:
    """Headings of :func:`rows`."""
    ratios = [f"to {name}" for name in comparison.references]
    figures = ("µm²", "NAND2", "ns", "fJ", "glitches", "µm² × pJ")
    return ("format", *figures, *ratios, "options, recipe")


def options_text(row: Row) -> str:
    """How the best element is built, and the recipe: what the module's name says of it."""
    best = row.best
    design, sums, options = best.mapped.name.partition("_k")
    tail = options.partition("_")[2] if sums else design.rpartition("_s")[2]
    if not sums:
        tail = f"s{tail}"
    return f"{tail or 'default'}, {best.mapped.recipe}" + ("" if best.meets else " (late)")


def rows(comparison: Comparison) -> list[Cells]:
    """Text of the table. A ratio is area and energy (with glitches) of this row to the other."""
    references = comparison.references
    found = []
    for row in comparison.rows:
        f = row.figures()
        ratios = [_ratio(row, reference) for reference in references.values()]
        found.append(
            (
                row.subject.name,
                _figure(f["area_um2"]),
                _figure(f["area_nand2"]),
                f"{f['delay_ns']:.2f}",
                _figure(f["energy_fj"]),
                _figure(f["energy_glitch_fj"]),
                _figure(f["area_energy"] / 1000),
                *ratios,
                options_text(row),
            )
        )
    return found


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(row: Row, reference: Row) -> str:
    mine, other = row.figures(), reference.figures()
    return " / ".join(f"{mine[key] / other[key]:.2f}" for key in ("area_um2", "energy_glitch_fj"))


def penalty_lines(comparison: Comparison) -> list[str]:
    """The fits, a line each, with the format that fits worst."""
    lines = []
    for fit in comparison.penalty_fits():
        parts = " + ".join(
            f"{value:.4g}" if name == "constant" else f"{value:.4g} {name}"
            for name, value in fit.coefficients.items()
        ).replace("+ -", "- ")
        worst = max(fit.residuals, key=lambda name: abs(fit.residuals[name]))
        lines.append(f"{fit.figure} = {parts}; worst {worst}: {fit.residuals[worst]:+.1%}")
    return lines


def markdown(comparison: Comparison) -> str:
    """The table, the fits and their residuals."""
    heads = header(comparison)
    lines = [comparison.title, "", f"| {' | '.join(heads)} |"]
    lines.append("|---|" + "---:|" * (len(heads) - 2) + "---|")
    lines += [f"| {' | '.join(row)} |" for row in rows(comparison)]
    lines += ["", f"Critical path: {', '.join(_delay_sources(comparison))}.", ""]
    fits = comparison.penalty_fits()
    if fits:
        lines += [f"- {line}" for line in penalty_lines(comparison)]
        names = [f"{fit.figure}, {len(fit.coefficients)} terms" for fit in fits]
        lines += ["", f"| measured less fitted | {' | '.join(names)} |"]
        lines.append("|---|" + "---:|" * len(fits))
        for key in fits[0].residuals:
            shares = " | ".join(f"{fit.residuals[key]:+.1%}" for fit in fits)
            lines.append(f"| {key} | {shares} |")
    return "\n".join(lines).rstrip() + "\n"


def _delay_sources(comparison: Comparison) -> list[str]:
    names = {"tables": "our own analysis of the library's tables"}
    found = dict.fromkeys(row.best.mapped.delay_source for row in comparison.rows)
    return [names.get(source, source) for source in found]


def csv_text(comparison: Comparison) -> str:
    """Figures and ratios, a row each, unrounded."""
    references = comparison.references
    documents = [row.as_json(references) for row in comparison.rows]
    names = [
        key for key, value in documents[0].items() if isinstance(value, int | float | str)
    ] if documents else ["format"]  # fmt: skip
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, [*names, "design", "recipe"], extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    for document in documents:
        best = document["best"]
        writer.writerow({**document, "design": best["design"], "recipe": best["recipe"]})
    return stream.getvalue()
