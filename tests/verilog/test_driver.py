"""The driver in C drives the simulated accelerator: errors, interrupts, a network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from afp_hw import AFPFormat, embedded
from afp_hw.design import AcceleratorDesign, load_accelerator
from afp_hw.network import calibrate, load_graph
from afp_hw.network.exact import run_stored
from afp_hw.program import Program, compile_network
from afp_hw.program.network_header import network_header
from afp_hw.rtlsim.accelerator import accelerator_library
from afp_hw.rtlsim.program_check import Input, encoded, golden_memory
from afp_hw.verilog.accelerator_files import write_accelerator
from tests.program.dynamic_networks import SMALL
from tests.program.networks import lowered
from tests.program.test_dynamic import embedded_network
from tests.verilog.test_accelerator_files import RECIPE

HERE = Path(__file__).parent
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Werror"]

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def compiled(folder: Path, *sources: Path) -> Path:
    """A program of the driver, these sources and the simulated machine."""
    program = folder / "program"
    files = [folder / "afp_driver.c", *sources]
    for file in files:
        object_file = folder / f"{file.stem}.o"
        command = ["gcc", *WARNINGS, f"-I{folder}", f"-I{HERE}", "-c", str(file)]
        subprocess.run([*command, "-o", str(object_file)], check=True)
    # What finds functions in a shared object is not C99.
    command = [
        "gcc",
        "-std=gnu99",
        *WARNINGS[1:],
        f"-I{folder}",
        str(HERE / "simulated_platform.c"),
    ]
    command += [str(folder / f"{file.stem}.o") for file in files]
    subprocess.run([*command, "-o", str(program), "-ldl"], check=True)
    return program


def run(program: Path, design: AcceleratorDesign, *arguments: Path | str) -> tuple[int, str]:
    """Status of a program on the simulated accelerator, and what it printed."""
    done = subprocess.run(
        [program, *arguments],
        env={**os.environ, "SIMULATOR": str(accelerator_library(design))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout


def test_every_function_of_the_driver_does_what_it_says(tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE)
    design = load_accelerator(recipe)
    write_accelerator(design, tmp_path, clock_ns=10.0)
    assert run(compiled(tmp_path, HERE / "driver_checks.c"), design) == (0, "")


def put(folder: Path, program: Program, given: Sequence[Input]) -> None:
    """What the example needs of a network, and its inputs."""
    (folder / "image.bin").write_bytes(program.image)
    (folder / "afp_network.h").write_text(network_header(program.manifest))
    for index, each in enumerate(given):
        (folder / f"input_{index}.bin").write_bytes(program.input.layout.pack(each.codes))


@pytest.mark.slow
def test_the_example_runs_a_network_with_dynamic_grids(tmp_path: Path) -> None:
    """Dimmed by a factor that is no power of two: the grid has to be told."""
    network = embedded_network(SMALL)
    program = compile_network(network, SMALL)
    chosen = embedded.test_set()[0][:2] / 11
    given = encoded(program, chosen)
    put(tmp_path, program, given)
    write_accelerator(SMALL, tmp_path, clock_ns=10.0)
    example = compiled(tmp_path, tmp_path / "afp_example.c")
    for index, each in enumerate(given):
        expected = program.output.read(golden_memory(program, SMALL, each)).argmax()
        files = [tmp_path / "image.bin", tmp_path / f"input_{index}.bin"]
        status, text = run(example, SMALL, *files, str(each.lsb))
        assert (status, text.splitlines()[0]) == (0, f"class {expected}")


@pytest.mark.slow
def test_the_example_runs_the_embedded_network(tmp_path: Path) -> None:
    design = load_accelerator(HERE.parents[1] / "gen" / "accelerator4.toml")
    graph = load_graph(embedded.model_path())
    weights, acts = AFPFormat(3, 1), AFPFormat(3, 2)
    calibration = embedded.calibration_images()[:32]
    formats = calibrate(graph, calibration, weights=weights, acts=acts, source="embedded")
    network = lowered(graph, formats, design)
    chosen, name = embedded.test_set()[0][:3], graph.outputs[0]
    classes = run_stored(network, chosen, {name})[name].codes.argmax(axis=1)
    compiled_network = compile_network(network, design)
    put(tmp_path, compiled_network, encoded(compiled_network, chosen))
    write_accelerator(design, tmp_path, clock_ns=10.0)
    program = compiled(tmp_path, tmp_path / "afp_example.c")
    for index, expected in enumerate(classes):
        files = [tmp_path / "image.bin", tmp_path / f"input_{index}.bin"]
        status, text = run(program, design, *files)
        assert status == 0, text
        assert text.splitlines()[0] == f"class {expected}"
        assert 100_000 < int(text.split()[-1]) < 10_000_000

    zeros = tmp_path / "zeros.bin"
    zeros.write_bytes(bytes((tmp_path / "image.bin").stat().st_size))
    assert run(program, design, zeros, files[1]) == (
        1,
        "descriptor 0: a descriptor is beyond the design, or misaligned\n",
    )
    short = tmp_path / "short.bin"
    short.write_bytes(b"short")
    status, text = run(program, design, short, files[1])
    assert (status, "must be those of this network" in text) == (1, True)
