"""YAML with comments on top, the tags of Timeloop, and numbers that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import yaml

from afp_hw.exports.notes import COLUMNS, comment

_DIGITS: Final = 6


class Tagged(dict[str, Any]):
    """A mapping with a tag before it, ``!Component``.

    Parameters
    ----------
    tag
        Without its exclamation mark.
    """

    def __init__(self, tag: str, /, **items: Any) -> None:
        super().__init__(items)
        self.tag = tag


class _Dumper(yaml.SafeDumper):
    """No anchors: a reader of YAML need not know them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _tagged(dumper: _Dumper, item: Tagged) -> yaml.Node:
    return dumper.represent_mapping(f"!{item.tag}", item, flow_style=False)


_Dumper.add_representer(Tagged, _tagged)


def rounded(value: float) -> float:
    """Six digits: more than any of our measurements has."""
    return float(f"{value:.{_DIGITS}g}")


def yaml_text(document: Any, notes: Sequence[str]) -> str:
    """A document below its comments; keys keep their order."""
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=COLUMNS
    )
    return comment(notes) + text
