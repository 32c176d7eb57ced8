// Drives a generated accelerator through one run; accelerator.py says what enters and leaves.
//
// The memory takes an address in each cycle and gives a burst's first beat `latency` clock edges
// after it took the address, or behind the burst before, then a beat an edge; it takes a beat of
// data in each cycle and answers a burst `latency` edges after its last beat. Reads and writes do
// not share the bus.

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>

#include "Vdut.h"
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

constexpr int BEAT_BYTES = DATA_WIDTH / 8;

struct Burst {
    uint64_t address;
    int beats;
    int64_t due;  // edge at which its first beat, or its response, may be taken
};

// How one event of a descriptor is told: at which edge the engine was through with it.
struct Times {
    int64_t *loaded, *computed, *stored;
    int64_t room;
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

    void begin(uint8_t* given, int64_t bytes, int64_t delay, const Times& where) {
        memory = given;
        size = bytes;
        latency = delay;
        times = where;
        reads.clear();
        writes.clear();
        answers.clear();
        edge = 0;
        loaded = computed = stored = 0;
        outside = 0;
        top.m_axi_rvalid = top.m_axi_bvalid = 0;
        top.m_axi_rresp = top.m_axi_bresp = 0;
        top.m_axi_rid = top.m_axi_bid = 0;
        top.m_axi_arready = top.m_axi_awready = top.m_axi_wready = 1;
        top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_arvalid = 0;
        top.s_axil_wstrb = 15;
        top.s_axil_bready = top.s_axil_rready = 1;
        top.s_axil_awprot = top.s_axil_arprot = 0;
        top.rst = 1;
        clock();
        clock();
        top.rst = 0;
        clock();
    }

    void write(uint32_t address, uint32_t value) {
        top.s_axil_awaddr = address;
        top.s_axil_wdata = value;
        top.s_axil_awvalid = top.s_axil_wvalid = 1;
        bool addressed = false, filled = false;
        while (!addressed || !filled) {
            const bool takes_address = top.s_axil_awready, takes_data = top.s_axil_wready;
            step();
            if (!addressed && takes_address) addressed = true, top.s_axil_awvalid = 0;
            if (!filled && takes_data) filled = true, top.s_axil_wvalid = 0;
        }
        while (!top.s_axil_bvalid) step();
        step();
    }

    uint32_t read(uint32_t address) {
        top.s_axil_araddr = address;
        top.s_axil_arvalid = 1;
        for (bool taken = false; !taken;) {
            taken = top.s_axil_arready;
            step();
        }
        top.s_axil_arvalid = 0;
        while (!top.s_axil_rvalid) step();
        const uint32_t value = top.s_axil_rdata;
        step();
        return value;
    }

    // At most `budget` cycles; returns whether the accelerator has interrupted.
    bool advance(int64_t budget) {
        for (; budget > 0 && !top.o_interrupt; --budget) step();
        return top.o_interrupt;
    }

    int64_t now() const { return edge; }
    int64_t outside_accesses() const { return outside; }

  private:
    void step() {
        serve();
        clock();
        ++edge;
        note(top.o_loaded, loaded, times.loaded);
        note(top.o_computed, computed, times.computed);
        note(top.o_stored, stored, times.stored);
    }

    void note(int count, int64_t& seen, int64_t* list) {
        if (count == (seen & 0xffff)) return;
        if (seen < times.room) list[seen] = edge;
        ++seen;
    }

    bool inside(uint64_t address) {
        if (address + BEAT_BYTES <= static_cast<uint64_t>(size)) return true;
        ++outside;
        return false;
    }

    // The bus at the coming edge: outputs are as the last edge left them.
    void serve() {
        if (top.m_axi_rvalid && top.m_axi_rready) {
            Burst& burst = reads.front();
            burst.address += BEAT_BYTES;
            if (--burst.beats == 0) reads.pop_front();
        }
        if (top.m_axi_bvalid && top.m_axi_bready) answers.pop_front();
        if (top.m_axi_arvalid)
            reads.push_back(Burst{top.m_axi_araddr, top.m_axi_arlen + 1, edge + latency});
        if (top.m_axi_awvalid) writes.push_back(Burst{top.m_axi_awaddr, top.m_axi_awlen + 1, 0});
        if (top.m_axi_wvalid) {
            Burst& burst = writes.front();
            if (inside(burst.address))
                std::memcpy(memory + burst.address, &top.m_axi_wdata, BEAT_BYTES);
            burst.address += BEAT_BYTES;
            if (--burst.beats == 0) {
                answers.push_back(edge + latency);
                writes.pop_front();
            }
        }
    }

    void clock() {
        top.clk = 1;
        top.eval();
        dump(0);
        top.clk = 0;
        present();
        top.eval();
        dump(5);
    }

    // What the memory offers at the edge behind the one that has just passed.
    void present() {
        const int64_t coming = edge + 1;
        top.m_axi_rvalid = !reads.empty() && reads.front().due <= coming;
        if (top.m_axi_rvalid) {
            const Burst& burst = reads.front();
            if (inside(burst.address))
                std::memcpy(&top.m_axi_rdata, memory + burst.address, BEAT_BYTES);
            top.m_axi_rlast = burst.beats == 1;
        }
        top.m_axi_bvalid = !answers.empty() && answers.front() <= coming;
    }

    void dump(int phase) {
#if defined(TRACE_VCD) || defined(TRACE_FST)
        if (trace) trace->dump(time + phase);
        if (phase) time += 10;
#else
        (void)phase;
#endif
    }

    VerilatedContext context;
    Vdut top;
#if defined(TRACE_VCD) || defined(TRACE_FST)
    std::unique_ptr<Trace> trace;
    uint64_t time = 0;
#endif
    uint8_t* memory = nullptr;
    int64_t size = 0, latency = 1, edge = 0;
    int64_t loaded = 0, computed = 0, stored = 0, outside = 0;
    Times times{};
    std::deque<Burst> reads, writes;
    std::deque<int64_t> answers;
};

}  // namespace

#pragma GCC visibility push(default)
extern "C" {
void* accelerator_create() { return new Harness; }
void accelerator_destroy(void* handle) { delete static_cast<Harness*>(handle); }
void accelerator_trace(void* handle, const char* path) {
    static_cast<Harness*>(handle)->open_trace(path);
}
void accelerator_begin(void* handle, uint8_t* memory, int64_t bytes, int64_t latency,
                       int64_t* loaded, int64_t* computed, int64_t* stored, int64_t room) {
    static_cast<Harness*>(handle)->begin(memory, bytes, latency,
                                         Times{loaded, computed, stored, room});
}
void accelerator_write(void* handle, uint32_t address, uint32_t value) {
    static_cast<Harness*>(handle)->write(address, value);
}
uint32_t accelerator_read(void* handle, uint32_t address) {
    return static_cast<Harness*>(handle)->read(address);
}
int accelerator_advance(void* handle, int64_t budget) {
    return static_cast<Harness*>(handle)->advance(budget);
}
int64_t accelerator_edge(void* handle) { return static_cast<Harness*>(handle)->now(); }
int64_t accelerator_outside(void* handle) {
    return static_cast<Harness*>(handle)->outside_accesses();
}
}
#pragma GCC visibility pop
