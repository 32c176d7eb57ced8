"""Sequencer in Amaranth's simulator: how a run ends."""

from __future__ import annotations

from afp_hw import AFPFormat
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.descriptor import FIELDS
from afp_hw.design.registers import ErrorCode
from afp_hw.hdl.sequencer import Sequencer
from tests.hdl.component_run import play


def test_an_error_of_the_last_response_is_the_runs() -> None:
    """The response of the last store comes with `write_done`, and so does its error."""
    array = Design(AFPFormat.parse("e3m1"), AFPFormat.parse("e3m2"), rows=2, cols=2)
    design = AcceleratorDesign(array)
    idle = {"i_start": 0, "i_loaded_valid": 0, "i_load_idle": 1, "i_computed": 0}
    idle |= {"i_write_ready": 1, "i_write_done": 0, "i_write_error": 0}
    descriptor = sum(1 << FIELDS[name].offset for name in ("store", "last"))
    steps = [
        idle | {"i_start": 1},
        idle | {"i_loaded_valid": 1, "i_loaded": descriptor},
        *[idle] * 2,
        idle | {"i_computed": 1},
        *[idle] * 4,
    ]
    for wrong, code in ((0, ErrorCode.NONE), (1, ErrorCode.WRITE_RESPONSE)):
        ends = [idle | {"i_write_done": 1, "i_write_error": wrong}, *[idle] * 4]
        seen = play(Sequencer(design), [*steps, *ends], 0)
        done = [step for step in seen if step["o_done"]]
        assert [step["o_error_code"] for step in done] == [code]
