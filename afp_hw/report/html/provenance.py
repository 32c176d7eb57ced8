"""Where the numbers of a page come from: versions, seeds, libraries, commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afp_hw.report.html.metrics import METRICS
from afp_hw.report.html.page import Block, Code, Facts, Section


def provenance_section(provenance: Mapping[str, Any], space: Mapping[str, Any]) -> Section:
    """Everything that is needed to get the same numbers again."""
    titles = {metric.key: metric.title for metric in METRICS}
    facts: list[tuple[str, str]] = [
        (name.replace("_", "-") if name == "afp_hw" else name.capitalize(), str(provenance[name]))
        for name in ("afp_hw", "python")
        if name in provenance
    ]
    tools = [f"{name} {version}" for name, version in provenance.get("tools", {}).items()]
    if tools:
        facts.append(("tools", ", ".join(tools)))
    facts += [("strategy", str(space["strategy"])), ("seed", str(space["seed"]))]
    facts.append(
        (
            "objectives",
            ", ".join(f"{way} {titles.get(name, name)}" for name, way in space["objectives"]),
        )
    )
    for technology in provenance.get("technologies", []):
        facts.append((f"library {technology['name']}", technology["description"]))
        facts.append((f"sha256 of {technology['name']}", technology["sha256"]))
    for network in provenance.get("networks", []):
        facts.append(
            (f"network {network['name']}", f"{network['images']} images: {network['data']}")
        )
        facts.append((f"sha256 of {network['name']}", network["sha256"]))
    facts += facts_of(provenance, "memory")
    blocks: list[Block] = [Facts(facts)]
    if provenance.get("commands"):
        blocks.append(Code("Commands", "\n".join(provenance["commands"])))
    if space.get("toml"):
        blocks.append(Code("The space, as it was written", space["toml"], folded=True))
    return Section("provenance", "Where the numbers come from", blocks)


def facts_of(document: Mapping[str, Any], *names: str) -> list[tuple[str, str]]:
    """Fields as terms and text: those `names` that there are, or all; of an object its fields."""
    facts = []
    for name in names or document:
        if name not in document:
            continue
        term, value = name.replace("_", " "), document[name]
        if isinstance(value, Mapping):
            facts += [(f"{term}, {inner}", text) for inner, text in facts_of(value)]
        else:
            facts.append((term, _text(value)))
    return facts


def _text(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_text, value)) or "none"
        case float():
            return f"{value:,.6g}"
        case _:
            return str(value)
