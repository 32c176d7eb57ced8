"""Networks: import, folding, lowering to layers, exact evaluation."""

from afp_hw.network.archive import archive
from afp_hw.network.assignment import FormatAssignment, TensorFormat
from afp_hw.network.calibrate import DEFAULT_ACTS, DEFAULT_WEIGHTS, calibrate
from afp_hw.network.exact import run_exact
from afp_hw.network.float_evaluation import evaluate_float
from afp_hw.network.formats_file import (
    assignment_text,
    load_assignment,
    parse_assignment,
    write_assignment,
)
from afp_hw.network.graph import Graph, LayerParameters, Node, TensorSpec
from afp_hw.network.lower import lower
from afp_hw.network.onnx_file import read_onnx
from afp_hw.network.onnx_import import load_graph
from afp_hw.network.outputs import classes, logits
from afp_hw.network.problem import LayerProblem, layer_problems, problems_of
from afp_hw.network.steps import LoweredNetwork
from afp_hw.network.weights import WeightTensor, choose, load_weights

__all__ = [
    "DEFAULT_ACTS",
    "DEFAULT_WEIGHTS",
    "FormatAssignment",
    "Graph",
    "LayerParameters",
    "LayerProblem",
    "LoweredNetwork",
    "Node",
    "TensorFormat",
    "TensorSpec",
    "WeightTensor",
    "archive",
    "assignment_text",
    "calibrate",
    "choose",
    "classes",
    "evaluate_float",
    "layer_problems",
    "load_assignment",
    "load_graph",
    "load_weights",
    "logits",
    "lower",
    "parse_assignment",
    "problems_of",
    "read_onnx",
    "run_exact",
    "write_assignment",
]
