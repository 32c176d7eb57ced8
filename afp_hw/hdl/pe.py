"""The processing element: products of decoded operands, summed exactly.

Source: ``docs/numerics.md`` section 5.
"""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.accumulator import Accumulator, LaneSum
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.product import ExponentAdder, MantissaMultiplier, Shifter


class Pe(wiring.Component):
    """Output-stationary AFP processing element on decoded operands.

    Adds ``act * wgt`` of all lanes to its accumulator each cycle. The sum is exact: never rounded,
    never wrapped. There is no valid bit: a cycle in which nothing is to be added brings a zero
    operand to each lane, and no tag.

    Parameters
    ----------
    design : :class:`.Design`
        Envelopes, lanes, longest reduction, pipeline depth, gating.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_act, i_wgt : In(operand_layout(envelope)).array(lanes)
        Operands.
    i_first, i_last : In(1)
        Mark the first and last cycle of a reduction; they may fall together.
    o_act, o_wgt, o_first, o_last : Out
        The same, one clock edge later: what the neighbours take.
    o_acc : Out(signed(design.pe_acc_width))
        The sum, in units of ``2**(lsb_act + lsb_wgt)``.
    o_valid : Out(1)
        ``o_acc`` is finished; it stays for this one cycle.

    Timing
    ------
    One reduction step a cycle; ``latency`` = 2 + ``design.pipeline`` clock edges from an operand to
    its place in ``o_acc``; no back-pressure. A new sum may begin in the cycle after ``i_last``.

    Widths
    ------
    Those of the parts; all are derived in :class:`.Design`.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency
        act, wgt = operand_layout(design.acts), operand_layout(design.weights)
        super().__init__(
            {
                "i_act": In(act).array(design.lanes),
                "i_wgt": In(wgt).array(design.lanes),
                "i_first": In(1),
                "i_last": In(1),
                "o_act": Out(act).array(design.lanes),
                "o_wgt": Out(wgt).array(design.lanes),
                "o_first": Out(1),
                "o_last": Out(1),
                "o_acc": Out(signed(design.pe_acc_width)),
                "o_valid": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        tags = {"first": self.i_first, "last": self.i_last}
        tags = _register(m, tags, "operand")
        m.d.comb += [self.o_first.eq(tags["first"]), self.o_last.eq(tags["last"])]
        for lane in range(self.design.lanes):
            for source, target in ((self.i_act, self.o_act), (self.i_wgt, self.o_wgt)):
                operand = Signal.like(source[lane], reset_less=True)
                m.d.sync += operand.eq(source[lane])
                m.d.comb += target[lane].eq(operand)

        tags, significands = self._significands(m, tags)
        tags, products = self._products(m, tags, significands)
        tags, total = self._lane_sum(m, tags, products)

        accumulator = self._add(m, "accumulator", Accumulator)
        m.d.comb += [
            accumulator.i_first.eq(tags["first"]),
            accumulator.i_zero.eq(tags.get("zero", 0)),
            accumulator.i_sum.eq(total["sum"]),
            accumulator.i_carry.eq(total["carry"]),
            self.o_acc.eq(accumulator.o_acc),
        ]
        m.d.sync += self.o_valid.eq(tags["last"])
        return m

    def _add(self, m, kind, component, lane=None):
        """Put a part in place, as ``kind`` or ``kind_lane``."""
        part = self.place(self.design.module_name(kind), lambda: component(self.design))
        m.submodules[kind if lane is None else f"{kind}_{lane}"] = part
        return part

    def _significands(self, m, tags):
        """Significand products and shifts of all lanes; the tags learn whether all are zero."""
        significands: dict[str, Value] = {}
        for lane in range(self.design.lanes):
            multiplier = self._add(m, "multiplier", MantissaMultiplier, lane)
            adder = self._add(m, "exponent_adder", ExponentAdder, lane)
            m.d.comb += [
                multiplier.i_act.eq(self.o_act[lane]),
                multiplier.i_wgt.eq(self.o_wgt[lane]),
                adder.i_act.eq(self.o_act[lane].shift),
                adder.i_wgt.eq(self.o_wgt[lane].shift),
            ]
            significands |= {
                f"sign_{lane}": multiplier.o_sign,
                f"sig_{lane}": multiplier.o_sig,
                f"shift_{lane}": adder.o_shift,
            }
        if self.design.gate_zeros:
            sigs = [significands[f"sig_{lane}"] for lane in range(self.design.lanes)]
            tags["zero"] = ~Cat(*sigs).any()
        return self._stage(m, tags, significands, "significand", self.design.pipeline >= 3)

    def _products(self, m, tags, significands):
        """Sign and magnitude of the product of each lane."""
        products: dict[str, Value] = {}
        for lane in range(self.design.lanes):
            shifter = self._add(m, "shifter", Shifter, lane)
            m.d.comb += [
                shifter.i_sig.eq(significands[f"sig_{lane}"]),
                shifter.i_shift.eq(significands[f"shift_{lane}"]),
            ]
            products |= {
                f"sign_{lane}": significands[f"sign_{lane}"],
                f"product_{lane}": shifter.o_product,
            }
        return self._stage(m, tags, products, "product", self.design.pipeline >= 1)

    def _lane_sum(self, m, tags, products):
        """Sum over the lanes, less one carry."""
        lane_sum = self._add(m, "lane_sum", LaneSum)
        for lane in range(self.design.lanes):
            m.d.comb += [
                lane_sum.i_sign[lane].eq(products[f"sign_{lane}"]),
                lane_sum.i_product[lane].eq(products[f"product_{lane}"]),
            ]
        total = {"sum": lane_sum.o_sum, "carry": lane_sum.o_carry}
        return self._stage(m, tags, total, "sum", self.design.pipeline >= 2)

    def _stage(self, m, tags, values, name, registered):
        """`tags` and `values`, one clock edge later where `registered`.

        With ``gate_zeros`` the values of a zero sum are not loaded, unless it is the first one:
        that one must overwrite the accumulator.
        """
        if not registered:
            return tags, values
        load = ~tags["zero"] | tags["first"] if self.design.gate_zeros else 1
        with m.If(load):
            staged = _register(m, values, name, reset_less=True)
        return _register(m, tags, f"{name}_tag"), staged


def _register(m, values, name, *, reset_less=False):
    """A register for each of the named values."""
    staged = {}
    for key, value in values.items():
        staged[key] = Signal.like(value, name=f"{name}_{key}", reset_less=reset_less)
        m.d.sync += staged[key].eq(value)
    return staged
