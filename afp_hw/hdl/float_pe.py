"""The floating-point processing element: exact products, summed in binary32 by fused steps."""

from functools import partial

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.float_design import SUM_SIG, FloatDesign
from afp_hw.hdl.float_adder import FloatAdder
from afp_hw.hdl.float_aligner import FloatAligner
from afp_hw.hdl.float_decoder import FloatDecoder
from afp_hw.hdl.float_flags import ProductFlags, StepFilter, SumFlags
from afp_hw.hdl.float_limited_normalizer import FloatLongMoves, FloatShortMoves
from afp_hw.hdl.float_multiplier import FloatMultiplier, FloatProduct
from afp_hw.hdl.float_normalizer import FloatNormalizer
from afp_hw.hdl.float_ranks import (
    ADDENDS,
    MOVED,
    PRODUCT,
    ROUNDED,
    ROWS,
    SUM,
    TOTAL,
    Ranks,
)
from afp_hw.hdl.float_rounder import FloatPacker, FloatRounder
from afp_hw.hdl.float_wide_aligner import FloatWideAligner
from afp_hw.hdl.place import Place, as_built


class FloatPe(wiring.Component):
    """Fused multiply-accumulate of floating-point codes, for comparison with :class:`.CodePe`.

    A step adds ``act * wgt``, exact, to a binary32 number and rounds once, to nearest, ties to
    even. Subnormals are numbers like others; infinities and NaN are as IEEE 754 has them, with one
    NaN. A sum starts at +0.

    Where `interleave` is more than 1 that many sums take turns: cycle t, counted from any cycle,
    belongs to sum ``t % interleave``, and so do its step, its tags and its pause.

    Parameters
    ----------
    design : :class:`.FloatDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid : In(1)
        A reduction step; it may pause anywhere.
    i_first, i_last : In(1)
        Mark the first and last step of a reduction; looked at where ``i_valid``.
    i_act, i_wgt : In(width)
        Codes.
    o_valid : Out(1)
        ``o_acc`` is finished; it stays for this one cycle.
    o_acc : Out(32)
        The sum, binary32.

    Timing
    ------
    One step a cycle; a sum whose last step is sampled at clock edge t is visible after edge
    ``t + latency - 1``, ``latency`` = 1 + ``design.stages``. The loop takes ``interleave`` cycles.

    Widths
    ------
    Those of the parts; all are derived in :class:`.FloatDesign`.
    """

    sequential = True

    def __init__(self, design: FloatDesign, place: Place = as_built):
        self.design = design
        self.place = place
        self.latency = design.pe_latency
        super().__init__(
            {
                "i_valid": In(1),
                "i_first": In(1),
                "i_last": In(1),
                "i_act": In(design.acts.width),
                "i_wgt": In(design.weights.width),
                "o_valid": Out(1),
                "o_acc": Out(design.acc_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        design = self.design
        self._ranks = Ranks(m, design)
        tags, values = self._operands(m)
        tags, values = self._product(m, tags, values)

        # The loop: what it begins with is what its last rank of registers holds.
        sums = {
            "sig": Signal(SUM_SIG + 1),
            "exp": Signal(design.exp_width),
            "sign": Signal(),
            "zero": Signal(),
            "nan": Signal(),
            "inf": Signal(int(design.has_infinity)),
        }
        tags, values = self._align(m, tags, values, sums)
        tags, values = self._ranks.stage(tags, values, ADDENDS)
        tags, values = self._total(m, tags, values)
        tags, values = self._ranks.stage(tags, values, TOTAL)
        tags, values = self._normalize(m, tags, values)
        tags, values = self._ranks.stage(tags, values, SUM)
        tags, values = self._round(m, tags, values)
        tags, values = self._ranks.stage(tags, values, ROUNDED)
        for name, signal in sums.items():
            m.d.comb += signal.eq(values[name])

        packer = self._add(m, "output_packer", "float_packer", FloatPacker)
        for name in ("sig", "exp", "sign", "nan", "inf"):
            m.d.comb += getattr(packer, f"i_{name}").eq(sums[name])
        m.d.comb += [self.o_acc.eq(packer.o), self.o_valid.eq(tags["last"])]
        return m

    def _add(self, m, name, kind, component, *arguments):
        """Put a part in place."""
        module = self.design.module_name(kind)
        part = self.place(module, lambda: component(self.design, *arguments))
        m.submodules[name] = part
        return part

    def _operands(self, m):
        """Tags and codes in the operand registers; a step that is not valid has no tags."""
        tags = {"valid": self.i_valid, "first": self.i_first, "last": self.i_last}
        codes = {"act": self.i_act, "wgt": self.i_wgt}
        if not self.design.gate_zeros:
            tags |= {name: self.i_valid & tags[name] for name in ("first", "last")}
            return self._ranks.operands(tags, codes)
        steps = self._add(m, "steps", "step_filter", StepFilter)
        m.d.comb += [
            getattr(steps, f"i_{name}").eq(value) for name, value in {**tags, **codes}.items()
        ]
        tags = {"go": steps.o_go, "plus_zero": steps.o_plus_zero, **tags}
        del tags["valid"]
        return self._ranks.operands(tags, codes)

    def _product(self, m, tags, codes):
        """The product, and tags that say what it is whether or not it is looked at."""
        operands = {}
        for name, fmt in (("act", self.design.acts), ("wgt", self.design.weights)):
            normalized = not self.design.anchored
            decoder = self.place(
                f"float_decoder_{fmt}", partial(FloatDecoder, fmt, normalized=normalized)
            )
            m.submodules[f"{name}_decoder"] = decoder
            m.d.comb += decoder.i_code.eq(codes[name])
            operands[name] = decoder.o
        flags = self._add(m, "flags", "product_flags", ProductFlags)
        multiplier = self._add(m, "multiplier", "float_multiplier", FloatMultiplier, self.place)
        m.d.comb += flags.i_valid.eq(tags.pop("valid", 1))
        for name, operand in operands.items():
            m.d.comb += [
                getattr(flags, f"i_{name}").eq(operand),
                getattr(multiplier, f"i_{name}").eq(operand),
            ]
        values = {
            "row_0": multiplier.o_row[0],
            "row_1": multiplier.o_row[1],
            "act_exp": operands["act"].exp,
            "wgt_exp": operands["wgt"].exp,
        }
        tags, values = self._ranks.stage({**tags, "flags": flags.o}, values, ROWS)
        product = self._add(m, "multiplier_product", "float_product", FloatProduct)
        m.d.comb += [
            product.i_row[0].eq(values["row_0"]),
            product.i_row[1].eq(values["row_1"]),
            product.i_act_exp.eq(values["act_exp"]),
            product.i_wgt_exp.eq(values["wgt_exp"]),
        ]
        return self._ranks.stage(tags, {"product": product.o}, PRODUCT)

    def _align(self, m, tags, values, sums):
        """Both addends, and what the result is if it is no number."""
        flags = self._add(m, "accumulator_flags", "sum_flags", SumFlags)
        anchored = self.design.anchored
        aligner = self._add(
            m,
            "accumulator_aligner",
            "float_aligner",
            FloatWideAligner if anchored else FloatAligner,
        )
        first, product = tags["first"], tags["flags"]
        if self.design.gate_zeros:
            first, product = self._present(m, tags)
        m.d.comb += [
            flags.i_first.eq(first),
            flags.i_product.eq(product),
            flags.i_sign.eq(sums["sign"]),
            flags.i_nan.eq(sums["nan"]),
            flags.i_inf.eq(sums["inf"]),
            aligner.i_first.eq(first),
            aligner.i_nonzero.eq(product.nonzero),
            aligner.i_product.eq(values["product"]),
            aligner.i_product_sign.eq(product.sign),
            aligner.i_sig.eq(sums["sig"]),
            aligner.i_exp.eq(sums["exp"]),
            aligner.i_sign.eq(flags.o_sign),
            aligner.i_zero.eq(sums["zero"]),
        ]
        values = {"addends": aligner.o, "nan": flags.o_nan, "inf": flags.o_inf}
        if self.design.has_infinity:
            values["inf_sign"] = flags.o_inf_sign
        if not self.design.gate_zeros:
            return {"last": tags["last"]}, values
        go = tags["go"]
        if not self.design.holds_sums:
            return {"last": tags["last"] & go}, values
        if not self.design.bounded:
            # Adding +0 changes one number: -0, taken here for all negatives without a leading 1.
            minus_zero = flags.o_sign & ~sums["sig"][-2:].any()
            go = go | (tags["plus_zero"] & minus_zero)
        return {"go": go, "last": tags["last"] & tags["go"]}, values

    def _present(self, m, tags):
        """Whether a sum begins, and flags of the product; of a step that was left out, of a zero.

        What is held then is an older product. Sums that take turns go round: they get -0, which
        changes none, or +0 where that is the product. A sum that is held needs nothing to be added
        but +0, where sums can be -0.
        """
        design, held = self.design, tags["flags"]
        flags = Signal.like(held)
        if not design.holds_sums:
            here, sign = tags["go"], Mux(tags["go"], held.sign, ~tags["plus_zero"])
        elif design.bounded:
            return tags["first"], held
        else:
            here = ~tags["plus_zero"]
            sign = held.sign & here
        m.d.comb += flags.sign.eq(sign)
        for name in ("nonzero", "nan", "inf"):
            m.d.comb += flags[name].eq(held[name] & here)
        return tags["first"] & here, flags

    def _total(self, m, tags, values):
        adder = self._add(m, "accumulator_adder", "float_adder", FloatAdder)
        m.d.comb += adder.i.eq(values.pop("addends"))
        return tags, {**values, "total": adder.o}

    def _normalize(self, m, tags, values):
        if self.design.bounded:
            normalizer = self._add(m, "accumulator_normalizer", "float_normalizer", FloatNormalizer)
            m.d.comb += normalizer.i.eq(values["total"])
        else:
            moves = self._add(m, "accumulator_moves", "float_long_moves", FloatLongMoves)
            m.d.comb += moves.i.eq(values.pop("total"))
            tags, values = self._ranks.stage(tags, {**values, "moved": moves.o}, MOVED)
            normalizer = self._add(
                m, "accumulator_normalizer", "float_short_moves", FloatShortMoves
            )
            m.d.comb += normalizer.i.eq(values["moved"])
        found = {name: normalizer.o[name] for name in ("sig", "up", "exp", "sign", "zero")}
        if self.design.has_infinity:
            found["sign"] = Mux(values["inf"], values["inf_sign"], found["sign"])
        return tags, {**found, "nan": values["nan"], "inf": values["inf"]}

    def _round(self, m, tags, values):
        rounder = self._add(m, "accumulator_rounder", "float_rounder", FloatRounder)
        for name in ("sig", "up", "exp", "sign", "zero"):
            m.d.comb += rounder.i[name].eq(values[name])
        inf = values["inf"] | rounder.o_overflow if self.design.has_infinity else values["inf"]
        kept = {name: values[name] for name in ("exp", "sign", "nan")}
        return tags, {"sig": rounder.o_sig, "zero": rounder.o_zero, "inf": inf, **kept}
