"""Named ways of synthesising one design; a comparison of designs tries all of them on each.

The recipe moves area as much as the number format does, so the best of the same set is taken for
every design.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Area first: choices kept for the mapper (dch), mapping, then sizes within the clock period.
_MAP: Final = "strash; ifraig; scorr; dc2; dch -f; map {area}; topo; buffer -c; upsize {D}; dnsize {D}"
_DEEP: Final = (
    "strash; ifraig; scorr; dc2; strash; &get -n; &st; &dch -x; &nf {nf}; &put; "
    "topo; buffer -c; upsize {D}; dnsize {D}"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way through Yosys and ABC.

    Parameters
    ----------
    name
        Short, for tables.
    synth_options
        Of Yosys' ``synth``.
    abc_script
        For ABC; ``{D}`` stands for the clock period.
    full_adders
        Turn adders into ripple chains of the library's full adder, where it has one.
    """

    name: str
    synth_options: tuple[str, ...]
    abc_script: str
    adders: str = "prefix"


def _script(template: str, **options: str) -> str:
    for key, value in options.items():
        template = template.replace("{" + key + "}", value)
    return template


END = "; topo; buffer -c; upsize {D}; dnsize {D}"
RECIPES: Final = tuple(
    Recipe(f"{name}{suffix}", options, script, adders)
    for name, options, adders in (
        ("plain", (), "prefix"),
        ("noalumacc", ("-noalumacc",), "prefix"),
        ("booth", ("-booth",), "prefix"),
        ("ripple", (), "ripple"),
        ("cells", (), "cells"),
    )
    for suffix, script in (
        ("-B", _script(_MAP, area="-B 0.9 {D}")),
        ("-a", _script(_MAP, area="-a")),
        ("-nfpR", _script(_DEEP, nf="-p -R 10 ")),
        ("-nfpR1k", _script(_DEEP, nf="-p -R 1000")),
        ("-amap", "strash; ifraig; scorr; dc2; dch -f; amap -m"+END),
        ("-amapdd", "strash; ifraig; scorr; dc2; dc2; dc2; dch -f; amap -m -F 20 -A 20"+END),
        ("-amap2", "strash; ifraig; scorr; dc2; &get -n; &st; &dch -x; &put; amap -m"+END),
        ("-spnf", "strash; ifraig; scorr; dc2; dc2; strash; if -g -K 6; strash; &get -n; &st; &dch -x; &nf -p -R 10; &put"+END),
        ("-spB", "strash; ifraig; scorr; dc2; if -g -K 6; strash; dch -f; map -B 0.9 {D}"+END),
        ("-spamap", "strash; ifraig; scorr; dc2; if -g -K 6; strash; dch -f; amap -m"+END),
    )
)
