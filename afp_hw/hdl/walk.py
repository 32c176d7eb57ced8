"""The loops of a descriptor: where each step of them is, in bits, rows and places in a row.

Source: ``docs/accelerator.md``, Loops.
"""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

BITS, ROW, PLACE = 32, 18, 26
"""Widths of a bit's index, a row and a place in a row: those of the fields, sums included."""

QUANTITIES = {"bits": BITS, "row": ROW, "place": PLACE}
LEVELS = ("x", "y", "cj", "kx", "ky", "n")

WALK_SETTINGS = data.StructLayout(
    {
        "length": 16,
        "single_chunk": 1,
        "n_tiles": 12,
        "pixels": 16,
        "tile_pixels": 16,
        "out_width": 16,
        "cj_count": 12,
        "kx_count": 8,
        "ky_count": 8,
        "extra_chunks": 8,
        **{f"{quantity}_start": signed(width) for quantity, width in QUANTITIES.items()},
        **{
            f"{quantity}_{level}": signed(width)
            for quantity, width in QUANTITIES.items()
            for level in LEVELS
        },
    }
)
"""What a walk is told.

`length` steps make a chunk, of which those below `tile_pixels` are pixels, as far as there are so
many; with `single_chunk` a tile is one chunk. The others are fields of the descriptor, the steps of
each quantity by the loop that takes them.
"""


class Walk(wiring.Component):
    """Counters of all loops of a descriptor, the innermost advancing step by step.

    Only additions: each loop keeps the value with which it began.

    Members
    -------
    i : In(WALK_SETTINGS)
        Constant from ``i_start`` to the end.
    i_start : In(1)
        Go to the first step.
    i_advance : In(1)
        Go to the next step.
    o_bits, o_row, o_place : Out(signed)
        Where this step is.
    o_step : Out(16)
        Its number in its chunk.
    o_pixel, o_exists : Out(16), Out(1)
        Its output pixel, and whether there is one.
    o_n, o_table, o_slice : Out(12), Out(12), Out(8)
        Column tile, innermost loop of the chunks, number of the extra chunk, 0 for regular ones.
    o_chunk_begins, o_chunk_ends : Out(1)
        First and last step of a chunk.
    o_first_chunk, o_last_chunk, o_extra : Out(1)
        First regular chunk, last regular one, one of the extra ones.
    o_tile_ends, o_n_ends, o_ends : Out(1)
        The chunk is the last of its pixel tile; of its column tile; of all.

    Timing
    ------
    Outputs are those of the current step, one adder behind registers; they change with the edge
    that samples ``i_start`` or ``i_advance``.
    """

    sequential = True

    def __init__(self):
        super().__init__(
            {
                "i": In(WALK_SETTINGS),
                "i_start": In(1),
                "i_advance": In(1),
                **{f"o_{name}": Out(signed(width)) for name, width in QUANTITIES.items()},
                "o_step": Out(16),
                "o_pixel": Out(16),
                "o_exists": Out(1),
                "o_n": Out(12),
                "o_table": Out(12),
                "o_slice": Out(8),
                **{
                    f"o_{name}": Out(1)
                    for name in (
                        *("chunk_begins", "chunk_ends", "first_chunk", "last_chunk", "extra"),
                        *("tile_ends", "n_ends", "ends"),
                    )
                },
            }
        )

    def elaborate(self, platform):
        m = Module()
        step_last = Signal()
        chunk_next, tile_next, n_next = Signal(), Signal(), Signal()
        m.d.comb += [
            chunk_next.eq(self.i_advance & step_last),
            tile_next.eq(chunk_next & self.o_tile_ends),
            n_next.eq(chunk_next & self.o_n_ends),
            self.o_chunk_ends.eq(step_last),
        ]
        pixel = self._pixels(m, step_last, chunk_next, tile_next, n_next)
        chunk = self._chunks(m, chunk_next, tile_next, n_next)
        m.d.comb += [
            getattr(self, f"o_{name}").eq(pixel[name] + chunk[name]) for name in QUANTITIES
        ]
        return m

    def _set(self, m, registers, values):
        m.d.sync += [registers[name].eq(value) for name, value in values.items()]

    def _registers(self, prefix):
        return {
            name: Signal(signed(width), name=f"{prefix}_{name}", reset_less=True)
            for name, width in QUANTITIES.items()
        }

    def _stepped(self, registers, level):
        return {
            name: register + getattr(self.i, f"{name}_{level}")
            for name, register in registers.items()
        }

    def _pixels(self, m, step_last, chunk_next, tile_next, n_next):
        """Steps of a chunk: a raster of pixels, begun again with each chunk of a tile."""
        i = self.i
        step, x = Signal(16), Signal(16)
        begin, begin_x = Signal(16), Signal(16)  # of this tile
        at, line = self._registers("at"), self._registers("line")
        begin_at, begin_line = self._registers("begin_at"), self._registers("begin_line")
        next_x, wraps = Signal(16), Signal()
        next_at, next_line = self._registers("next_at"), self._registers("next_line")
        inside = Signal()
        m.d.comb += [
            inside.eq(step < i.tile_pixels),
            step_last.eq(step + 1 == i.length),
            self.o_step.eq(step),
            self.o_chunk_begins.eq(step == 0),
            self.o_pixel.eq(begin + step),
            self.o_exists.eq(inside & (begin + step < i.pixels)),
            wraps.eq(x + 1 == i.out_width),
        ]
        with m.If(~inside):  # idle steps behind the pixels
            m.d.comb += next_x.eq(x)
            m.d.comb += [next_at[name].eq(at[name]) for name in at]
            m.d.comb += [next_line[name].eq(line[name]) for name in at]
        with m.Elif(wraps):
            down = self._stepped(line, "y")
            m.d.comb += [next_at[name].eq(down[name]) for name in at]
            m.d.comb += [next_line[name].eq(down[name]) for name in at]
        with m.Else():
            right = self._stepped(at, "x")
            m.d.comb += next_x.eq(x + 1)
            m.d.comb += [next_at[name].eq(right[name]) for name in at]
            m.d.comb += [next_line[name].eq(line[name]) for name in at]
        with m.If(self.i_advance):
            m.d.sync += [step.eq(step + 1), x.eq(next_x)]
            self._set(m, at, next_at)
            self._set(m, line, next_line)
        with m.If(chunk_next):
            m.d.sync += [step.eq(0), x.eq(begin_x)]
            self._set(m, at, begin_at)
            self._set(m, line, begin_line)
        with m.If(tile_next):
            m.d.sync += [x.eq(next_x), begin.eq(begin + i.tile_pixels), begin_x.eq(next_x)]
            for pair in ((at, next_at), (begin_at, next_at), (line, next_line)):
                self._set(m, *pair)
            self._set(m, begin_line, next_line)
        with m.If(self.i_start | n_next):
            m.d.sync += [step.eq(0), x.eq(0), begin.eq(0), begin_x.eq(0)]
            for registers in (at, line, begin_at, begin_line):
                m.d.sync += [register.eq(0) for register in registers.values()]
        # The last tile of a column tile is the one that holds the last pixel.
        self._last_tile = begin + i.tile_pixels >= i.pixels
        return at

    def _chunks(self, m, chunk_next, tile_next, n_next):
        """Chunks of a tile, and column tiles: ky, kx, cj and extra ones, begun again by tiles."""
        i = self.i
        cj, kx, ky, extra, n = Signal(12), Signal(8), Signal(8), Signal(8), Signal(12)
        of_n, of_ky = self._registers("of_n"), self._registers("of_ky")
        of_kx, of_cj = self._registers("of_kx"), self._registers("of_cj")
        cj_last, kx_last, ky_last = Signal(), Signal(), Signal()
        regular_last = Signal()
        m.d.comb += [
            cj_last.eq(cj + 1 == i.cj_count),
            kx_last.eq(kx + 1 == i.kx_count),
            ky_last.eq(ky + 1 == i.ky_count),
            regular_last.eq((cj_last & kx_last & ky_last) | i.single_chunk),
            self.o_extra.eq(extra != 0),
            self.o_slice.eq(extra),
            self.o_table.eq(cj),
            self.o_n.eq(n),
            self.o_first_chunk.eq((cj == 0) & (kx == 0) & (ky == 0) & (extra == 0)),
            self.o_last_chunk.eq(regular_last & (extra == 0)),
            self.o_tile_ends.eq(regular_last & ((extra == i.extra_chunks) | i.single_chunk)),
            self.o_n_ends.eq(self.o_tile_ends & self._last_tile),
            self.o_ends.eq(self.o_n_ends & (n + 1 == i.n_tiles)),
        ]
        with m.If(chunk_next):
            with m.If(regular_last):
                m.d.sync += extra.eq(extra + 1)
            with m.Elif(~cj_last):
                m.d.sync += cj.eq(cj + 1)
                self._set(m, of_cj, self._stepped(of_cj, "cj"))
            with m.Elif(~kx_last):
                m.d.sync += [cj.eq(0), kx.eq(kx + 1)]
                for registers in (of_kx, of_cj):
                    self._set(m, registers, self._stepped(of_kx, "kx"))
            with m.Else():
                m.d.sync += [cj.eq(0), kx.eq(0), ky.eq(ky + 1)]
                for registers in (of_ky, of_kx, of_cj):
                    self._set(m, registers, self._stepped(of_ky, "ky"))
        inner = (of_ky, of_kx, of_cj)
        with m.If(tile_next | self.i_start):
            m.d.sync += [cj.eq(0), kx.eq(0), ky.eq(0), extra.eq(0)]
        with m.If(tile_next):
            for registers in inner:
                self._set(m, registers, of_n)
        with m.If(n_next):
            m.d.sync += n.eq(n + 1)
            for registers in (of_n, *inner):
                self._set(m, registers, self._stepped(of_n, "n"))
        with m.If(self.i_start):
            m.d.sync += n.eq(0)
            starts = {name: getattr(i, f"{name}_start") for name in QUANTITIES}
            for registers in (of_n, *inner):
                self._set(m, registers, starts)
        return of_cj
