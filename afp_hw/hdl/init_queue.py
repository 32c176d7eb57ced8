"""Initial values of sums (layer bias, skip tensor), added where a column's sums leave the array.

Sums are exact, so adding the initial value last gives the same bits as starting with it, and no PE
needs to be loaded.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from afp_hw.design import Design

INIT_QUEUE_DEPTH = 2


class InitQueue(wiring.Component):
    """Preloaded initial values of one column, one for each sum that leaves it.

    Members
    -------
    i_init : In(stream.Signature(signed(design.init_width)))
        Initial values in the order of the sums: row 0 first. Two are held, so that one is loaded
        while the other is added.
    i_valid, i_acc : In(1), In(signed(design.pe_acc_width))
        A sum from the drain register of row 0.
    o_valid, o_acc : Out(1), Out(signed(design.acc_width))
        The sum with its initial value.
    o_missing : Out(1)
        A sum left without an initial value (0 was taken); stays 1 until reset.

    Timing
    ------
    One clock edge from ``i_acc`` to ``o_acc``; one sum a cycle. A value must have been accepted at
    an earlier clock edge than the one that registers its sum.

    Widths
    ------
    o_acc : ``(k * max_product + init_max).bit_length() + 1``.
    """

    sequential = True

    def __init__(self, design: Design):
        self.design = design
        super().__init__(
            {
                "i_init": In(stream.Signature(signed(design.init_width))),
                "i_valid": In(1),
                "i_acc": In(signed(design.pe_acc_width)),
                "o_valid": Out(1),
                "o_acc": Out(signed(design.acc_width)),
                "o_missing": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = SyncFIFO(width=self.design.init_width, depth=INIT_QUEUE_DEPTH)
        acc = Signal.like(self.o_acc, reset_less=True)
        init = Mux(fifo.r_rdy, fifo.r_data, 0).as_signed()
        m.d.comb += [
            fifo.w_data.eq(self.i_init.payload),
            fifo.w_en.eq(self.i_init.valid),
            self.i_init.ready.eq(fifo.w_rdy),
            fifo.r_en.eq(self.i_valid),
            self.o_acc.eq(acc),
        ]
        m.d.sync += [
            acc.eq(self.i_acc + init),
            self.o_valid.eq(self.i_valid),
            self.o_missing.eq(self.o_missing | (self.i_valid & ~fifo.r_rdy)),
        ]
        return m
