"""One side of an array: what operands pass ahead of the first row or column of cells."""

from amaranth.hdl import C, Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design
from afp_hw.hdl.decoder import Decoder
from afp_hw.hdl.operand import not_zero
from afp_hw.hdl.pe import travelling
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.skew import SkewBuffer


class Edge(wiring.Component):
    """Skew buffer of one kind of operand; behind it marks of zeros and, where asked for, decoders.

    Decoders stand behind the skew: a code has fewer bits to delay than an operand.

    Parameters
    ----------
    design : :class:`.Design`
    side : str
        ``"act"`` or ``"wgt"``.
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_valid, i_first, i_last : In(1)
        As of :class:`.Array`; of activations only.
    i_code : In(lanes * width).array(rows or cols)
        Codes, lane 0 in the least significant bits.
    o : Out(travelling(design, format)).array(rows or cols, lanes)
        Operands as the cells take them.
    o_live : Out(lanes).array(rows or cols)
        With ``gate_zeros``: which of them are not zero.
    o_tag : Out(2).array(rows)
        ``first`` and ``last``; of activations only.

    Timing
    ------
    Element i follows its code i clock edges later.

    Widths
    ------
    Those of the parts.
    """

    def __init__(self, design: Design, side: str, place: Place = as_built):
        self.design = design
        self.side = side
        self.place = place
        self.fmt = design.acts if side == "act" else design.weights
        self.count = design.rows if side == "act" else design.cols
        self.sequential = self.count > 1  # the first element is not delayed
        members = {
            "i_code": In(design.lanes * self.fmt.width).array(self.count),
            "o": Out(travelling(design, self.fmt)).array(self.count, design.lanes),
        }
        if side == "act":
            members |= {name: In(1) for name in ("i_valid", "i_first", "i_last")}
            members["o_tag"] = Out(2).array(self.count)
        if design.gate_zeros:
            members["o_live"] = Out(design.lanes).array(self.count)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        tags = self.side == "act"
        width = self.design.lanes * self.fmt.width
        skew_name = f"skew_{self.count}x{width}" + ("_tag2" if tags else "")
        m.submodules.skew = skew = self.place(
            skew_name, lambda: SkewBuffer(self.count, width, 2 if tags else 0)
        )
        for element in range(self.count):
            code = self.i_code[element]
            m.d.comb += skew.i[element].eq(Mux(self.i_valid, code, 0) if tags else code)
            put_operands(m, self, element, skew.o[element])
            if tags:
                m.d.comb += self.o_tag[element].eq(skew.o_tag[element])
        if tags:
            tag = Cat(self.i_first, self.i_last)
            m.d.comb += skew.i_tag.eq(Mux(self.i_valid, tag, 0))
        return m


def put_operands(m, edge, element, codes):
    """Operands and marks of one element of an edge, from its codes behind the delay."""
    for lane in range(edge.design.lanes):
        code = codes.word_select(lane, edge.fmt.width)
        if edge.design.gate_zeros:
            m.d.comb += edge.o_live[element][lane].eq(not_zero(code, edge.fmt))
        if edge.design.decode == "pe":
            m.d.comb += edge.o[element][lane].eq(code)
            continue
        decoder = edge.place(f"decoder_{edge.fmt}", lambda: Decoder(edge.fmt))
        m.submodules[f"decoder_{element}_{lane}"] = decoder
        m.d.comb += [
            decoder.i_code.eq(code),
            decoder.i_valid.eq(C(1, 1)),
            edge.o[element][lane].eq(decoder.o),
        ]
