// Drives a generated requantizer: one sum a clock cycle in, codes out; requantizer.py says which.
//
// ports.h, generated for each requantizer, defines ACC_WIDTH.

#include <cstdint>

#include "Vdut.h"
#include "port_words.h"
#include "ports.h"
#include "verilated.h"

namespace {

constexpr int ACC_WORDS = (ACC_WIDTH + 63) / 64;
constexpr int CLIP_WORDS = (ACC_WIDTH - 1 + 63) / 64;

struct Dut {
    VerilatedContext context;
    Vdut top{&context};

    void cycle() {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    }
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" {
// Codes of `rows` x `cols` sums, [rows, cols, ACC_WORDS]; `offset` [cols] and `clip` [cols,
// CLIP_WORDS] are per channel. Gives the number of codes that came; at most `rows * cols` are kept.
int64_t requantizer_run(const int64_t* acc, const int64_t* clip, const int16_t* offset, int n_exp,
                        int n_man, int relu, int64_t rows, int64_t cols, uint16_t* codes) {
    Dut dut;
    Vdut& top = dut.top;
    top.i_valid = 0;
    top.rst = 1;
    dut.cycle();
    top.rst = 0;
    top.i_n_exp = n_exp;
    top.i_n_man = n_man;
    top.i_relu = relu;
    const int64_t count = rows * cols, idle = 16;  // cycles in which nothing more may come
    int64_t came = 0;
    for (int64_t at = 0; at < count + idle; ++at) {
        top.i_valid = at < count;
        if (at < count) {
            const int64_t col = at % cols;
            put_words<ACC_WIDTH>(top.i_acc, acc + at * ACC_WORDS);
            put_words<ACC_WIDTH - 1>(top.i_clip, clip + col * CLIP_WORDS);
            top.i_offset = static_cast<uint16_t>(offset[col]) & 0x3FFF;
        }
        dut.cycle();
        if (top.o_valid) {
            if (came < count) codes[came] = top.o_code;
            ++came;
        }
    }
    top.final();
    return came;
}
}
#pragma GCC visibility pop
