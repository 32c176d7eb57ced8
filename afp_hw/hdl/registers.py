"""The registers of an accelerator: an AXI4-Lite slave."""

from functools import reduce
from operator import or_

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design.accelerator import AcceleratorDesign
from afp_hw.design.registers import COUNTERS, REGISTERS, Register, constants
from afp_hw.hdl.axi import OKAY, REGISTER_WIDTH, SLVERR, register_slave
from afp_hw.hdl.place import Place, as_built

CODE_WIDTH, DESCRIPTOR_WIDTH = (bits.width for bits in REGISTERS["ERROR"].fields)
GRID_WIDTH = REGISTERS["INPUT_GRID"].fields[0].width


class Registers(wiring.Component):
    """The table of :mod:`afp_hw.design.registers` on a bus.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    s_axil_* : see :func:`.register_slave`
        The lowest two bits of an address are not looked at. Where no register is, nothing is
        written, 0 is read, and the answer is SLVERR. A write to what can only be read changes
        nothing. WSTRB says which bytes are written. Addresses and data of writes may come in
        either order.
    o_start, o_abort : Out(1)
        Orders, each for one cycle; ``o_start`` while no run is busy, ``o_abort`` while one is.
    o_image, o_descriptors, o_input_grid : Out(64), Out(32), Out(signed(12))
        What a run works with: as the registers stood when it was started. They change with
        ``o_start`` only, so the registers may be written while a run is busy.
    i_busy : In(1)
        A run is on; from the clock edge that takes ``o_start`` to that which takes ``i_done``.
    i_done, i_error_code, i_error_descriptor : In(1), In(4), In(16)
        A run has ended, for one cycle: why, an :class:`.ErrorCode`, and in which descriptor.
    i_NAME : In(32)
        The performance counters, by their names in small letters; cleared by whoever counts.
    o_interrupt : Out(1)
        An enabled interrupt has not been cleared; a level.

    Timing
    ------
    A write takes effect at the clock edge behind that at which the later one of its address and
    data is taken, or that at which its predecessor's answer is, if that is later; BVALID is 1 after
    it, and so is ``o_start``. A read's data are those of the cycle in which its address is taken;
    RVALID is 1 after that edge. One write and one read every two cycles. No output on the bus
    follows from an input of the same cycle. An event sets its bit of INTERRUPT_STATUS where it is
    cleared at the same edge.

    Widths
    ------
    Those of the table.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        super().__init__(
            {
                "o_start": Out(1),
                "o_abort": Out(1),
                "o_image": Out(2 * REGISTER_WIDTH),
                "o_descriptors": Out(REGISTER_WIDTH),
                "o_input_grid": Out(signed(GRID_WIDTH)),
                "o_interrupt": Out(1),
                "i_busy": In(1),
                "i_done": In(1),
                "i_error_code": In(CODE_WIDTH),
                "i_error_descriptor": In(DESCRIPTOR_WIDTH),
                **{f"i_{name.lower()}": In(REGISTER_WIDTH) for name in COUNTERS},
                **register_slave(),
            }
        )

    def elaborate(self, platform):
        m = Module()
        kept = {
            (register.name, bits.name): Signal(
                bits.width, name=f"{register.name.lower()}_{bits.name}", init=bits.reset
            )
            for register in REGISTERS.values()
            if register.access in ("RW", "W1C") or register.name in ("STATUS", "ERROR")
            for bits in register.fields
            if bits.name != "busy"
        }
        write, word, data, strobes = self._writes(m)
        mask = Cat(strobe.replicate(8) for strobe in strobes)
        written = {}
        for name, register in REGISTERS.items():
            here = write & (word == register.offset // 4)
            for bits in register.fields:
                part = slice(bits.low, bits.low + bits.width)
                written[name, bits.name] = here, data[part], mask[part]
        start = self._orders(m, written)
        self._states(m, kept, written, start)
        with m.If(start):
            image = Cat(kept["IMAGE_LOW", "value"], kept["IMAGE_HIGH", "value"])
            m.d.sync += [
                self.o_image.eq(image),
                self.o_descriptors.eq(kept["DESCRIPTORS", "value"]),
                self.o_input_grid.eq(kept["INPUT_GRID", "value"]),
            ]
        self._reads(m, kept)
        return m

    def _writes(self, m):
        """A write that takes effect at the next edge: whether, to which word, data, strobes."""
        word = Signal(len(self.s_axil_awaddr) - 2, name="write_word", reset_less=True)
        data = Signal(REGISTER_WIDTH, name="write_data", reset_less=True)
        strobes = Signal(REGISTER_WIDTH // 8, reset_less=True)
        addressed, filled, write = Signal(), Signal(), Signal()
        m.d.comb += [
            self.s_axil_awready.eq(~addressed),
            self.s_axil_wready.eq(~filled),
            write.eq(addressed & filled & ~self.s_axil_bvalid),
        ]
        with m.If(self.s_axil_awready & self.s_axil_awvalid):
            m.d.sync += [addressed.eq(1), word.eq(self.s_axil_awaddr[2:])]
        with m.If(self.s_axil_wready & self.s_axil_wvalid):
            m.d.sync += [filled.eq(1), data.eq(self.s_axil_wdata), strobes.eq(self.s_axil_wstrb)]
        with m.If(write):
            here = word.matches(*(register.offset // 4 for register in REGISTERS.values()))
            m.d.sync += [addressed.eq(0), filled.eq(0), self.s_axil_bvalid.eq(1)]
            m.d.sync += self.s_axil_bresp.eq(Mux(here, OKAY, SLVERR))
        with m.Elif(self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)
        return write, word, data, strobes

    def _orders(self, m, written):
        """Pulses; returns whether a run is started at the next edge."""
        busy = self.i_busy | self.o_start
        ordered = {}
        for bits in REGISTERS["CONTROL"].fields:
            here, data, mask = written["CONTROL", bits.name]
            ordered[bits.name] = here & data[0] & mask[0]
        start = ordered["start"] & ~busy
        m.d.sync += [self.o_start.eq(start), self.o_abort.eq(ordered["abort"] & busy)]
        return start

    def _states(self, m, kept, written, start):
        """Registers that are written from the bus, and what is known of the last run."""
        failed = self.i_done & (self.i_error_code != 0)
        events = {"done": self.i_done, "error": failed}
        for (name, field), state in kept.items():
            here, data, mask = written[name, field]
            if REGISTERS[name].access == "RW":
                with m.If(here):
                    m.d.sync += state.eq((state & ~mask) | (data & mask))
            elif REGISTERS[name].access == "W1C":
                cleared = data & mask & here.replicate(len(state))
                m.d.sync += state.eq((state & ~cleared) | events[field])
        for field, event in events.items():
            m.d.sync += kept["STATUS", field].eq((kept["STATUS", field] & ~start) | event)
        with m.If(self.i_done):
            m.d.sync += kept["ERROR", "code"].eq(self.i_error_code)
            m.d.sync += kept["ERROR", "descriptor"].eq(self.i_error_descriptor)
        with m.Elif(start):
            m.d.sync += [kept["ERROR", "code"].eq(0), kept["ERROR", "descriptor"].eq(0)]
        on = [kept["INTERRUPT_STATUS", name] & kept["INTERRUPT_ENABLE", name] for name in events]
        m.d.comb += self.o_interrupt.eq(Cat(on).any())

    def _reads(self, m, kept):
        fixed = constants(self.design)

        def value(register: Register):
            if register.constant:
                return C(fixed[register.name], REGISTER_WIDTH)
            if register.name in COUNTERS:
                return getattr(self, f"i_{register.name.lower()}")
            whole = Signal(REGISTER_WIDTH, name=f"read_{register.name.lower()}")
            for bits in register.fields:
                state = kept.get((register.name, bits.name), C(0, bits.width))
                if bits.name == "busy":
                    state = self.i_busy | self.o_start
                # A signed field is extended to the end of the register.
                end = REGISTER_WIDTH if bits.signed else bits.low + bits.width
                extended = state.as_signed() if bits.signed else state
                m.d.comb += whole[bits.low : end].eq(extended)
            return whole

        # Selected by AND and OR: of a switch Yosys makes functions that Icarus does not know.
        chosen, here = [], []
        for register in REGISTERS.values():
            hit = self.s_axil_araddr[2:] == register.offset // 4
            chosen.append(value(register) & hit.replicate(REGISTER_WIDTH))
            here.append(hit)
        m.d.comb += self.s_axil_arready.eq(~self.s_axil_rvalid)
        with m.If(self.s_axil_arready & self.s_axil_arvalid):
            m.d.sync += [
                self.s_axil_rvalid.eq(1),
                self.s_axil_rdata.eq(reduce(or_, chosen)),
                self.s_axil_rresp.eq(Mux(reduce(or_, here), OKAY, SLVERR)),
            ]
        with m.Elif(self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        return m
