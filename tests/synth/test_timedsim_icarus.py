"""The simulator with delays against Icarus Verilog, which knows inertial delays by itself.

Each driver becomes a continuous assignment with ``#(rise, fall)``. Its function is a truth table,
so that a net which occurs in it twice does not make a glitch of no width inside the cell. Where two
events fall on the same tick the two may resolve them in different order: delays of hundreds of
ticks, all different, avoid it.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from circuits import LIBRARY, random_circuit

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.synth import (
    RECIPES,
    Delays,
    Netlist,
    Technology,
    TimedSimulator,
    library_delays,
    parse_function,
    parse_netlist,
    read_netlist,
    synthesize,
)
from afp_hw.synth.netlist import gated_clock
from afp_hw.verilog import emit_pe

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="needs Icarus Verilog (iverilog)"
)


def looked_up(text: str, names: dict[str, str]) -> str:
    """A Liberty function as an entry of its truth table, in Verilog."""
    function = parse_function(text)
    variables = function.variables
    bits = "".join(
        str(function.evaluate(dict(zip(variables, values, strict=True))))
        for values in itertools.product((1, 0), repeat=len(variables))
    )
    index = ", ".join(names[name] for name in variables)
    return f"{len(bits)}'b{bits} >> {{{index}}} & 1'b1" if variables else f"1'b{bits}"


def as_verilog(netlist: Netlist, delays: Delays, words: list[int], period: int) -> str:
    """A bench that applies one of `words` a cycle and prints the toggles of each net.

    Bit i of a word is the i-th input; toggles of the first cycle are not counted.
    """
    ports = [nets for nets in netlist.inputs.values() if netlist.clock not in nets]
    given = np.concatenate(ports).tolist()
    lines = ["module bench;", "reg clk = 0; integer cycle;", f"reg [{len(given) - 1}:0] in = 0;"]
    lines += [f"reg [{len(given) - 1}:0] words [0:{len(words) - 1}];"]
    lines += [f"wire n{net}; integer c{net} = 0;" for net in range(len(netlist.net_names))]
    lines += ["assign n0 = 1'b0;", "assign n1 = 1'b1;"]

    def drive(net: int, value: str) -> None:
        lines.append(f"assign #({delays.rise[net]}, {delays.fall[net]}) n{net} = {value};")
        lines.append(f"always @(n{net}) if (cycle > 0) c{net} = c{net} + 1;")

    for bit, net in enumerate(given):
        drive(net, f"in[{bit}]")
    for index, instance in enumerate(netlist.combinational + netlist.flip_flops):
        flip_flop = instance.cell.flip_flop
        names = {pin: f"n{net}" for pin, net in instance.nets.items()}
        if flip_flop is not None:
            names |= {flip_flop.state: f"q{index}", flip_flop.inverted: f"(~q{index})"}
            state = looked_up(flip_flop.next_state, names)
            gate = int(netlist.gate_of[index - len(netlist.combinational)])
            enable = "1"
            if gate >= 0:
                cell = netlist.clock_gates[gate]
                enable = f"n{cell.nets[cell.cell.clock_gate.enable]}"
            lines.append(
                f"reg q{index} = 0; always @(posedge clk) if ({enable}) q{index} <= {state};"
            )
        for pin in instance.cell.outputs:
            if pin.name in instance.nets:
                drive(instance.nets[pin.name], looked_up(pin.function, names))
    lines += [
        "initial begin",
        *(f"words[{index}] = {len(given)}'d{word};" for index, word in enumerate(words)),
        f"for (cycle = 0; cycle < {len(words)}; cycle = cycle + 1) begin",
        f"in = words[cycle]; #{period - 1} clk = 1; #1 clk = 0;",
        "end",
        *(f'$display("%0d", c{net});' for net in range(len(netlist.net_names))),
        "$finish; end endmodule",
    ]
    return "\n".join(lines)


def icarus_toggles(
    folder: Path, netlist: Netlist, delays: Delays, words: list[int], period: int
) -> np.ndarray:
    source, built = folder / "bench.v", folder / "bench.vvp"
    source.write_text(as_verilog(netlist, delays, words, period))
    subprocess.run(["iverilog", "-g2005", "-o", built, source], check=True)
    done = subprocess.run(["vvp", "-n", built], check=True, capture_output=True, text=True)
    return np.array(done.stdout.split(), dtype=np.int64)


def our_toggles(netlist: Netlist, delays: Delays, words: list[int]) -> np.ndarray:
    simulator = TimedSimulator(netlist, 1, delays)
    stimulus, low = {}, 0
    for port, nets in netlist.inputs.items():
        if netlist.clock not in nets:
            bits = [word >> low & ((1 << len(nets)) - 1) for word in words]
            stimulus[port] = np.array(bits, dtype=object if len(nets) > 63 else np.int64)
            low += len(nets)
    simulator.run({port: values[:1] for port, values in stimulus.items()})
    simulator.clear()
    simulator.run({port: values[1:] for port, values in stimulus.items()})
    toggles = simulator.toggles
    toggles[[gated_clock(gate) for gate in netlist.clock_gates]] = 0
    return toggles


@pytest.mark.parametrize("seed", range(6))
def test_small_circuits_have_equal_toggles(seed: int, tmp_path: Path) -> None:
    netlist = parse_netlist(random_circuit(seed, gated=seed % 2 == 1), LIBRARY)
    generator = np.random.default_rng(seed)
    rise, fall = generator.integers(300, 1000, size=(2, len(netlist.net_names)))
    delays = Delays(1e-12, rise, fall)
    words = generator.integers(0, 32, size=60).tolist()
    want = icarus_toggles(tmp_path, netlist, delays, words, 100_000)
    found = our_toggles(netlist, delays, words)
    assert found.sum() > 300
    np.testing.assert_array_equal(found, want)


def test_an_element_has_equal_toggles(tmp_path: Path) -> None:
    technology = Technology.sky130()
    design = Design(AFPFormat.parse("e2m1"), AFPFormat.parse("e2m1"), k=64)
    source, _ = emit_pe(design).write(tmp_path)
    recipe = next(recipe for recipe in RECIPES if recipe.name == "ripple")
    report = synthesize(
        [source], design.pe_name, technology, recipe, clock_ns=10.0, work_dir=tmp_path / "work"
    )
    netlist = read_netlist(report.netlist_json, technology.cells)
    # Tenths of a picosecond and no two delays alike: no ties.
    exact = library_delays(netlist, technology.flip_flop, tick_s=1e-13)
    generator = np.random.default_rng(0)
    jitter = generator.uniform(0.9, 1.1, size=(2, len(netlist.net_names)))
    rise, fall = (np.stack([exact.rise, exact.fall]) * jitter).astype(np.int64) + 1
    delays = Delays(1e-13, rise, fall)
    width = sum(len(nets) for nets in netlist.inputs.values()) - 1
    words = generator.integers(0, 1 << width, size=200).tolist()
    want = icarus_toggles(tmp_path, netlist, delays, words, 1_000_000)
    found = our_toggles(netlist, delays, words)
    assert found.sum() > 10_000
    np.testing.assert_array_equal(found, want)
