"""Numbers of a floating-point processing element as they travel through it."""

from amaranth.hdl import signed
from amaranth.lib import data

from afp_hw.design.float_design import SUM_SIG, FloatDesign
from afp_hw.formats.floating import FloatFormat


def float_operand_layout(fmt: FloatFormat, *, normalized: bool) -> data.StructLayout:
    """Layout of a decoded operand.

    ``man`` is the fraction below a hidden bit that is always 1 where `normalized`, and else is
    ``hidden``. ``exp`` is signed: subnormals that are normalised have exponents down to
    ``1 - n_man`` in terms of the code. ``nonzero``, ``nan`` and ``inf`` (of width 0 where the
    format has no infinity) say what the fields do not.
    """
    return data.StructLayout(
        {
            "man": fmt.n_man,
            "hidden": int(not normalized),
            "exp": signed(fmt.n_exp + 1),
            "sign": 1,
            "nonzero": 1,
            "nan": 1,
            "inf": int(fmt.has_infinity),
        }
    )


def operand_layouts(design: FloatDesign) -> tuple[data.StructLayout, data.StructLayout]:
    """Layouts of activation and weight; of anchored products subnormals are not normalised."""
    normalized = not design.anchored
    return (
        float_operand_layout(design.acts, normalized=normalized),
        float_operand_layout(design.weights, normalized=normalized),
    )


def flags_layout(design: FloatDesign) -> data.StructLayout:
    """Layout of what is known of a product before it is computed."""
    return data.StructLayout(
        {"nonzero": 1, "sign": 1, "nan": 1, "inf": int(design.has_infinity)},
    )


def product_layout(design: FloatDesign) -> data.StructLayout:
    """Layout of a product that is not zero.

    ``sig`` is the fraction below a 1, or, where the product is anchored, all of the product, in
    units of its least significant bit. ``exp`` is signed unless sums are bounded.
    """
    width = design.product_exp_width
    return data.StructLayout(
        {
            "sig": design.product_width - (not design.anchored),
            "exp": width if design.bounded else signed(width),
        }
    )


def addends_layout(design: FloatDesign) -> data.StructLayout:
    """Layout of the two addends, aligned, and what goes with them.

    ``other`` is complemented where ``subtract``; it is added to ``keep`` (see :class:`.FloatAdder`)
    unless ``less`` says beforehand that it is the greater one. ``exp`` belongs to the second most
    significant bit of the window; ``sign`` is that of ``keep``, ``zero_sign`` that of a zero total.
    """
    keep = design.window_width if design.anchored else SUM_SIG + 1
    other = design.product_width if design.anchored else design.window_width
    return data.StructLayout(
        {
            "keep": keep,
            "other": other,
            "subtract": 1,
            "less": int(design.bounded),
            "exp": design.exp_width,
            "sign": 1,
            "zero_sign": int(not design.bounded),
        }
    )


def total_layout(design: FloatDesign) -> data.StructLayout:
    """Layout of the total in the window.

    Where sums are bounded ``total`` is a magnitude; else it is in two's complement, ``negative``
    its sign bit.
    """
    return data.StructLayout(
        {
            "total": design.window_width,
            "negative": int(not design.bounded),
            "exp": design.exp_width,
            "sign": 1,
            "zero_sign": int(not design.bounded),
        }
    )


def moved_layout(design: FloatDesign) -> data.StructLayout:
    """Layout of a total of sums that are not bounded, after the longer moves.

    ``value`` is what is left of it; ``lost`` says whether there was a 1 in what is not. Further
    moves are made where ``unlimited`` or their bit of ``exp`` is 1. ``zero``: of the whole total.
    """
    return data.StructLayout(
        {
            "value": design.moved_width,
            "unlimited": 1,
            "lost": 1,
            "moves": design.move_levels - design.short_levels,
            "negative": 1,
            "exp": design.exp_width,
            "sign": 1,
            "zero_sign": 1,
            "zero": 1,
        }
    )


def sum_layout(design: FloatDesign) -> data.StructLayout:
    """Layout of a sum that is normalised, and to be rounded: ``sig + up``.

    The leading bit of ``sig`` is 0 for subnormals, whose ``exp`` is that of the smallest normal
    numbers, and for zero, whose ``exp`` means nothing; ``zero`` is there unless sums are bounded.
    """
    return data.StructLayout(
        {
            "sig": SUM_SIG,
            "up": 1,
            "exp": design.exp_width,
            "sign": 1,
            "zero": int(not design.bounded),
        }
    )
