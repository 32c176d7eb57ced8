"""Loads descriptors and what they compute with. Source: ``docs/accelerator.md``, One descriptor."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES
from afp_hw.hdl.axi import ADDRESS_WIDTH
from afp_hw.hdl.bursts import BEATS_WIDTH
from afp_hw.hdl.descriptor_view import DESCRIPTOR
from afp_hw.hdl.place import Place, as_built


class Segment(enum.Enum):
    """What a beat belongs to."""

    DESCRIPTOR = 0
    WEIGHTS = 1
    RECORDS = 2
    ACTIVATIONS = 3
    SIDE = 4


_COUNTS = (
    *("n_tiles", "pixels", "tile_pixels", "slots", "out_width"),
    *("ky_count", "kx_count", "cj_count"),
)
_ADDRESSES = ("parameter_address", "wgt_address", "act_address", "side_address", "store_address")


class LoadEngine(wiring.Component):
    """Reads descriptor after descriptor and its segments, each when it may be read.

    Parameters
    ----------
    design : :class:`.AcceleratorDesign`
    place
        See :mod:`afp_hw.hdl.place`.

    Members
    -------
    i_start, i_stop : In(1)
        Begin with the first descriptor; begin nothing any more.
    i_image, i_descriptors : In(64), In(32)
        Address of the image, place of the first descriptor in it.
    i_computed, i_stored : In(16)
        Descriptors computed, stores finished.
    o_read, i_read_ready, o_read_address, o_read_beats, i_read_done
        Commands for :class:`.ReadDma`.
    i_beat, i_data : In(1), In(data_width)
        What it reads.
    o_segment, o_beat, o_loading : Out(Segment), Out(20), Out(DESCRIPTOR)
        What the beat of this cycle belongs to.
    o_valid, i_take, o_descriptor : Out(1), In(1), Out(DESCRIPTOR)
        A loaded descriptor waits to be computed; it is taken.
    o_loaded : Out(16)
        Descriptors loaded.
    o_idle, o_wrong : Out(1)
        Nothing is read or will be; the descriptor just read is none that the design can compute:
        ``i_stop`` must follow with the same cycle.
    o_waits_computed, o_waits_stored : Out(1)
        A segment is held up by this.

    Timing
    ------
    A command is given in the cycle behind the end of that before it, for a descriptor's first
    segment two cycles behind; a segment without beats takes a cycle. A loaded descriptor is handed
    on one cycle behind its last segment, when none waits.
    """

    sequential = True

    def __init__(self, design: AcceleratorDesign, place: Place = as_built):
        self.design = design
        self.place = place
        super().__init__(
            {
                "i_start": In(1),
                "i_stop": In(1),
                "i_image": In(ADDRESS_WIDTH),
                "i_descriptors": In(32),
                "i_computed": In(16),
                "i_stored": In(16),
                "o_read": Out(1),
                "i_read_ready": In(1),
                "o_read_address": Out(ADDRESS_WIDTH),
                "o_read_beats": Out(BEATS_WIDTH),
                "i_read_done": In(1),
                "i_beat": In(1),
                "i_data": In(design.data_width),
                "o_segment": Out(Segment),
                "o_beat": Out(BEATS_WIDTH),
                "o_loading": Out(DESCRIPTOR),
                "o_valid": Out(1),
                "i_take": In(1),
                "o_descriptor": Out(DESCRIPTOR),
                "o_loaded": Out(16),
                **{
                    f"o_{name}": Out(1)
                    for name in ("idle", "wrong", "waits_computed", "waits_stored")
                },
            }
        )

    def elaborate(self, platform):
        m = Module()
        self.d = d = Signal(DESCRIPTOR, reset_less=True)
        self.at = Signal(32)
        self.segment = Signal(Segment)
        beats = self._segment(m)
        computed, stored = self.i_computed >= d.wait_computed, self.i_stored >= d.wait_stored
        asking = Signal()
        of_descriptor = self.segment == Segment.DESCRIPTOR
        late = (self.segment == Segment.ACTIVATIONS) | (self.segment == Segment.SIDE)
        if self.design.dynamic:  # initial values need the grid of the activations
            late |= (self.segment == Segment.RECORDS) & d.dynamic_in
        needed = asking & ~of_descriptor & (beats != 0)
        m.d.comb += [
            self.o_waits_computed.eq(needed & ~computed),
            self.o_waits_stored.eq(needed & computed & late & ~stored),
        ]
        may = ~self.o_waits_computed & ~self.o_waits_stored
        waiting = Signal(DESCRIPTOR, reset_less=True)
        m.d.comb += [self.o_descriptor.eq(waiting), self.o_loading.eq(d)]
        with m.If(self.i_take):
            m.d.sync += self.o_valid.eq(0)
        with m.FSM():
            with m.State("OFF"):
                m.d.comb += self.o_idle.eq(1)
                with m.If(self.i_start):
                    m.d.sync += [
                        self.at.eq(self.i_descriptors),
                        self.segment.eq(Segment.DESCRIPTOR),
                        self.o_valid.eq(0),
                        self.o_loaded.eq(0),
                    ]
                    m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += asking.eq(1)
                m.d.sync += self.o_beat.eq(0)
                with m.If(self.i_stop):
                    m.next = "OFF"
                with m.Elif(beats == 0):
                    self._follow(m)
                with m.Elif(may):
                    m.d.comb += self.o_read.eq(1)
                    with m.If(self.i_read_ready):
                        m.next = "READ"
            with m.State("READ"), m.If(self.i_read_done):
                m.next = "ASK"
                with m.If(of_descriptor):
                    m.next = "CHECK"
                with m.Else():
                    self._follow(m)
            with m.State("CHECK"):
                m.d.comb += self.o_wrong.eq(self._wrong())
                m.d.sync += self.segment.eq(Segment.WEIGHTS)
                m.next = "ASK"
            with m.State("HAND_ON"):
                with m.If(self.i_stop):
                    m.next = "OFF"
                with m.Elif(~self.o_valid):
                    m.d.sync += [
                        waiting.eq(d),
                        self.o_valid.eq(1),
                        self.o_loaded.eq(self.o_loaded + 1),
                        self.at.eq(self.at + DESCRIPTOR_BYTES),
                        self.segment.eq(Segment.DESCRIPTOR),
                    ]
                    m.next = "ASK"
                    with m.If(d.last):
                        m.next = "OFF"
        return m

    def _segment(self, m):
        """Address and length of what is read now; returns the beats."""
        d = self.d
        own = DESCRIPTOR_BYTES // self.design.beat_bytes
        places = {
            Segment.DESCRIPTOR: (self.at, own),
            Segment.WEIGHTS: (d.wgt_address, d.wgt_beats),
            Segment.RECORDS: (d.parameter_address, d.parameter_beats),
            Segment.ACTIVATIONS: (d.act_address, d.act_beats),
            Segment.SIDE: (d.side_address, d.side_beats),
        }
        address, beats = Signal(32), Signal(BEATS_WIDTH)
        with m.Switch(self.segment):
            for segment, (start, count) in places.items():
                with m.Case(segment):
                    m.d.comb += [address.eq(start), beats.eq(count)]
        m.d.comb += [
            self.o_read_address.eq(self.i_image + address),
            self.o_read_beats.eq(beats),
            self.o_segment.eq(self.segment),
        ]
        with m.If(self.i_beat):
            m.d.sync += self.o_beat.eq(self.o_beat + 1)
            with m.If(self.segment == Segment.DESCRIPTOR):
                whole = d.as_value()
                m.d.sync += whole.eq(Cat(whole[self.design.data_width :], self.i_data))
        return beats

    def _follow(self, m):
        """Go on with the next segment, behind the last one hand the descriptor on."""
        following = {
            Segment.WEIGHTS: Segment.RECORDS,
            Segment.RECORDS: Segment.ACTIVATIONS,
            Segment.ACTIVATIONS: Segment.SIDE,
        }
        with m.Switch(self.segment):
            for segment, after in following.items():
                with m.Case(segment):
                    m.d.sync += self.segment.eq(after)
                    m.next = "ASK"
            with m.Default():
                m.next = "HAND_ON"

    def _wrong(self):
        """Whether a descriptor would never end, as far as that is easily seen.

        What else the contract asks for, sizes of banks above all, is the compiler's duty.
        """
        d = self.d
        low = (self.design.beat_bytes - 1).bit_length()
        wrong = [getattr(d, name) == 0 for name in _COUNTS]
        wrong += [getattr(d, name)[:low].any() for name in _ADDRESSES]
        wrong += [d.operation == 3, d.n_tiles > self.design.channel_tiles, d.last & ~d.store]
        return Cat(*wrong).any()
