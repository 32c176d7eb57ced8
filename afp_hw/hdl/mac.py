"""Multiply and accumulate: what a processing element does with registered operands.

Source: ``docs/numerics.md`` section 5.
"""

from amaranth.hdl import C, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.accumulator import Accumulator
from afp_hw.hdl.int_product import IntMultiplier, product_rows
from afp_hw.hdl.lane_sum import LaneSum, LaneTree, has_carries, signed_term, tree_rows
from afp_hw.hdl.operand import operand_layout
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.product import ExponentAdder, MantissaMultiplier, Shifter


class Mac(wiring.Component):
    """Products of all lanes of a cycle, summed and accumulated exactly.

    Parameters
    ----------
    design : :class:`.Design`
        Envelopes, lanes, longest reduction, registers, gating, segments.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_act, i_wgt : In(operand_layout(envelope)).array(lanes)
        Operands, from registers.
    i_live : In(lanes)
        Lanes whose product counts; looked at with ``gate_zeros`` and more than one lane.
    i_go : In(1)
        The cycle counts; looked at with ``gate_zeros``. With one lane a cycle may only be left out
        if its product is zero and it is neither first nor last.
    i_first, i_last : In(1)
        Mark the first and last cycle of a reduction; with ``gate_zeros`` looked at where ``i_go``.
    o_acc : Out(signed(design.pe_acc_width))
        The sum, in units of ``2**(lsb_act + lsb_wgt)``.
    o_valid : Out(1)
        ``o_acc`` is finished; it stays for this one cycle.

    Timing
    ------
    One step a cycle; ``latency`` = 1 + ``len(design.registers)`` clock edges from an operand to its
    place in ``o_acc``.

    Widths
    ------
    Those of the parts; all are derived in :class:`.Widths`.
    """

    sequential = True

    def __init__(self, design: Design, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency - 1
        super().__init__(self._members())

    def _members(self):
        design = self.design
        return {
            "i_act": In(operand_layout(design.acts)).array(design.lanes),
            "i_wgt": In(operand_layout(design.weights)).array(design.lanes),
            "i_live": In(design.lanes),
            "i_go": In(1),
            "i_first": In(1),
            "i_last": In(1),
            "o_acc": Out(signed(design.pe_acc_width)),
            "o_valid": Out(1),
        }

    def elaborate(self, platform):
        m = Module()
        tags = {"go": self.i_go, "first": self.i_first, "last": self.i_last}
        significands = [self._significand(m, lane) for lane in range(self.design.lanes)]
        tags, significands = self._stage(m, tags, significands, "significand")
        products = [self._product(m, lane, values) for lane, values in enumerate(significands)]
        tags, products = self._stage(m, tags, products, "product")
        tags, total = self._sum(m, tags, products)
        tags, (total,) = self._stage(m, tags, [total], "sum")
        m.submodules.accumulator = accumulator = self._accumulator(m)
        m.d.comb += [
            accumulator.i_go.eq(tags["go"]),
            accumulator.i_first.eq(tags["first"]),
            accumulator.i_sum.eq(total["sum"]),
            self.o_acc.eq(accumulator.o_acc),
        ]
        if has_carries(self.design):
            m.d.comb += accumulator.i_carry.eq(total["carry"])
        go = tags["go"] if self.design.gate_zeros else C(1, 1)
        m.d.sync += self.o_valid.eq(go & tags["last"])
        return m

    def _accumulator(self, m):
        """What adds the sums of the cycles."""
        return self._part("accumulator", Accumulator)

    def _part(self, kind, component):
        """One of the named parts, a module of its own."""
        return self.place(self.design.module_name(kind), lambda: component(self.design))

    def _placing(self, kind, component):
        """The same for a part that places parts of its own."""
        return self.place(self.design.module_name(kind), lambda: component(self.design, self.place))

    def _live(self, lane):
        """Whether a lane's product counts; one lane alone is left out by `i_go`."""
        masked = self.design.gate_zeros and self.design.lanes > 1
        return self.i_live[lane] if masked else C(1, 1)

    def _significand(self, m, lane):
        """Product of the significands of a lane and its shift; of integers the whole product."""
        kind = IntMultiplier if self.design.integers else MantissaMultiplier
        multiplier = self._placing("multiplier", kind)
        m.submodules[f"multiplier_{lane}"] = multiplier
        m.d.comb += [
            multiplier.i_act.eq(self.i_act[lane]),
            multiplier.i_wgt.eq(self.i_wgt[lane]),
            multiplier.i_live.eq(self._live(lane)),
        ]
        if self.design.integers:
            return {f"row_{index}": row for index, row in enumerate(multiplier.o_row)}
        values: dict[str, Value] = {"sig": multiplier.o_sig}
        if has_carries(self.design):
            values["sign"] = multiplier.o_sign
        if self.design.shift_width:
            values["shift"] = self._shift(m, lane)
        return values

    def _shift(self, m, lane):
        """Sum of the shifts of a lane's operands, or the one that there is."""
        act, wgt = self.i_act[lane].shift, self.i_wgt[lane].shift
        if not len(act) or not len(wgt):
            return act if len(act) else wgt
        adder = self._part("exponent_adder", ExponentAdder)
        m.submodules[f"exponent_adder_{lane}"] = adder
        m.d.comb += [adder.i_act.eq(act), adder.i_wgt.eq(wgt)]
        return adder.o_shift

    def _product(self, m, lane, values):
        """The product of a lane, or its magnitude and sign."""
        if self.design.integers:
            return values
        shifter = self._part("shifter", Shifter)
        m.submodules[f"shifter_{lane}"] = shifter
        m.d.comb += shifter.i_sig.eq(values["sig"])
        if self.design.shift_width:
            m.d.comb += shifter.i_shift.eq(values["shift"])
        if has_carries(self.design):
            return {"product": shifter.o_product, "sign": values["sign"]}
        return {"product": shifter.o_product}

    def _sum(self, m, tags, products):
        """Sum over the lanes and, where products bring carries, the last of them."""
        design = self.design
        halves = "tree" in design.registers
        rows = tree_rows(design) if halves else 1
        name = design.module_name("lane_tree" if halves else "lane_sum")
        tree = self.place(name, lambda: LaneTree(design, rows, self.place))
        m.submodules["lane_tree" if halves else "lane_sum"] = tree
        for lane, values in enumerate(products):
            if has_carries(design):
                terms = [signed_term(m, values["sign"], values["product"], f"term_{lane}")]
                m.d.comb += tree.i_carry[lane].eq(values["sign"])
            else:
                terms = list(values.values())
            for index, term in enumerate(terms):
                m.d.comb += tree.i_term[lane * product_rows(design) + index].eq(term)
        outputs = {f"row_{index}": row for index, row in enumerate(tree.o_row)}
        if has_carries(design):
            outputs |= {f"carry_{index}": carry for index, carry in enumerate(tree.o_carry)}
        if not halves:
            return tags, {key.removesuffix("_0").replace("row", "sum"): value
                          for key, value in outputs.items()}  # fmt: skip
        tags, (outputs,) = self._stage(m, tags, [outputs], "tree")
        last = self._part("lane_sum", LaneSum)
        m.submodules.lane_sum = last
        for index in range(rows):
            m.d.comb += last.i_row[index].eq(outputs[f"row_{index}"])
            if has_carries(design):
                m.d.comb += last.i_carry[index].eq(outputs[f"carry_{index}"])
        total = {"sum": last.o_sum}
        return tags, total | ({"carry": last.o_carry} if has_carries(design) else {})

    def _stage(self, m, tags, groups, name):
        """`tags` and groups of values, one clock edge later where a register is wanted here."""
        if name not in self.design.registers:
            return tags, groups
        gated = self.design.gate_zeros
        load = tags["go"] if gated else C(1, 1)
        with m.If(load):
            staged = [
                _register(m, group, f"{name}_{index}", reset_less=True)
                for index, group in enumerate(groups)
            ]
            marks = {key: tags[key] for key in ("first", "last")}
            held = _register(m, marks, f"{name}_tag", reset_less=gated)
        go = _register(m, {"go": tags["go"]}, name)["go"] if gated else C(1, 1)
        return {"go": go, **held}, staged


def _register(m, values, name, *, reset_less=False):
    """A register for each of the named values."""
    staged = {}
    for key, value in values.items():
        staged[key] = Signal.like(value, name=f"{name}_{key}", reset_less=reset_less)
        m.d.sync += staged[key].eq(value)
    return staged
