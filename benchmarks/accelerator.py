"""The complete accelerator: speed of its Verilog on ResNet-20, of its schedule on ResNet-50.

Every bit and every cycle of the run is compared before its time counts. Beside ResNet-50's cycles
stand those that SCALE-Sim's closed forms give for an array of the same size (A. Samajdar et al.,
arXiv:1811.02883, with ideal memory): per layer, for K products of each of N x T outputs,

    weights stationary    ceil(K / R) * ceil(N / C) * (2 R + C + T - 2)
    outputs stationary    ceil(T / R) * ceil(N / C) * (R + C + K - 2)

Targets: an image of ResNet-20 within 5 CPU seconds, ResNet-50 planned and scheduled within 0.1.
"""

import sys
import time
from pathlib import Path

import numpy as np
from cifar import MODEL, present
from cifar import images as cifar_images

from afp_hw import embedded
from afp_hw.cli.layer_inputs import lowered_network
from afp_hw.cli.layer_options import LayerInputs
from afp_hw.design import AcceleratorDesign, load_accelerator
from afp_hw.program import compile_network
from afp_hw.program.account import account
from afp_hw.program.topology import Shape, outline, read_topology
from afp_hw.rtlsim.accelerator import AcceleratorSimulator
from afp_hw.rtlsim.program_check import check_program, encoded
from afp_hw.schedule.accelerator import schedule_network

ROOT = Path(__file__).parents[1]
RTL_SECONDS, MODEL_SECONDS = 5.0, 0.1
LATENCY = 64


def subject() -> tuple[str, np.ndarray]:
    """ResNet-20 and images for it; the embedded network where those are absent."""
    if present():
        return str(MODEL), cifar_images("cifar10-test-5000.npz")[:8]
    return "embedded", embedded.test_set()[0][:8]


def rtl() -> float:
    """CPU seconds of an image."""
    design = load_accelerator(ROOT / "gen" / "accelerator16.toml")
    model, images = subject()
    lowered = lowered_network(model, images, design.array, LayerInputs())
    program = compile_network(lowered, design)
    schedule = schedule_network(program.descriptors, design, LATENCY)
    seconds = []
    with AcceleratorSimulator(design) as simulator:
        for given in encoded(program, images[:3]):
            checked = check_program(program, simulator, schedule, given, LATENCY)
            seconds.append(checked.cpu_seconds)
    layers = program.manifest["layers"]
    shares = account(layers, program.descriptors, design, schedule)
    best = min(seconds)
    print(
        f"{Path(model).stem} on Verilog: {schedule.cycles:,} cycles, all bits and times equal; CPU "
        f"seconds an image: {', '.join(f'{each:.2f}' for each in seconds)}; target {RTL_SECONDS}"
    )
    print(
        f"  {schedule.cycles / best:,.0f} cycles per CPU second; utilisation "
        f"{shares.total.utilisation:.2%}, over convolutions {shares.convolutions:.2%}"
    )
    return best


def scale_sim(shapes: list[Shape], design: AcceleratorDesign) -> dict[str, int]:
    """Cycles of all convolutions by SCALE-Sim's closed forms."""
    rows, cols = design.array.rows, design.array.cols
    cycles = {"weights stationary": 0, "outputs stationary": 0}
    for shape in shapes:
        out, high, wide = shape.output
        pixels, products = high * wide, shape.products
        tiles = -(-out // cols)
        cycles["weights stationary"] += (
            -(-products // rows) * tiles * (2 * rows + cols + pixels - 2)
        )
        cycles["outputs stationary"] += -(-pixels // rows) * tiles * (rows + cols + products - 2)
    return cycles


def resnet50() -> float:
    """CPU seconds of planning and schedule."""
    design = load_accelerator(ROOT / "gen" / "accelerator16_large.toml")
    seconds = []
    for _ in range(5):
        begun = time.process_time()
        shapes = read_topology(ROOT / "gen" / "resnet50.csv")
        found = outline(shapes, design, design.array.afp_weights, design.array.afp_acts)
        schedule = schedule_network(found.descriptors, design, LATENCY)
        seconds.append(time.process_time() - begun)
    shares = account(found.layers, found.descriptors, design, schedule)
    convolutions = [shape for shape in shapes if shape.output[1:] != (1, 1)]
    macs = sum(shape.macs for shape in convolutions)
    ideal = macs // (design.group * design.array.cols)
    listed = ", ".join(f"{each:.3f}" for each in seconds)
    print(f"ResNet-50 planned and scheduled: CPU seconds {listed}; target {MODEL_SECONDS}")
    print(f"  cycles of its {len(convolutions)} convolutions, loads and stores included:")
    print(f"    {'ideal':<32}{ideal:>12,}")
    print(f"    {'this accelerator':<32}{ideal / shares.convolutions:>12,.0f}"
          f"{shares.convolutions:>9.2%}")  # fmt: skip
    for name, cycles in scale_sim(convolutions, design).items():
        print(f"    {f'SCALE-Sim, {name}':<32}{cycles:>12,}{ideal / cycles:>9.2%}")
    return min(seconds)


def main() -> int:
    model = resnet50()
    return int(rtl() > RTL_SECONDS or model > MODEL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
