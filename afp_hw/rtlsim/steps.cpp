// Plays inputs, cycle by cycle, to any generated module; steps.py says which.
//
// ports.h, generated for each module, defines INPUTS(X) and OUTPUTS(X): X(port, width) for each port
// but the clock, in the order in which their words stand in a cycle.

#include <cstdint>

#include "Vdut.h"
#include "port_words.h"
#include "ports.h"
#include "verilated.h"

#pragma GCC visibility push(default)
extern "C" {
// `inputs` [cycles, words of all inputs]; `outputs` [cycles, words of all outputs] as they stand
// with a cycle's inputs, ahead of the clock edge that takes them. Each run begins with a new module.
void steps_run(const int64_t* inputs, int64_t* outputs, int64_t cycles) {
    VerilatedContext context;
    Vdut top{&context};
    for (int64_t at = 0; at < cycles; ++at) {
#define PUT(port, width)                 \
    put_words<width>(top.port, inputs);  \
    inputs += (width + 63) / 64;
        INPUTS(PUT)
        top.clk = 0;
        top.eval();
#define GET(port, width)                 \
    get_words<width>(top.port, outputs); \
    outputs += (width + 63) / 64;
        OUTPUTS(GET)
        top.clk = 1;
        top.eval();
    }
    top.final();
}
}
#pragma GCC visibility pop
