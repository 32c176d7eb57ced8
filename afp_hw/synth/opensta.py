"""The clock period of a mapped netlist from OpenSTA, where ``sta`` is installed.

Conditions as in :mod:`afp_hw.synth.timing`, with which it agrees; a second opinion.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from afp_hw.errors import ToolError
from afp_hw.files import write_atomic
from afp_hw.synth.cells import NOMINAL_SLEW_S

_PERIOD_NS: Final = 1000.0
# OpenSTA's reader stops at the word.
_SIGNED: Final = re.compile(r"\b(wire|input|output) signed\b")
_ANSWER: Final = "worst_slack_ns "
_SCRIPT: Final = """\
read_liberty {liberty}
read_verilog {netlist}
link_design {top}
create_clock -name clock -period {period} [get_ports {clock}]
foreach port [all_inputs] {{
  if {{[get_property $port full_name] ne "{clock}"}} {{
    set_input_delay 0 -clock clock $port
    set_input_transition {slew} $port
  }}
}}
set_output_delay 0 -clock clock [all_outputs]
puts "{answer}[worst_slack -max]"
exit
"""


def available() -> bool:
    """Whether ``sta`` is on the path."""
    return shutil.which("sta") is not None


def opensta_period_s(netlist: Path, top: str, liberty: Path, clock: str) -> float:
    """Smallest clock period of a Verilog netlist, second.

    Leaves ``sta.v``, ``sta.tcl`` and ``sta.log`` beside it.

    Parameters
    ----------
    netlist
        Mapped Verilog.
    top, clock
        Its module and the clock input of that.
    liberty
        Library file.

    Raises
    ------
    ToolError
        OpenSTA failed.
    """
    folder = netlist.parent
    unsigned = _SIGNED.sub(r"\1", netlist.read_text(encoding="utf-8"))
    copy = write_atomic(folder / "sta.v", unsigned)
    text = _SCRIPT.format(
        liberty=json.dumps(str(liberty)),
        netlist=json.dumps(str(copy)),
        top=top,
        clock=clock,
        period=_PERIOD_NS,
        slew=NOMINAL_SLEW_S * 1e9,
        answer=_ANSWER,
    )
    script = write_atomic(folder / "sta.tcl", text)
    command = ["sta", "-no_init", "-no_splash", "-exit", str(script)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    log = write_atomic(folder / "sta.log", done.stdout + done.stderr)
    answers = [line for line in done.stdout.splitlines() if line.startswith(_ANSWER)]
    if done.returncode or "Error" in done.stdout + done.stderr or len(answers) != 1:
        raise ToolError(command, done.returncode, log)
    return (_PERIOD_NS - float(answers[0].removeprefix(_ANSWER))) * 1e-9
