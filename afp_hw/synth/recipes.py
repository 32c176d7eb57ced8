"""Named ways of synthesising one design; a comparison of designs tries all of them on each.

The recipe moves area as much as the number format does, so the best of the same set is taken for
every design. Those here are what is left of a hundred tried on processing elements of AFP and of
integers, with one lane and several: each is the smallest, or the only one in time, for some format
at some clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Adders = Literal["prefix", "ripple", "cells"]
FullAdders = Literal["cells", "logic"]

# ABC: simplify; then, for speed, rebuild each function of six inputs as a balanced sum of products,
# or, for area, rewrite and resubstitute in ever larger windows.
_SIMPLIFY: Final = "strash; ifraig; scorr; dc2; strash; "
_BALANCE: Final = "if -g -K 6; strash; "
_RESUBSTITUTE: Final = (
    "balance -l; resub -K 6 -l; rewrite -l; resub -K 6 -N 2 -l; refactor -l; resub -K 8 -l; "
    "balance -l; resub -K 8 -N 2 -l; rewrite -l; resub -K 10 -l; rewrite -z -l; "
    "resub -K 10 -N 2 -l; balance -l; resub -K 12 -l; refactor -z -l; resub -K 12 -N 2 -l; "
    "rewrite -z -l; balance -l; "
)
# Mapping with structural choices: by area flow, by exact area, by delay (with more or less weight).
_FLOW: Final = "&get -n; &st; &dch -x; &nf -p{R}; &put; "
_EXACT: Final = "&get -n; &st; &dch -x; &put; amap -m; "
_DELAY: Final = "dch -f; map -B {B} {D}; "
# Buffers, then sizes that meet the clock.
_SIZE: Final = "topo; buffer -c; upsize {D}; dnsize {D}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way through Yosys and ABC.

    Parameters
    ----------
    name
        Short, for tables.
    adders
        What an adder becomes: ``"prefix"``, Yosys' own; ``"ripple"``, a ripple chain as logic;
        ``"cells"``, a chain of the library's full adders (prefix where it has none).
    synth_options
        Of Yosys' ``synth``.
    abc_script
        For ABC; ``{D}`` stands for the option that gives the clock period.
    full_adders
        What a full adder of ours becomes: ``"cells"``, the library's where it has one, or
        ``"logic"``.
    clock_gates
        Whether registers with an enable get a clock gate where the library has one; else a
        multiplexer a bit.
    """

    name: str
    adders: Adders
    synth_options: tuple[str, ...]
    abc_script: str
    full_adders: FullAdders = "cells"
    clock_gates: bool = True


def _recipe(name: str, adders: Adders, script: str, *options: str) -> Recipe:
    return Recipe(name, adders, options, _SIMPLIFY + script + _SIZE)


def _timed(weight: float) -> str:
    return _DELAY.replace("{B}", f"{weight:g}")


RECIPES: Final = (
    _recipe("cells", "cells", _EXACT),
    _recipe("ripple", "ripple", _EXACT),
    _recipe("prefix", "prefix", _EXACT),
    _recipe("booth", "prefix", _EXACT, "-booth"),
    _recipe("ripple-flow", "ripple", _FLOW.replace("{R}", " -R 1000")),
    _recipe("ripple-timed", "ripple", _timed(0)),
    _recipe("ripple-quick", "ripple", _timed(0.5)),
    _recipe("prefix-quick", "prefix", _timed(0.3)),
    _recipe("ripple-resub", "ripple", _RESUBSTITUTE + _timed(0.7)),
    _recipe("ripple-balanced", "ripple", _BALANCE + _FLOW.replace("{R}", "")),
    _recipe("ripple-fast", "ripple", _BALANCE + _timed(0.9)),
)
