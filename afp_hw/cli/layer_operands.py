"""Where ``afp-hw synth`` takes its operands from: a layer of a model, or a generator."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from afp_hw.anatomy.tensors import LayerTensor
from afp_hw.cli.model import EMBEDDED, model_file, read_images
from afp_hw.design import Design
from afp_hw.embedded import calibration_images, test_set
from afp_hw.network import load_graph
from afp_hw.network.calibrate import calibrate
from afp_hw.network.float_evaluation import evaluate_float
from afp_hw.network.graph import Graph
from afp_hw.network.lower import lower
from afp_hw.network.matrices import layer_matrices
from afp_hw.network.problem import layer_problems
from afp_hw.network.steps import GemmStep, LoweredNetwork
from afp_hw.synth import Operands

if TYPE_CHECKING:
    from afp_hw.compare.operands import Matrices

# Outputs that are simulated: energies of a layer change by less than 1 % with more of them.
_OUTPUTS: Final = 4096
_RANDOM_K: Final = 576
# For a comparison: images that are run, and rows and columns of what becomes matrices.
_IMAGES: Final = 4
_SAMPLED: Final = 32
_RANDOM: Final = re.compile(r"random(?::(\d{1,9}))?")


def _runnable(step: object, design: Design) -> bool:
    return (
        isinstance(step, GemmStep)
        and design.afp_acts.holds(step.act.fmt)
        and step.wgt_codes.shape[1] <= design.k
    )


def _largest_layer(lowered: LoweredNetwork, design: Design) -> str:
    """The layer with most products among those that the design can run."""
    steps = [step for step in lowered.steps if _runnable(step, design)]
    products = {
        step.name: int(np.prod(lowered.graph.shapes[step.output][1:])) * step.wgt_codes.shape[1]
        for step in steps
        if isinstance(step, GemmStep)
    }
    if not products:
        raise ValueError(
            f"Design.acts must hold a layer of {lowered.graph.name}, and k its reduction; "
            f"{design.acts} with k = {design.k} does not"
        )
    return max(products, key=products.__getitem__)


# Operands, and what they were rounded from: weights, activations; nothing where they are random.
Measured = tuple[Operands, tuple[LayerTensor, ...]]


def _layer(model: str, layer: str, design: Design, input_file: Path | None) -> Measured:
    if model == EMBEDDED:
        path = model_file(model)
        images = test_set()[0] if input_file is None else read_images("--input", input_file)
        calibration = calibration_images()
    else:
        if input_file is None:
            raise ValueError(f"--operands {model} must come with --input FILE, its images")
        path = Path(model)
        images = calibration = read_images("--input", input_file)
    graph = load_graph(path)
    # Which tensors are signed follows from the graph; the envelope is checked for the layer alone.
    formats = calibrate(
        graph, calibration, weights=design.afp_weights, acts=design.afp_acts.as_signed()
    )
    lowered = lower(graph, formats)
    name = layer or _largest_layer(lowered, design)
    problems: list[Any] = layer_problems(lowered, name, images[:1])
    problem = problems[0]
    operands = Operands.from_problem(problem, design).sample(_OUTPUTS)
    title = f"{model if model == EMBEDDED else path.name}:{problem.name}"
    step = lowered.gemm(name)
    return replace(operands, name=title), _tensors(graph, step, images[:1])


def _tensors(graph: Graph, step: GemmStep, images: NDArray[Any]) -> tuple[LayerTensor, ...]:
    """The weights of a layer and its input on these images, before they are rounded."""
    weight, kept = graph.layer(step.name).weight, []
    assert weight is not None  # layers have weights

    def keep(name: str, values: NDArray[Any]) -> None:
        if name == step.input:
            kept.append(values)

    evaluate_float(graph, images.astype(np.float32), keep)
    bias = step.wgt.bias
    if np.ndim(bias) and weight.ndim > 2:  # one a channel, the first axis of a convolution's
        bias = bias.reshape(-1, *[1] * (weight.ndim - 1))
    return (
        LayerTensor(f"weights of {step.name}", weight, step.wgt.fmt, bias),
        LayerTensor(f"input of {step.name}", kept[0], step.act.fmt, step.act.bias),
    )


def _rounded(model: str, layer: str, design: Design, input_file: Path | None) -> Measured:
    """Operands in integers; of the layer with most products, where none is named."""
    graph = load_graph(model_file(model))
    products = {
        node.name: int(np.prod(graph.shapes[node.output][1:])) * node.weight[0].size
        for node in graph.layers()
        if node.weight is not None and node.weight[0].size <= design.k
    }
    if not layer and not products:
        raise ValueError(
            f"Design.k must be at least the shortest reduction of {graph.name}, not {design.k}"
        )
    layer = layer or max(products, key=products.__getitem__)
    matrices = matrices_for(f"{model}:{layer}", input_file)
    operands = matrices.operands(design)
    assert isinstance(operands, Operands)  # no floating point
    return operands, (
        LayerTensor(f"weights of {layer}, sampled", matrices.wgt, design.weights, None),
        LayerTensor(f"input of {layer}, sampled", matrices.act, design.acts, None),
    )


def operands_for(spec: str | None, design: Design, input_file: Path | None) -> Measured:
    """Operands as ``--operands`` names them, at most some thousand outputs of one image.

    Parameters
    ----------
    spec
        ``"embedded"`` (the default: its layer with most products that the design can run),
        ``"embedded:LAYER"``, ``"FILE.onnx"``, ``"FILE.onnx:LAYER"``, ``"random"``, ``"random:K"``.
    design
        Its envelopes are the formats of the layers, but that no sign bit is spent where none is
        needed; integers are used as they are.
    input_file
        Images [N, C, H, W]; must be given for another model than the embedded one, whose static
        biases come from the same images.

    Returns
    -------
    The operands, and the real tensors that they were rounded from: weights and activations of the
    network in floating point; none where operands are random.

    Raises
    ------
    ValueError
        No such layer, or one that the design cannot run.
    OSError
        A file cannot be read.
    """
    spec = spec or EMBEDDED
    random = _RANDOM.fullmatch(spec)
    if random is not None:
        k = int(random[1]) if random[1] else min(_RANDOM_K, design.k)
        if not 1 <= k <= design.k:
            raise ValueError(f"--operands random:K must have K in 1..{design.k}, not {k}")
        return Operands.random(design, k=k), ()
    model, colon, layer = spec.partition(":")
    if colon and not layer:
        raise ValueError(f"--operands must be MODEL or MODEL:LAYER, not {spec!r}")
    if design.integers:  # one symmetric scale a tensor
        return _rounded(model, layer, design, input_file)
    return _layer(model, layer, design, input_file)


def matrices_for(spec: str, input_file: Path | None) -> Matrices:
    """Unrounded operands of a layer, some thousand outputs; of a grouped one its first group.

    Parameters
    ----------
    spec
        ``"embedded:LAYER"`` or ``"FILE.onnx:LAYER"``.
    input_file
        Images [N, C, H, W]; must be given for another model than the embedded one. At most four
        are run.

    Raises
    ------
    ValueError
        No such layer, or no images.
    OSError
        A file cannot be read.
    """
    from afp_hw.compare.operands import Matrices

    model, _, layer = spec.partition(":")
    if not layer:
        raise ValueError(f"--operands must be MODEL:LAYER, not {spec!r}")
    if model != EMBEDDED and input_file is None:
        raise ValueError(f"--operands {spec} must come with --input FILE, its images")
    images = test_set()[0] if input_file is None else read_images("--input", input_file)
    path = model_file(model)
    act, wgt = layer_matrices(load_graph(path), layer, images[:_IMAGES].astype(np.float32))[0]
    title = f"{model if model == EMBEDDED else path.name}:{layer}"
    return Matrices(title, _spread(act), _spread(wgt.T).T)


def _spread(rows: NDArray[Any]) -> NDArray[Any]:
    """Some rows, evenly over all of them."""
    count = min(len(rows), _SAMPLED)
    spread: NDArray[Any] = rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]
    return spread
