"""``afp-hw run``: a compiled program on the accelerator, every bit and every cycle checked."""

from __future__ import annotations

import json
import os
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from afp_hw.cli.dataset import Dataset, data_options, embedded_test_set, read_dataset
from afp_hw.cli.options import FILE, json_option
from afp_hw.cli.progress import progress_bars
from afp_hw.files import output_directory, write_atomic

if TYPE_CHECKING:
    from afp_hw.design import AcceleratorDesign
    from afp_hw.program import Program
    from afp_hw.program.account import Account

_EMBEDDED_NAME: Final = "fashion_resnet"


def _data(
    program: Program,
    path: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> Dataset:
    """Images, and labels where there are some."""
    from afp_hw.network.graph import Graph, TensorSpec

    name, given, output = program.manifest["model"], program.input.layout, program.output.layout
    if path is None:
        if name != _EMBEDDED_NAME:
            raise ValueError(f"--data must be given for another model than {_EMBEDDED_NAME!r}")
        return embedded_test_set()
    inputs = (TensorSpec(given.name, given.shape),)
    graph = Graph(name, inputs, (output.name,), (), {output.name: output.shape})
    labelled = False
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            labelled = "labels.npy" in archive.namelist()
    return read_dataset("--data", path, graph, mean, std, labels=labelled)


def _account(program: Program, accelerator: AcceleratorDesign, latency: int) -> Account:
    from afp_hw.program.account import account
    from afp_hw.schedule.accelerator import schedule_network

    schedule = schedule_network(program.descriptors, accelerator, latency)
    return account(program.manifest["layers"], program.descriptors, accelerator, schedule)


def _results(
    directory: Path,
    program: Program,
    accelerator: AcceleratorDesign,
    data: Dataset,
    engine: str,
    latency: int,
    jobs: int,
) -> dict[str, Any]:
    """What running the images gave, as part of the document."""
    from afp_hw.cli.run_images import Order, run_images
    from afp_hw.rtlsim.accelerator import accelerator_library
    from afp_hw.rtlsim.program_check import encoded

    codes = encoded(program, data.images)
    key = sha256(json.dumps(program.manifest, sort_keys=True).encode()).hexdigest()
    with progress_bars() as bar:
        library = None
        if engine == "rtl":
            bar("Verilog")
            library = accelerator_library(accelerator)
        order = Order(directory, library, latency)
        results = run_images(order, codes, key, jobs, bar("images"))
    document: dict[str, Any] = {"data": data.source, "images": len(results)}
    document["classes"] = [result["class"] for result in results]
    if data.labels is not None:
        labels = data.labels.tolist()
        document["correct"] = sum(
            found == label for found, label in zip(document["classes"], labels, strict=True)
        )
        document["accuracy"] = 100 * document["correct"] / len(results)
    if engine == "rtl":
        document["checked"] = _checked(results)
    return document


def _checked(results: list[dict[str, Any]]) -> dict[str, Any]:
    """What of all images was compared and found equal."""
    sums: dict[str, Any] = {
        name: sum(result[name] for result in results)
        for name in ("output_bits", "stored_bits", "times", "cpu_seconds")
    }
    cycles = sum(result["counters"]["CYCLES"] for result in results)
    return sums | {
        "cycles": cycles,
        "counters": results[0]["counters"],
        "cycles_per_cpu_second": cycles / sums["cpu_seconds"],
    }


@click.command(name="run")
@click.argument("directory", metavar="DIR", type=FILE)
@click.option(
    "--data",
    "data_file",
    type=FILE,
    metavar="D.npz",
    help="Array 'images', and 'labels' if there are.  [default: embedded ones]",
)
@data_options
@click.option(
    "--images",
    "count",
    type=int,
    metavar="N",
    help="Images to run.  [default: 1; all with --engine golden]",
)
@click.option(
    "--engine",
    type=click.Choice(["rtl", "golden", "model"]),
    default="rtl",
    show_default=True,
    help="The Verilog, checked; the interpreter alone; cycles alone.",
)
@click.option(
    "--latency",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Clock edges from a read to its first beat, and from a write to its answer.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Images at once.  [default: CPUs]"
)
@json_option
@click.option("-o", "--out", type=FILE, metavar="FILE", help="Write the JSON document there too.")
def command(
    directory: Path,
    data_file: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    count: int | None,
    engine: str,
    latency: int,
    jobs: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Run the program in DIR, which `afp-hw compile` wrote.

    With --engine rtl the complete accelerator runs as compiled Verilog with a memory: every bit of
    every stored tensor is compared with golden, every time of every descriptor and the counters
    with the schedule. What is interrupted goes on where it was.

    A layer's cycles are those from the end of the last descriptor of the layer before it to the end
    of its own last one.

    Example: afp-hw run gen/out --images 10
    """
    if out is not None:
        output_directory(out.absolute().parent)
    # NumPy takes a while to load; what is wrong above should not wait for it.
    from afp_hw.cli.run_report import print_account, print_verdict
    from afp_hw.program.load import load_program

    program, accelerator = load_program(directory)
    account = _account(program, accelerator, latency)
    document: dict[str, Any] = {
        "model": program.manifest["model"],
        "design": accelerator.array.array_name,
        "image_sha256": program.manifest["image"]["sha256"],
        "engine": engine,
        "latency": latency,
        **account.document(),
    }
    if engine != "model":
        some = 1 if count is None and engine == "rtl" else count
        data = _data(program, data_file, mean, std).first(some)
        document |= _results(
            directory, program, accelerator, data, engine, latency,
            jobs or len(os.sched_getaffinity(0)),
        )  # fmt: skip
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if out is not None:
        write_atomic(out, text)
    if as_json:
        click.echo(text, nl=False)
        return
    print_account(account)
    print_verdict(document)
    if out is not None:
        click.echo(f"written: {out}")
