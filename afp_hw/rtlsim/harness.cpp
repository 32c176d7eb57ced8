// Drives a generated array through one layer at a time; simulator.py says what enters and leaves.
//
// ports.h, generated for each array, defines ROWS, COLS, LANES, ACT_WIDTH, WGT_WIDTH, ACC_WIDTH,
// INIT_WIDTH (0: the array takes no initial values), FOR_ROWS(X) and FOR_COLS(X).
//
// Nothing here comes from the schedule model: when a tile may follow another is decided cycle by
// cycle from the array's own rule, results are told apart by the order in which they leave, and the
// clock edge of each is what the Verilog showed.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <vector>

#include "Vdut.h"
#include "port_words.h"
#include "ports.h"
#include "verilated.h"

#if defined(TRACE_VCD)
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#elif defined(TRACE_FST)
#include "verilated_fst_c.h"
using Trace = VerilatedFstC;
#endif

namespace {

constexpr int ACC_WORDS = (ACC_WIDTH + 63) / 64;
constexpr int INIT_WORDS = (INIT_WIDTH + 63) / 64;

// How long after the last operand the last result may stay away before the run is given up.
constexpr int64_t PATIENCE = 2 * ROWS + COLS + 64;

constexpr int64_t ring_size(int64_t least) {
    int64_t size = 1;
    while (size < least) size *= 2;
    return size;
}
constexpr int64_t RING = ring_size(2 * (2 * ROWS + COLS + 64));

struct Layer {
    const uint16_t* act;   // [rows, depth]
    const uint16_t* wgt;   // [depth, cols]
    const int64_t* init;   // [rows or 1, cols, INIT_WORDS], or null for zeros
    int64_t init_row;      // words from one row of init to the next; 0 where all rows share it
    int64_t* acc;          // [rows, cols, ACC_WORDS]
    int64_t* visible;      // [rows, cols], -1 where no result came
    int64_t rows, depth, cols;
};

struct Place {
    int64_t row, first_col;  // of the layer's matrix; a place beyond it belongs to padding
};

class Harness {
  public:
    Harness() : top{&context} {
        top.clk = 0;
        top.eval();
    }
    ~Harness() {
#if defined(TRACE_VCD) || defined(TRACE_FST)
        if (trace) trace->close();
#endif
        top.final();
    }

    void open_trace(const char* path) {
#if defined(TRACE_VCD) || defined(TRACE_FST)
        context.traceEverOn(true);
        trace = std::make_unique<Trace>();
        top.trace(trace.get(), 99);
        trace->open(path);
#else
        (void)path;
#endif
    }

    void begin(const Layer& given) {
        layer = given;
        steps = (layer.depth + LANES - 1) / LANES;
        col_tiles = (layer.cols + COLS - 1) / COLS;
        tiles = (layer.rows + ROWS - 1) / ROWS * col_tiles;
        expected = tiles * ROWS * COLS;
        edge = tile = came = surplus = collided = order_count = 0;
        flushed = 0;
        step = -1;
        last_edge = last_came = -1;
        due.assign(RING, Place{-1, -1});
        order.assign(RING, Place{-1, -1});
        std::fill_n(init_taken, COLS, 0);
        std::fill_n(came_of, COLS, 0);
        idle();
        top.rst = 1;
        clock();
        top.rst = 0;
    }

    // Runs at most `budget` cycles; returns whether the layer is finished (or given up).
    bool advance(int64_t budget) {
        // Behind the last result as many cycles as one could still be on its way: none must come.
        for (; budget > 0 && flushed < PATIENCE; --budget) {
            flushed += came >= expected;
            if (tile == tiles && edge - last_edge > PATIENCE) return true;
            feed();
            offer_init();
            clock();
            collect();
            ++edge;
        }
        return flushed >= PATIENCE;
    }

    int64_t fed() const { return tile * steps + std::max<int64_t>(step, 0); }
    int64_t to_feed() const { return tiles * steps; }
    int64_t cycles() const { return last_came + 1; }
    int64_t missing() const { return expected - came; }
    int64_t surplus_results() const { return surplus; }
    int64_t collisions() const { return collided; }
    bool init_missing() const {
#if INIT_WIDTH > 0
        return top.o_init_missing;
#else
        return false;
#endif
    }

  private:
    void clock() {
        top.clk = 1;
        top.eval();
        dump(0);
        top.clk = 0;
        top.eval();
        dump(5);
    }

    void dump(int phase) {
#if defined(TRACE_VCD) || defined(TRACE_FST)
        if (trace) trace->dump(now + phase);
        if (phase) now += 10;
#else
        (void)phase;
#endif
    }

    void idle() {
        top.i_valid = top.i_first = top.i_last = 0;
#if INIT_WIDTH > 0
#define NO_INIT(c) top.i_init___05F##c##___05Fvalid = 0;
        FOR_COLS(NO_INIT)
#endif
    }

    // The rule of the array: last steps at least 2R - 1 apart, or an odd number of at least R.
    bool may_start() const {
        if (last_edge < 0) return true;
        const int64_t distance = edge + steps - 1 - last_edge;
        return distance >= 2 * ROWS - 1 || (distance >= ROWS && distance % 2 == 1);
    }

    void feed() {
        if (step < 0 && tile < tiles && may_start()) step = 0;
        if (step < 0) {
            top.i_valid = 0;
        } else {
            feed_step();
        }
        Place& leaving = due[edge % RING];
        if (leaving.row >= 0) {
            order[order_count++ % RING] = leaving;
            leaving.row = -1;
        }
    }

    void feed_step() {
        const int64_t from = step * LANES;
        const int lanes = static_cast<int>(std::min<int64_t>(LANES, layer.depth - from));
        const int64_t row = tile / col_tiles * ROWS, col = tile % col_tiles * COLS;
        top.i_valid = 1;
        top.i_first = step == 0;
        top.i_last = step == steps - 1;
#define ACT(r)                                                                          \
    put_codes<ACT_WIDTH>(top.i_act___05F##r, layer.act + (row + r) * layer.depth + from, \
                         row + r < layer.rows ? lanes : 0);
        FOR_ROWS(ACT)
        if (LANES > 1) {
            for (int c = 0; c < COLS; ++c)
                for (int lane = 0; lane < lanes; ++lane)
                    gathered[c * LANES + lane] =
                        col + c < layer.cols ? layer.wgt[(from + lane) * layer.cols + col + c] : 0;
        }
        const uint16_t* codes = LANES > 1 ? gathered : layer.wgt + from * layer.cols + col;
#define WGT(c)                                                      \
    put_codes<WGT_WIDTH>(top.i_wgt___05F##c, codes + c * LANES, \
                         col + c < layer.cols ? lanes : 0);
        FOR_COLS(WGT)
        if (++step < steps) return;
        last_edge = edge;
        for (int r = 0; r < ROWS; ++r) {
            Place& slot = due[(edge + 2 * r) % RING];
            collided += slot.row >= 0;
            slot = Place{row + r, col};
        }
        step = -1;
        ++tile;
    }

    // One initial value for each sum of a column, in the order in which the sums leave it.
    void offer_init() {
#if INIT_WIDTH > 0
#define OFFER(c)                                                                            \
    if (init_taken[c] < order_count) {                                                      \
        put_words<INIT_WIDTH>(top.i_init___05F##c##___05Fpayload, init_of(c));              \
        top.i_init___05F##c##___05Fvalid = 1;                                               \
        init_taken[c] += top.i_init___05F##c##___05Fready; /* what the coming edge sees */  \
    } else {                                                                                \
        top.i_init___05F##c##___05Fvalid = 0;                                               \
    }
        FOR_COLS(OFFER)
#endif
    }

    const int64_t* init_of(int c) const {
        static const int64_t zero[INIT_WORDS + 1] = {};
        const Place& place = order[init_taken[c] % RING];
        const int64_t col = place.first_col + c;
        if (!layer.init || place.row >= layer.rows || col >= layer.cols) return zero;
        return layer.init + place.row * layer.init_row + col * INIT_WORDS;
    }

    void collect() {
#define COLLECT(c) \
    if (top.o_valid___05F##c) take(c, top.o_acc___05F##c);
        FOR_COLS(COLLECT)
    }

    template <class Port>
    void take(int c, const Port& port) {
        if (came_of[c] == order_count) {
            ++surplus;
            return;
        }
        const Place& place = order[came_of[c]++ % RING];
        ++came;
        last_came = edge;
        const int64_t col = place.first_col + c;
        if (place.row >= layer.rows || col >= layer.cols) return;
        const int64_t at = place.row * layer.cols + col;
        get_words<ACC_WIDTH>(port, layer.acc + at * ACC_WORDS);
        layer.visible[at] = edge;
    }

    VerilatedContext context;
    Vdut top;
#if defined(TRACE_VCD) || defined(TRACE_FST)
    std::unique_ptr<Trace> trace;
    uint64_t now = 0;
#endif
    Layer layer{};
    int64_t steps = 0, col_tiles = 0, tiles = 0, expected = 0;
    int64_t edge = 0;                        // of the clock, counted from the layer's first operand
    int64_t tile = 0, step = -1;             // being fed; step -1: between tiles
    int64_t last_edge = -1, last_came = -1;  // edges of the newest last step, the newest result
    int64_t came = 0, surplus = 0, collided = 0, flushed = 0;
    std::vector<Place> due;    // by edge: whose turn it would be to leave if there were no latency
    std::vector<Place> order;  // all whose turn has come; each column works it off at its own pace
    int64_t order_count = 0, init_taken[COLS] = {}, came_of[COLS] = {};
    uint16_t gathered[COLS * LANES] = {};
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" {
void* array_create() { return new Harness; }
void array_destroy(void* array) { delete static_cast<Harness*>(array); }
void array_trace(void* array, const char* path) { static_cast<Harness*>(array)->open_trace(path); }
void array_begin(void* array, const uint16_t* act, const uint16_t* wgt, const int64_t* init,
                 int64_t init_row, int64_t* acc, int64_t* visible, int64_t rows, int64_t depth,
                 int64_t cols) {
    static_cast<Harness*>(array)->begin(
        Layer{act, wgt, init, init_row, acc, visible, rows, depth, cols});
}
int array_advance(void* array, int64_t budget) {
    return static_cast<Harness*>(array)->advance(budget);
}
// fed, to feed, cycles, missing, surplus, collisions, init missing
void array_status(void* array, int64_t* status) {
    const Harness& harness = *static_cast<Harness*>(array);
    const int64_t values[] = {harness.fed(),     harness.to_feed(),
                              harness.cycles(),  harness.missing(),
                              harness.surplus_results(), harness.collisions(),
                              harness.init_missing()};
    std::copy(std::begin(values), std::end(values), status);
}
}
#pragma GCC visibility pop
