"""Networks: import, folding, lowering to layers, exact evaluation."""

from afp_hw.network.float_evaluation import evaluate_float
from afp_hw.network.graph import Graph, Node, TensorSpec
from afp_hw.network.onnx_import import load_graph, read_onnx

__all__ = ["Graph", "Node", "TensorSpec", "evaluate_float", "load_graph", "read_onnx"]
