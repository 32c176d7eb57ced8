"""Ranks of registers of a floating-point PE: plain, or held while nothing passes."""

from amaranth.hdl import Array, Mux, Signal

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
    those of the loop only where the design holds sums, as sums that take turns have to go round.

    Parameters
    ----------
    m
        Module of the processing element.
    design : :class:`.FloatDesign`
    """

    def __init__(self, m, design: FloatDesign):
        self._m = m
        self._design = design
        self._coming = None

    def operands(self, tags, codes):
        """The rank that every design has."""
        if self._design.gate_zeros:
            return self._load(tags, codes, "operand")
        return self._register(tags, "operand"), self._register(codes, "operand")

    def stage(self, tags, values, rank):
        """`tags` and `values`, one clock edge later where the design has this rank of registers."""
        design = self._design
        if rank == PRODUCT and design.gate_zeros:
            # Ahead of the loop: the next cycle's step does something, or may.
            self._coming = tags["go"] | tags.get("plus_zero", 0)
        if design.stages < rank:
            return tags, values
        name = _NAMES[rank]
        if not design.gate_zeros or (rank in _LOOP and not design.holds_sums):
            return self._register(tags, name), self._register(values, name)
        if rank != design.last_rank:
            return self._load(tags, values, name)
        # What follows is the output: its tag is not held.
        last = self._register({"last": tags["go"] & tags["last"]}, name)
        if design.interleave > 1:
            return last, self._bank(tags, values)
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

    def _bank(self, tags, values):
        """A register for each of the sums, so that one can stay while others are replaced.

        The sum that is read is that of the step which enters the loop; what arrives is that of the
        step which entered `interleave` - 1 cycles ago, and is read next. Where neither a step that
        does anything enters nor a finished sum leaves, what is read stays as it is.
        """
        m, count = self._m, self._design.interleave
        turn, following, read = (Signal(range(count), name=n) for n in ("turn", "next", "read"))
        m.d.comb += following.eq(Mux(turn == count - 1, 0, turn + 1))
        m.d.sync += turn.eq(following)
        with m.If(self._coming | (tags["go"] & tags["last"])):
            m.d.sync += read.eq(following)
        banks = []
        for index in range(count):
            with m.If(tags["go"] & (following == index)):
                banks.append(self._register(values, f"bank_{index}"))
        return {name: Array(bank[name] for bank in banks)[read] for name in values}

    def _register(self, values, name, *, reset_less=False):
        """A register for each of the named values; tags that start something are reset."""
        staged = {}
        for key, value in values.items():
            staged[key] = Signal.like(
                value, name=f"{name}_{key}", reset_less=reset_less or key not in _RESET
            )
            self._m.d.sync += staged[key].eq(value)
        return staged
