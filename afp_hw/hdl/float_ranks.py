"""Ranks of registers of a floating-point PE: plain, or held while nothing passes."""

from amaranth.hdl import Signal

from afp_hw.design.float_design import FloatDesign

# In the order in which `stages` adds them.
SUM, PRODUCT, TOTAL, ROWS, ADDENDS, ROUNDED, MOVED = range(1, 8)
_NAMES = {
    SUM: "sum",
    PRODUCT: "product",
    TOTAL: "total",
    ROWS: "rows",
    ADDENDS: "addends",
    ROUNDED: "rounded",
    MOVED: "moved",
}
_LOOP = frozenset({SUM, TOTAL, ADDENDS, ROUNDED, MOVED})
_RESET = frozenset({"valid", "first", "last", "go", "plus_zero"})
_ALWAYS = ("go", "plus_zero")


class Ranks:
    """Puts the ranks of registers that a design has into its processing element.

    What passes through them are tags and values, each by name. With `gate_zeros` the tag ``go``
    says that a step does anything: else all registers but those of ``go`` and ``plus_zero`` stay;
    those of the loop only where one sum is in it, as others that take turns have to go round.

    Parameters
    ----------
    m
        Module of the processing element.
    design : :class:`.FloatDesign`
    """

    def __init__(self, m, design: FloatDesign):
        self._m = m
        self._design = design

    def operands(self, tags, codes):
        """The rank that every design has."""
        if self._design.gate_zeros:
            return self._load(tags, codes, "operand")
        return self._register(tags, "operand"), self._register(codes, "operand")

    def stage(self, tags, values, rank):
        """`tags` and `values`, one clock edge later where the design has this rank of registers."""
        design = self._design
        if design.stages < rank:
            return tags, values
        name = _NAMES[rank]
        if not design.gate_zeros or (rank in _LOOP and not design.holds_sums):
            return self._register(tags, name), self._register(values, name)
        if rank != SUM:
            return self._load(tags, values, name)
        # What follows is the output: its tag is not held.
        last = self._register({"last": tags["go"] & tags["last"]}, name)
        with self._m.If(tags["go"]):
            return last, self._register(values, name)

    def _load(self, tags, values, name):
        """Registers that are loaded where ``go``, but for the tags that say so."""
        always = {key: tags[key] for key in _ALWAYS if key in tags}
        held = {key: value for key, value in tags.items() if key not in always}
        with self._m.If(tags["go"]):
            staged = (
                self._register(held, name, reset_less=True),
                self._register(values, name),
            )
        return {**self._register(always, name), **staged[0]}, staged[1]

    def _register(self, values, name, *, reset_less=False):
        """A register for each of the named values; tags that start something are reset."""
        staged = {}
        for key, value in values.items():
            staged[key] = Signal.like(
                value, name=f"{name}_{key}", reset_less=reset_less or key not in _RESET
            )
            self._m.d.sync += staged[key].eq(value)
        return staged
