"""The accelerator: registers, memory ports, engines and the array."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import Operation, OutputKind
from afp_hw.hdl.axi import connect, read_master, register_slave, write_master
from afp_hw.hdl.compute_core import ComputeCore
from afp_hw.hdl.grids import LSB_WIDTH, Grids, grid_layout
from afp_hw.hdl.load_engine import LoadEngine, Segment
from afp_hw.hdl.out_buffer import OutBuffer
from afp_hw.hdl.place import Place, as_built
from afp_hw.hdl.read_dma import ReadDma
from afp_hw.hdl.record_loader import RecordLoader
from afp_hw.hdl.registers import Registers
from afp_hw.hdl.sequencer import Sequencer
from afp_hw.hdl.write_dma import WriteDma

_BYTES = {
    Segment.DESCRIPTOR: "bytes_descriptors",
    Segment.RECORDS: "bytes_records",
    Segment.WEIGHTS: "bytes_weights",
    Segment.ACTIVATIONS: "bytes_activations",
    Segment.SIDE: "bytes_side",
}


class Accelerator(wiring.Component):
    """Runs networks: descriptors, weights and tensors in memory, orders in registers.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    m_axi_* : AXI4 master, see :func:`.read_master` and :func:`.write_master`
        Incrementing bursts of whole beats, all with ID 0.
    s_axil_* : AXI4-Lite slave, see :func:`.register_slave`
        The registers of :mod:`afp_hw.design.registers`.
    o_interrupt : Out(1)
        A level.
    o_loaded, o_computed, o_stored : Out(16)
        How far the engines are: descriptors loaded and computed, stores. For a simulation.

    Timing
    ------
    ``docs/accelerator.md``; ``afp_hw/schedule`` has every cycle of it.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        self.core = ComputeCore(design, place)
        self.load_lsb = Signal(signed(LSB_WIDTH))  # of what is loaded
        super().__init__(
            {
                **read_master(design),
                **write_master(design),
                **register_slave(),
                "o_interrupt": Out(1),
                **{f"o_{name}": Out(16) for name in ("loaded", "computed", "stored")},
            }
        )

    def elaborate(self, platform):
        m = Module()
        design, place = self.design, self.place
        m.submodules.registers = registers = place("registers", lambda: Registers(design, place))
        m.submodules.read = read = place("read_dma", lambda: ReadDma(design, place))
        m.submodules.write = write = place("write_dma", lambda: WriteDma(design, place))
        m.submodules.load = load = place("load_engine", lambda: LoadEngine(design, place))
        m.submodules.sequencer = control = place("sequencer", lambda: Sequencer(design, place))
        m.submodules.core = core = place("compute_core", lambda: self.core)
        m.submodules.out = out = place("out_buffer", lambda: OutBuffer(design, place))
        connect(m, self, registers, register_slave())
        connect(m, self, read, read_master(design))
        connect(m, self, write, write_master(design))
        m.d.comb += self.o_interrupt.eq(registers.o_interrupt)

        self._control(m, registers, control, load, read, write)
        self._load(m, load, read, core)
        self._store(m, control, core, out, write, registers)
        self._count(m, registers, control, load, read, write)
        if design.dynamic:
            self._grids(m, registers, control, load, core)
        return m

    def _control(self, m, registers, control, load, read, write):
        m.d.comb += [
            control.i_start.eq(registers.o_start),
            control.i_abort.eq(registers.o_abort),
            registers.i_busy.eq(control.o_busy),
            registers.i_done.eq(control.o_done),
            registers.i_error_code.eq(control.o_error_code),
            registers.i_error_descriptor.eq(control.o_error_descriptor),
            load.i_start.eq(registers.o_start),
            load.i_stop.eq(control.o_stop),
            load.i_image.eq(registers.o_image),
            load.i_descriptors.eq(registers.o_descriptors),
            load.i_computed.eq(control.o_computed),
            load.i_stored.eq(control.o_stored),
            load.i_take.eq(control.o_take),
            control.i_loaded_valid.eq(load.o_valid),
            control.i_loaded.eq(load.o_descriptor),
            control.i_load_idle.eq(load.o_idle),
            control.i_wrong.eq(load.o_wrong),
            control.i_read_error.eq(read.o_error),
            control.i_write_error.eq(write.o_error),
            read.i_clear.eq(registers.o_start),
            write.i_clear.eq(registers.o_start),
            self.o_loaded.eq(load.o_loaded),
            self.o_computed.eq(control.o_computed),
            self.o_stored.eq(control.o_stored),
        ]

    def _load(self, m, load, read, core):
        """Beats to the buffers; those of records to the columns they belong to."""
        d = load.o_loading
        m.d.comb += [
            read.i_valid.eq(load.o_read),
            load.i_read_ready.eq(read.o_ready),
            read.i_address.eq(load.o_read_address),
            read.i_beats.eq(load.o_read_beats),
            load.i_read_done.eq(read.o_done),
            load.i_beat.eq(read.o_valid),
            load.i_data.eq(read.o_data),
            core.i_data.eq(read.o_data),
        ]
        for name, segment in (
            ("act", Segment.ACTIVATIONS),
            ("wgt", Segment.WEIGHTS),
            ("side", Segment.SIDE),
        ):
            m.d.comb += [
                getattr(core, f"i_{name}_write").eq(read.o_valid & (load.o_segment == segment)),
                getattr(core, f"i_{name}_beat").eq(load.o_beat),
                getattr(core, f"i_{name}_bank").eq(getattr(d, f"{name}_bank")),
            ]
        self._records(m, load, read, core)

    def _records(self, m, load, read, core):
        d = load.o_loading
        m.submodules.records = records = self.place(
            "record_loader", lambda: RecordLoader(self.design, self.place)
        )
        here = load.o_segment == Segment.RECORDS
        m.d.comb += [
            records.i_clear.eq(~here),
            records.i_valid.eq(read.o_valid & here),
            records.i_data.eq(read.o_data),
            core.i_record_write.eq(records.o_write),
            core.i_record_address.eq(Cat(records.o_tile, d.parameter_bank)),
        ]
        m.d.comb += [
            target.eq(record)
            for target, record in zip(core.i_record, records.o_record, strict=True)
        ]
        if self.design.dynamic:
            m.d.comb += [
                records.i_scale.eq(d.dynamic_in & (d.operation != Operation.SIDE)),
                records.i_lsb.eq(self.load_lsb),
                records.i_left.eq(d.init_left),
            ]

    def _grids(self, m, registers, control, load, core):
        """The table of grids, and what follows from it for a computation."""
        design = self.design
        m.submodules.grids = grids = self.place("grids", lambda: Grids(design, self.place))
        d = control.o_computing
        act, side, other = grids.o_grid
        apart, inside = Signal(signed(LSB_WIDTH + 1)), Signal(signed(LSB_WIDTH))
        both = Signal(grid_layout(design))
        alone = d.operation != Operation.SIDE
        m.d.comb += [
            self.load_lsb.eq(grids.o_load_lsb),
            grids.i_load_place.eq(load.o_loading.act_grid),
            grids.i_begin.eq(control.o_look),
            grids.i_look[0].eq(d.act_grid),
            grids.i_look[1].eq(d.side_grid),
            grids.i_look[2].eq(d.other_grid),
            control.i_looked.eq(grids.o_looked),
            apart.eq(side.lsb - other.lsb),
            control.i_apart.eq((d.operation == Operation.SIDE) & (apart > d.most_alignment)),
            inside.eq(Mux(alone, act.lsb, Mux(apart > 0, other.lsb, side.lsb))),
            core.i_act_base.eq(act.base),
            core.i_side_base.eq(side.base),
            core.i_align.eq(Mux(d.dynamic_in & (apart > 0), apart, 0)),
            core.i_unit.eq(Mux(d.dynamic_in, inside, 0) + d.grid_shift),
            core.i_clear.eq(registers.o_start),
            both.eq(core.o_grid),
            grids.i_write.eq(registers.o_start | core.o_fixed),
            grids.i_place.eq(d.out_grid),
            grids.i_grid.eq(both),
        ]
        with m.If(d.output == OutputKind.CODES):  # moved, compared: the grid stays
            m.d.comb += [both.lsb.eq(inside), both.base.eq(0)]
        with m.If(registers.o_start):
            m.d.comb += [grids.i_place.eq(0), both.lsb.eq(registers.o_input_grid)]

    def _store(self, m, control, core, out, write, registers):
        """Computations, and their words from the output buffer to memory."""
        d, stored = control.o_computing, control.o_storing
        n_man = self.design.array.out_envelope.n_man
        m.d.comb += [
            core.i_descriptor.eq(d),
            core.i_start.eq(control.o_compute),
            control.i_computed.eq(core.o_done),
            out.i_write.eq(core.o_write),
            out.i_bank.eq(d.out_bank),
            out.i_address.eq(core.o_address),
            out.i_word.eq(core.o_word),
            out.i_start.eq(control.o_store),
            out.i_read_bank.eq(stored.out_bank),
            out.i_rows.eq(stored.store_rows),
            out.i_row_words.eq(stored.store_row_words),
            out.i_bits.eq(stored.out_bits),
            out.i_signed.eq(stored.out_signed),
            out.i_narrow.eq(n_man - stored.out_n_man),
            out.i_plain.eq(stored.output != OutputKind.CODES),
            write.i_valid.eq(control.o_store),
            control.i_write_ready.eq(write.o_ready),
            control.i_write_done.eq(write.o_done),
            write.i_address.eq(registers.o_image + stored.store_address),
            write.i_beats.eq(stored.store_rows * stored.store_row_beats),
            write.i_data_valid.eq(out.o_valid),
            write.i_data.eq(out.o_data),
            out.i_ready.eq(write.o_data_ready),
        ]

    def _count(self, m, registers, control, load, read, write):
        """Performance counters: cycles, waits, bytes."""
        beat_bytes = self.design.beat_bytes
        written = write.m_axi_wvalid & write.m_axi_wready
        ones = {
            "cycles": control.o_busy,
            "load_busy": ~load.o_idle,
            "compute_busy": control.o_compute_busy,
            "store_busy": control.o_store_busy,
            "compute_waits_load": control.o_waits_load,
            "compute_waits_store": control.o_waits_store,
            "load_waits_compute": load.o_waits_computed,
            "load_waits_store": load.o_waits_stored,
        }
        steps = {name: Mux(condition, 1, 0) for name, condition in ones.items()}
        for segment, name in _BYTES.items():
            here = read.o_valid & (load.o_segment == segment)
            steps[name] = Mux(here, Const(beat_bytes), 0)
        steps["bytes_written"] = Mux(written, Const(beat_bytes), 0)
        for name, step in steps.items():
            counter = Signal(32, name=f"count_{name}")
            m.d.comb += getattr(registers, f"i_{name}").eq(counter)
            with m.If(registers.o_start):
                m.d.sync += counter.eq(0)
            with m.Else():
                m.d.sync += counter.eq(counter + step)
        m.d.comb += registers.i_descriptors_done.eq(control.o_computed)
