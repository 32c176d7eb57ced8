"""What ``afp-hw run`` finds out, as the document that it prints or writes."""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from afp_hw.cli.dataset import embedded_test_set
from afp_hw.cli.progress import progress_bars
from afp_hw.cli.run_images import Order, run_images
from afp_hw.design import AcceleratorDesign
from afp_hw.formats import AFPFormat
from afp_hw.network.dataset import Dataset, read_dataset
from afp_hw.network.graph import Graph, TensorSpec
from afp_hw.program import Program
from afp_hw.program.account import account
from afp_hw.program.topology import outline, read_topology
from afp_hw.rtlsim.accelerator import accelerator_library
from afp_hw.rtlsim.program_check import encoded
from afp_hw.schedule.accelerator import schedule_network

Document = dict[str, Any]

_EMBEDDED_NAME: Final = "fashion_resnet"


def data_for(
    program: Program,
    path: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> Dataset:
    """Images, and labels where there are some."""
    name, given, output = program.manifest["model"], program.input.layout, program.output.layout
    if path is None:
        if name != _EMBEDDED_NAME:
            raise ValueError(
                f"--data must be given for another model than {_EMBEDDED_NAME!r}, not left out"
            )
        return embedded_test_set()
    inputs = (TensorSpec(given.name, given.shape),)
    graph = Graph(name, inputs, (output.name,), (), {output.name: output.shape})
    labelled = False
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            labelled = "labels.npy" in archive.namelist()
    return read_dataset("--data", path, graph, mean, std, labels=labelled)


def shapes_document(
    path: Path,
    accelerator: AcceleratorDesign,
    weights: AFPFormat | None,
    acts: AFPFormat | None,
    latency: int,
) -> Document:
    """Cycles of a table of shapes; errors as :func:`.read_topology` and :func:`.outline`."""
    wgt, act = weights or accelerator.array.afp_weights, acts or accelerator.array.afp_acts
    network = outline(read_topology(path), accelerator, wgt, act)
    schedule = schedule_network(network.descriptors, accelerator, latency)
    shares = account(network.layers, network.descriptors, accelerator, schedule)
    return {
        "model": path.stem,
        "design": accelerator.array.array_name,
        "weights": str(wgt),
        "acts": str(act),
        "engine": "model",
        "latency": latency,
        **shares.document(),
    }


def program_document(
    program: Program, accelerator: AcceleratorDesign, engine: str, latency: int
) -> Document:
    """Cycles of a program."""
    schedule = schedule_network(program.descriptors, accelerator, latency)
    shares = account(program.manifest["layers"], program.descriptors, accelerator, schedule)
    return {
        "model": program.manifest["model"],
        "design": accelerator.array.array_name,
        "image_sha256": program.manifest["image"]["sha256"],
        "engine": engine,
        "latency": latency,
        **shares.document(),
    }


def results_of(
    directory: Path,
    program: Program,
    accelerator: AcceleratorDesign,
    data: Dataset,
    engine: str,
    latency: int,
    jobs: int,
) -> Document:
    """What running the images gave, as part of the document."""
    inputs = encoded(program, data.images)
    key = sha256(json.dumps(program.manifest, sort_keys=True).encode()).hexdigest()
    with progress_bars() as bar:
        library = None
        if engine == "rtl":
            bar("Verilog")
            library = accelerator_library(accelerator)
        order = Order(directory, library, latency)
        results = run_images(order, inputs, key, jobs, bar("images"))
    document: Document = {"data": data.source, "images": len(results)}
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


def _checked(results: list[Document]) -> Document:
    """What of all images was compared and found equal."""
    sums: Document = {
        name: sum(result[name] for result in results)
        for name in ("output_bits", "stored_bits", "times", "cpu_seconds")
    }
    cycles = sum(result["counters"]["CYCLES"] for result in results)
    return sums | {
        "cycles": cycles,
        "counters": results[0]["counters"],
        "cycles_per_cpu_second": cycles / sums["cpu_seconds"],
    }
