"""Write the embedded technology, ``afp_hw/synth/sky130.json``, from the full SKY130 library.

    python examples/extract_sky130_table.py sky130_fd_sc_hd__tt_025C_1v80.lib[.gz] [-o FILE]

The cells were chosen by trial: of all cells of the library, those that synthesis of processing
elements used often; with these its area is within 1.5 % of that with all 303 that are usable. The
axes are a few points of the seven that the library has for each, where nets of such designs are;
with them every recipe comes within 1 % of the area and 4 % of the delay that the full tables give.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import afp_hw.synth
from afp_hw.files import write_atomic
from afp_hw.synth.table import table_text
from afp_hw.synth.technology import Technology

_PREFIX = "sky130_fd_sc_hd__"
_CELLS = """
    inv_1 inv_2 buf_1 buf_2 buf_4
    nand2_1 nand2_2 nand2b_1 nand3_1 nor2_1 nor2_2 nor2b_1 nor3_1
    and2_0 and3_1 or2_1 or3_1 xor2_1 xnor2_1 mux2_1 mux2i_1 maj3_1 fa_1
    a21oi_1 a21o_1 a22oi_1 a31oi_1 a211oi_1 o21ai_0 o21a_1 o22ai_1
    dfxtp_1 dlclkp_1
""".split()  # noqa: SIM905
_SLEWS_PS = (23.05, 53.13, 282.3, 650.7)
_LOADS_FF = (1.317, 9.128, 63.29)


def main() -> None:
    """Read the library, keep the cells, write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("library", type=Path)
    default = Path(afp_hw.synth.__file__).parent / "sky130.json"
    parser.add_argument("-o", "--out", type=Path, default=default)
    options = parser.parse_args()
    names = [_PREFIX + name for name in _CELLS]
    technology = Technology.from_liberty([options.library]).restricted(names)
    text = table_text(
        [technology.cells[name] for name in names],
        _SLEWS_PS,
        _LOADS_FF,
        name="sky130_fd_sc_hd",
        description=f"SKY130 high density, typical, 25 C, 1.8 V; figures of {len(names)} cells",
        source=(
            "SkyWater SKY130 open PDK, library sky130_fd_sc_hd, corner tt_025C_1v80; Copyright "
            "2020 The SkyWater PDK Authors, Apache License 2.0, "
            "https://github.com/google/skywater-pdk-libs-sky130_fd_sc_hd; extracted by "
            "examples/extract_sky130_table.py"
        ),
        voltage_v=technology.voltage_v,
    )
    print(f"{write_atomic(options.out, text)}: {len(names)} cells, {len(text)} characters")


if __name__ == "__main__":
    main()
