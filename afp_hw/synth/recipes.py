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
    full_adders: bool = False


def _script(template: str, **options: str) -> str:
    for key, value in options.items():
        template = template.replace("{" + key + "}", value)
    return template


RECIPES: Final = tuple(
    Recipe(f"{name}{suffix}", options, script, adders)
    for name, options, adders in (
        ("plain", (), False),
        ("noalumacc", ("-noalumacc",), False),
        ("booth", ("-booth",), False),
        ("adders", (), True),
    )
    for suffix, script in (
        ("", _script(_MAP, area="-B 0.9 -D {D}")),
        ("-area", _script(_MAP, area="-a")),
        ("-nf", _script(_DEEP, nf="")),
        ("-nfR", _script(_DEEP, nf="-R 10 -a")),
        ("-amap", "strash; ifraig; scorr; dc2; dch -f; amap -F 20 -A 20 -E 20 -Q 2 -C 5000 -m; topo; buffer -c; upsize {D}; dnsize {D}"),
    )
)
