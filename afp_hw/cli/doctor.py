"""``afp-hw doctor``: the external tools, and what the missing ones would give."""

from __future__ import annotations

import json
from typing import Any

import click

from afp_hw.cli.options import json_option
from afp_hw.tools import Finding, survey


def _entry(finding: Finding) -> dict[str, Any]:
    tool, found = finding.tool, finding.found
    return {
        "name": tool.name,
        "version": found.version if found else None,
        "where": found.where if found else None,
        "minimum": ".".join(map(str, tool.minimum)),
        "good": finding.good,
        "needed": tool.needed,
        "gives": tool.gives,
        "get": tool.get,
    }


def _state(finding: Finding) -> str:
    if finding.good:
        return "ok"
    state = "missing" if finding.found is None else "too old"
    return f"{state}, needed" if finding.tool.needed else state


def _print_table(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("tool", "version", "state", "what it gives"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        version = finding.found.version if finding.found else "-"
        table.add_row(finding.tool.name, version, _state(finding), finding.tool.gives)
    Console().print(table, markup=False)


@click.command(name="doctor")
@json_option
def command(as_json: bool) -> int:
    """List each external tool: version, whether it is good enough, what it gives, how to get it.

    Exit status 0 if `afp-hw demo` has what it needs, else 1.
    """
    findings = survey()
    if as_json:
        click.echo(json.dumps([_entry(finding) for finding in findings], indent=2))
    else:
        _print_table(findings)
        for finding in findings:
            if not finding.good:
                tool = finding.tool
                least = ".".join(map(str, tool.minimum))
                click.echo(
                    f"{tool.name}: {_state(finding)} ({least} or newer will do). "
                    f"Lost without it: {tool.gives}. To get it: {tool.get}"
                )
    lacking = [
        finding.tool.name for finding in findings if finding.tool.needed and not finding.good
    ]
    if not as_json:
        verdict = f"lacks {', '.join(lacking)}" if lacking else "has all it needs"
        click.echo(f"afp-hw demo {verdict}.")
    return 1 if lacking else 0
