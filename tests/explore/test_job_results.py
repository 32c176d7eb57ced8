"""Results of jobs against other ways to the same figures: commands, cells, compiled Verilog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afp_hw import embedded
from afp_hw.cli.main import main
from afp_hw.compare import store as netlists
from afp_hw.design import AcceleratorDesign, Design
from afp_hw.energy import network as energy_network
from afp_hw.energy.bench import Bench
from afp_hw.energy.layer import GROUPS, LOGIC, cell_part
from afp_hw.energy.memory import MemoryTable
from afp_hw.energy.network import Subject, measure
from afp_hw.energy.scheme import Scheme
from afp_hw.explore import area_job, jobs
from afp_hw.explore.buffers import buffer_bits
from afp_hw.explore.chosen import lowered_network
from afp_hw.explore.configuration import Configuration, Sums
from afp_hw.explore.formats import CARRIED_BITS
from afp_hw.explore.inputs import Loaded
from afp_hw.explore.jobs import Job
from afp_hw.explore.planning import Planner
from afp_hw.explore.program_of import run_of
from afp_hw.explore.space_file import parse_space
from afp_hw.formats import AFPFormat, IntFormat
from afp_hw.network import calibrate, load_graph, lower
from afp_hw.program.interpreter import read_descriptors
from afp_hw.rtlsim.accelerator import AcceleratorSimulator
from afp_hw.rtlsim.program_check import check_program, encoded
from afp_hw.schedule.accelerator import schedule_network
from afp_hw.synth import Technology

LONGEST, AVERAGED = 576, 66297
FACTS = {"embedded": {"sums": [LONGEST, AVERAGED]}}
"""Of the embedded network: 3 * 3 * 64 products, and an average of 49 pixels."""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Nothing that was computed before; what is computed here is kept from test to test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFP_HW_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def job_of(group: str, axes: str, top: str = "") -> Job:
    space = parse_space(f"{top}\n[axes]\n{axes}\n", "s")
    (point,) = space.grid()
    return Planner(space).jobs(point, FACTS)[group]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(arguments) == 0
    return json.loads(capsys.readouterr().out)


# Accuracy


@pytest.mark.parametrize("tune", ["--no-tune", pytest.param("--tune", marks=pytest.mark.slow)])
def test_accuracy_is_that_of_evaluate(capsys: pytest.CaptureFixture[str], tune: str) -> None:
    expected = printed(
        capsys, "evaluate", "embedded", "--weights", "e3m1", "--acts", "e3m2",
        "--bias-rule", "mse", "--images", "100", tune, "--json",
    )  # fmt: skip
    axes = f'formats = "e3m1/e3m2"\ntune = {"true" if tune == "--tune" else "false"}'
    found = jobs.run(job_of("accuracy", axes, "images = 100"))
    for name in ("accuracy", "loss", "agreement", "logit_error"):
        assert found[name] == expected[name]
    assert found["weight_bits"] == expected["average_bits"]["weights"]
    assert found["act_bits"] == expected["average_bits"]["acts"]
    assert set(found["formats"]["weights"].values()) == {"e3m1"}
    assert set(found["formats"]["acts"].values()) == {"e3m2", "ue3m2"}


def test_float32_loses_nothing_and_agrees_with_itself() -> None:
    found = jobs.run(job_of("accuracy", 'formats = "fp32"', "images = 100"))
    facts = jobs.run(Planner(parse_space("images = 100", "s")).network_job("embedded"))
    assert found["accuracy"] == facts["float32_accuracy"]
    assert (found["loss"], found["agreement"], found["logit_error"]) == (0, 100, 0)
    assert (found["weight_bits"], found["act_bits"]) == (32, 32)


def test_facts_on_the_embedded_network() -> None:
    graph = load_graph(Path(str(embedded.__file__)).with_name("fashion_resnet.onnx"))
    images, labels = embedded.test_set()
    facts = jobs.run(Planner(parse_space("", "s")).network_job("embedded"))
    assert facts["sums"][0] == max(layer.reduction for layer in graph.layers()) == LONGEST
    assert facts["images"] == len(images) == len(labels)
    assert facts["weights"] == sum(layer.weight.size for layer in graph.layers())
    assert facts["sums"] == [LONGEST, AVERAGED]


# Cycles


def recipe_of(path: Path, design: AcceleratorDesign) -> Path:
    """A recipe written by hand."""
    array = design.array
    path.write_text(
        f'[design]\nweights = "{array.weights}"\nacts = "{array.acts}"\nrows = {array.rows}\n'
        f"cols = {array.cols}\nk = {array.k}\ninit_max = {array.init_max}\n[accelerator]\n"
    )
    return path


def test_cycles_are_those_of_the_compiled_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, acts = AFPFormat(3, 1), AFPFormat(3, 2)
    bound = max(LONGEST * weights.max_fix, AVERAGED) * acts.max_fix
    array = Design(weights, acts, rows=8, cols=8, k=LONGEST, init_max=bound)
    accelerator = AcceleratorDesign(array)
    formats = tmp_path / "formats.json"
    printed(
        capsys, "evaluate", "embedded", "--weights", "e3m1", "--acts", "e3m2", "--no-tune",
        "--bias-rule", "mse", "--images", "1", "-o", str(formats), "--json",
    )  # fmt: skip
    recipe = recipe_of(tmp_path / "recipe.toml", accelerator)
    command = ["compile", "embedded", "--design", str(recipe), "--formats", str(formats)]
    assert main([*command, "-o", str(tmp_path / "out")]) == 0
    descriptors = read_descriptors((tmp_path / "out" / "image.bin").read_bytes())
    job = job_of("cycles", 'formats = "e3m1/e3m2"\ntune = false\nsize = "8x8"\nclock_ns = 4')
    found = jobs.run(job)
    expected = schedule_network(descriptors, accelerator, 64)
    assert found["cycles"] == expected.cycles
    assert found["time_ms"] == pytest.approx(expected.cycles * 4e-6)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    moved = sum(
        sum(layer["loaded_bytes"].values()) + layer["stored_bytes"] for layer in manifest["layers"]
    )
    assert found["bytes_moved"] == sum(found["traffic_bytes"].values()) == moved
    macs = sum(layer["macs"] for layer in manifest["layers"])
    assert found["utilisation"] == pytest.approx(100 * macs / (64 * expected.cycles))
    assert [layer["name"] for layer in found["layers"]] == [
        layer["name"] for layer in manifest["layers"]
    ]
    assert sum(layer["cycles"] for layer in found["layers"]) == expected.cycles


@pytest.mark.parametrize("axes", ['size = "8x8"', 'size = "8x4"\nlanes = 2'])
def test_the_best_dataflow_takes_no_more_cycles_than_any(axes: str) -> None:
    found = {
        flow: jobs.run(job_of("cycles", f'formats = "int4"\n{axes}\ndataflow = "{flow}"'))
        for flow in ("best", "outputs", "weights")
    }
    assert found["best"]["cycles"] <= min(found["outputs"]["cycles"], found["weights"]["cycles"])
    for flow in ("outputs", "weights"):
        flows = {layer["dataflow"] for layer in found[flow]["layers"] if layer["macs"]}
        assert f"{flow}_stationary" in flows


def test_wider_elements_move_more_bytes() -> None:
    moved = [
        jobs.run(job_of("cycles", f'formats = "int{width}"\nsize = "8x8"'))["bytes_moved"]
        for width in (4, 8, CARRIED_BITS)
    ]
    assert moved == sorted(moved)
    assert 1.5 < moved[1] / moved[0] < 2.1  # records and descriptors stay


def test_what_the_accelerator_does_not_carry_is_refused() -> None:
    for name, width in (("fp32", 32), ("fp16", 16), ("int16", 16)):
        sentence = f"must have at most 15 bits on the accelerator, not {width}"
        with pytest.raises(ValueError, match=sentence):
            jobs.run(job_of("cycles", f'formats = "{name}"'))
    with pytest.raises(ValueError, match=r"^AcceleratorDesign\.cols must divide rows \* lanes"):
        jobs.run(job_of("cycles", 'formats = "int4"\nsize = "8x16"'))


@pytest.mark.slow
@pytest.mark.parametrize("formats", ["e3m1/e3m2", "int6"])
def test_cycles_are_those_of_the_verilog(formats: str) -> None:
    axes = f'formats = "{formats}"\ntune = false\nsize = "4x4"\ndata_width = 64'
    job = job_of("cycles", axes)
    found, run = jobs.run(job), run_of(job)
    given = encoded(run.program, embedded.test_set()[0][:1])[0]
    schedule = schedule_network(run.program.descriptors, run.accelerator, 64)
    with AcceleratorSimulator(run.accelerator) as simulator:
        checked = check_program(run.program, simulator, schedule, given, 64)
    assert checked.counters["CYCLES"] == found["cycles"]
    for name, counter in (
        ("weights", "BYTES_WEIGHTS"), ("records", "BYTES_RECORDS"), ("acts", "BYTES_ACTIVATIONS"),
        ("side", "BYTES_SIDE"), ("descriptors", "BYTES_DESCRIPTORS"), ("stored", "BYTES_WRITTEN"),
    ):  # fmt: skip
        assert checked.counters[counter] == found["traffic_bytes"][name]


# Area

TINY = "rows = 2\ncols = 2\ntune = false\nclock_ns = 50"


@pytest.mark.slow
@pytest.mark.parametrize("formats", ["e2m1", "int4"])
def test_area_is_that_of_the_cells_of_the_netlists(formats: str) -> None:
    job = job_of("area", f'formats = "{formats}"\n{TINY}')
    found = jobs.run(job)
    assert found["area_um2"] == pytest.approx(sum(found["areas_um2"].values()))
    assert found["meets_clock"] == (found["delay_ns"] <= 50)
    assert found["delay_ns"] == max(part["delay_ns"] for part in found["parts"])
    sums = dict.fromkeys(found["areas_um2"], 0.0)
    for part in found["parts"]:
        sums[part["group"]] += part["instances"] * part["area_um2"]
    assert sums == pytest.approx(found["areas_um2"])
    # The cell of the array, once more: a netlist whose cells are counted and weighed one by one.
    design = Configuration.of(job.given["axes"]).design(Sums(LONGEST, AVERAGED))
    technology = Technology.sky130()
    bench = Bench(technology, 50.0)
    (mapped,) = bench.map([cell_part(design)])
    (cell,) = (part for part in found["parts"] if part["group"] == "array")
    assert cell["instances"] == 4
    assert (cell["name"], cell["area_um2"]) == (mapped.name, mapped.area_um2)
    netlist = json.loads(netlists.load_netlist(mapped.netlist))
    cells = netlist["modules"][mapped.name]["cells"].values()
    area = sum(technology.cells[each["type"]].area_um2 for each in cells)
    assert area == pytest.approx(mapped.area_um2)


# Energy


def subject_of(lowered: Any, loaded: Loaded) -> Subject:
    return Subject.of(lowered, lowered, loaded.data.images[:1], loaded.calibration.images)


def measured_again(
    job: Job, scheme: Scheme, name: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, MemoryTable]:
    """A layer by `afp-hw energy`'s own way, on the same design."""
    configuration = Configuration.of(job.given["axes"])
    design = configuration.design(Sums(LONGEST, AVERAGED))
    memory = MemoryTable.embedded()
    bench = Bench(Technology.sky130(), 50.0, cycles=area_job.STEPS)
    if scheme is Scheme.INT_STATIC:
        monkeypatch.setattr(energy_network, "int_designs", lambda _: [design])
        loaded, _ = lowered_network(job_of("accuracy", 'formats = "e3m1/e3m2"\ntune = false'))
        formats = calibrate(loaded.graph, loaded.calibration.images)
        lowered = lower(loaded.graph, formats)
        envelope = Design(AFPFormat(3, 1), AFPFormat(3, 2), rows=2, cols=2, k=LONGEST)
    else:
        loaded, lowered = lowered_network(job)
        envelope = design
    found = measure(subject_of(lowered, loaded), [name], envelope, bench, memory, [scheme])
    return found[0], memory


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formats", "scheme"), [("e2m1", Scheme.AFP_STATIC), ("int4", Scheme.INT_STATIC)]
)
def test_energy_of_logic_is_that_of_the_energy_command(
    formats: str, scheme: Scheme, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of("energy", f'formats = "{formats}"\n{TINY}')
    found = jobs.run(job)
    layers = {layer["name"]: layer for layer in found["layers"]}
    # Nothing is counted twice, and every layer of the program is there.
    run = run_of(job)
    names = [layer["name"] for layer in run.program.manifest["layers"]]
    assert set(layers) == set(names)
    assert found["energy_nj"] == pytest.approx(sum(found["energies_nj"].values()))
    for group in GROUPS:
        total = sum(layer["energy_nj"][group] for layer in layers.values())
        assert found["energies_nj"][group] == pytest.approx(total)
    assert found["checked"] > 0

    name = "block3.conv1"
    expected, memory = measured_again(job, scheme, name, monkeypatch)
    for group in LOGIC:
        assert layers[name]["energy_nj"][group] == pytest.approx(expected.parts_j[group] * 1e9)
    assert layers[name]["mac_fj"] == pytest.approx(expected.mac_j * 1e15)

    # Memories are those of the program.
    bits = buffer_bits(run.program.descriptors, run.accelerator)
    assert found["energies_nj"]["SRAM"] == pytest.approx(bits * memory.bank.bit_j * 1e9)
    moved = jobs.run(job_of("cycles", f'formats = "{formats}"\n{TINY}'))["bytes_moved"]
    assert found["energies_nj"]["DRAM"] == pytest.approx(8 * moved * memory.dram.bit_j * 1e9)
    assert np.isfinite(found["leakage_nj"])
    assert IntFormat(4).width == AFPFormat.parse("e2m1").width
