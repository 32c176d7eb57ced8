// Drives a generated processing element, one clock cycle after the other; pe.py says with what.
//
// ports.h, generated for each PE, defines LANES, ACT_WIDTH, WGT_WIDTH and ACC_WIDTH.

#include <cstdint>

#include "Vdut.h"
#include "port_words.h"
#include "ports.h"
#include "verilated.h"

namespace {

constexpr int ACC_WORDS = (ACC_WIDTH + 63) / 64;

}  // namespace

#pragma GCC visibility push(default)
extern "C" {
// `tags` [cycles]: bit 0 valid, 1 first, 2 last, 3 reset; `act`, `wgt` [cycles, LANES]. What is seen
// behind each clock edge: `valid` [cycles] and `acc` [cycles, ACC_WORDS].
void pe_run(const uint8_t* tags, const uint16_t* act, const uint16_t* wgt, int64_t cycles,
            uint8_t* valid, int64_t* acc) {
    VerilatedContext context;
    Vdut top{&context};
    for (int64_t at = 0; at < cycles; ++at) {
        top.i_valid = tags[at] & 1;
        top.i_first = tags[at] >> 1 & 1;
        top.i_last = tags[at] >> 2 & 1;
        top.rst = tags[at] >> 3 & 1;
        put_codes<ACT_WIDTH>(top.i_act, act + at * LANES, LANES);
        put_codes<WGT_WIDTH>(top.i_wgt, wgt + at * LANES, LANES);
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        valid[at] = top.o_valid;
        get_words<ACC_WIDTH>(top.o_acc, acc + at * ACC_WORDS);
    }
    top.final();
}
}
#pragma GCC visibility pop
