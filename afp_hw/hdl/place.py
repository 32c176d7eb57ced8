"""How a component puts its parts in place.

Every component that has parts takes a function `place(name, component)`: the name of a Verilog
module and a function that makes the component. It gives what is to stand there: for Amaranth's
simulator the component itself; for Verilog an instance of a module that is emitted once, however
often it stands in the design (:class:`afp_hw.verilog.Library`).
"""

from collections.abc import Callable

from amaranth.lib import wiring

Place = Callable[[str, Callable[[], wiring.Component]], wiring.Component]


def as_built(name: str, component: Callable[[], wiring.Component]) -> wiring.Component:
    """The component itself."""
    return component()
