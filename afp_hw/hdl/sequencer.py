"""Works through descriptors: loads, computes and stores, each in order and ahead of the next.

Source: ``docs/accelerator.md``, One descriptor.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.registers import ErrorCode
from afp_hw.hdl.descriptor_view import DESCRIPTOR
from afp_hw.hdl.place import Place, as_built


class Sequencer(wiring.Component):
    """Hands descriptors from the load to the compute and to the store engine, and ends the run.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_start, i_abort : In(1)
        Begin a run, end it.
    o_busy, o_done, o_error_code, o_error_descriptor : Out
        As :class:`.Registers` takes them.
    i_loaded_valid, i_loaded, o_take, i_load_idle, i_wrong, o_stop
        Of :class:`.LoadEngine`.
    o_computing, o_compute, i_computed : Out(DESCRIPTOR), Out(1), In(1)
        A computation: its descriptor, its start and its end, each for a cycle.
    o_storing, o_store, i_write_ready, i_write_done : Out(DESCRIPTOR), Out(1), In(1), In(1)
        A store: its descriptor; its start, in which :class:`.WriteDma` takes its command; its end.
    i_read_error, i_write_error : In(1)
        Of the two.
    o_computed, o_stored : Out(16)
        Descriptors computed, stores finished.
    o_look, i_looked, i_apart : Out(1), In(1), In(1)
        Where grids are dynamic: look up those of the operands; they are there; they lie too far
        apart.
    o_compute_busy, o_store_busy, o_waits_load, o_waits_store : Out(1)
        What the engines do in this cycle; the waits are those of the compute engine.

    Timing
    ------
    A loaded descriptor is taken in the cycle of ``i_loaded_valid``, or two behind the end of that
    before it, and starts in the cycle behind that, with ``dynamic_in`` 6 cycles later. Its store
    begins two cycles behind its end.

    An error stops the load engine at once; the run ends when what is on has ended.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        inputs = [
            *("start", "abort", "loaded_valid", "load_idle", "wrong", "computed"),
            *("write_ready", "write_done", "read_error", "write_error"),
        ]
        outputs = [
            *("busy", "done", "take", "stop", "compute", "store"),
            *("compute_busy", "store_busy", "waits_load", "waits_store"),
        ]
        if design.dynamic:
            inputs += ["looked", "apart"]
            outputs.append("look")
        super().__init__(
            {
                **{f"i_{name}": In(1) for name in inputs},
                **{f"o_{name}": Out(1) for name in outputs},
                "i_loaded": In(DESCRIPTOR),
                "o_computing": Out(DESCRIPTOR),
                "o_storing": Out(DESCRIPTOR),
                "o_computed": Out(16),
                "o_stored": Out(16),
                "o_error_code": Out(4),
                "o_error_descriptor": Out(16),
            }
        )

    def elaborate(self, platform):
        m = Module()
        computed, wanted = Signal(DESCRIPTOR, reset_less=True), Signal()
        storing = Signal(DESCRIPTOR, reset_less=True)
        m.d.comb += [self.o_computing.eq(computed), self.o_storing.eq(storing)]
        compute_idle = self._compute(m, computed, storing, wanted)
        store_idle, ended = self._store(m, storing, wanted)
        self._run(m, self.i_load_idle & compute_idle & store_idle, ended)
        return m

    def _compute(self, m, d, storing, wanted):
        """A loaded descriptor, when its output bank is free; returns whether none is computed."""
        idle = Signal()
        free = self.o_stored >= self.i_loaded.wait_bank
        with m.FSM(name="compute"):
            with m.State("IDLE"):
                m.d.comb += idle.eq(1)
                with m.If(self.i_loaded_valid & free & ~self.o_stop):
                    m.d.comb += self.o_take.eq(1)
                    m.d.sync += d.eq(self.i_loaded)
                    m.next = "START"
                    if self.design.dynamic:
                        with m.If(self.i_loaded.dynamic_in):
                            m.next = "LOOK"
            if self.design.dynamic:
                with m.State("LOOK"):
                    m.d.comb += self.o_look.eq(1)
                    m.next = "LOOKING"
                with m.State("LOOKING"), m.If(self.i_looked):
                    m.next = "START"
                    with m.If(self.i_apart):
                        m.next = "IDLE"
            with m.State("START"):
                m.d.comb += self.o_compute.eq(1)
                m.next = "RUN"
            with m.State("RUN"), m.If(self.i_computed):
                m.next = "END"
            # The store before it has begun, unless banks are used against the order.
            with m.State("END"), m.If(~d.store | ~wanted):
                m.d.sync += self.o_computed.eq(self.o_computed + 1)
                with m.If(d.store):
                    m.d.sync += [storing.eq(d), wanted.eq(1)]
                m.next = "IDLE"
        m.d.comb += [
            self.o_compute_busy.eq(~idle),
            self.o_waits_store.eq(idle & self.i_loaded_valid & ~free),
            self.o_waits_load.eq(idle & ~self.i_loaded_valid & ~self.i_load_idle),
        ]
        return idle

    def _store(self, m, d, wanted):
        """A complete output bank; whether there is none, and whether the last one is through."""
        idle, ended = Signal(), Signal()
        with m.FSM(name="store"):
            with m.State("IDLE"):
                m.d.comb += idle.eq(~wanted)
                with m.If(wanted & self.i_write_ready):
                    m.d.comb += self.o_store.eq(1)
                    m.next = "RUN"
            with m.State("RUN"), m.If(self.i_write_done):
                m.d.sync += [self.o_stored.eq(self.o_stored + 1), wanted.eq(0)]
                m.d.comb += ended.eq(d.last)
                m.next = "IDLE"
        m.d.comb += self.o_store_busy.eq(~idle)
        return idle, ended

    def _run(self, m, idle, ended):
        """Start, end and errors of a run."""
        code = self.o_error_code
        with m.If(self.o_busy & (code == ErrorCode.NONE)):
            with m.If(self.i_read_error):
                m.d.sync += code.eq(ErrorCode.READ_RESPONSE)
            with m.Elif(self.i_write_error):
                m.d.sync += code.eq(ErrorCode.WRITE_RESPONSE)
            with m.Elif(self.i_wrong):
                m.d.sync += code.eq(ErrorCode.DESCRIPTOR)
            with m.Elif(self.i_abort):
                m.d.sync += code.eq(ErrorCode.ABORTED)
            if self.design.dynamic:
                with m.Elif(self.i_looked & self.i_apart):
                    m.d.sync += code.eq(ErrorCode.ALIGNMENT)
        m.d.comb += [
            self.o_stop.eq((code != ErrorCode.NONE) | self.i_wrong),
            self.o_error_descriptor.eq(self.o_computed),
        ]
        over, failed = Signal(), Signal()
        m.d.comb += [
            # The last response may be the one that is wrong: then the run ends a cycle later.
            failed.eq(self.i_read_error | self.i_write_error),
            over.eq(self.o_busy & Mux(code == ErrorCode.NONE, ended & ~failed, idle)),
            self.o_done.eq(over),
        ]
        with m.If(over):
            m.d.sync += self.o_busy.eq(0)
        with m.If(self.i_start):
            m.d.sync += [
                self.o_busy.eq(1),
                code.eq(ErrorCode.NONE),
                self.o_computed.eq(0),
                self.o_stored.eq(0),
            ]
