"""Trains the embedded model on Fashion-MNIST and writes it, with its images, as package data.

The data set is Debian's package ``dataset-fashion-mnist`` (H. Xiao, K. Rasul, R. Vollgraf, 2017;
MIT licence). Needs PyTorch, which the project itself does not::

    apt-get install dataset-fashion-mnist
    pip install torch onnx numpy
    python examples/train_fashion_resnet.py

These defaults give the packaged model, with torch 2.13.0 to the byte, in about eleven minutes;
another version of torch or kind of processor may round differently.

The network: a 3x3 convolution, three residual blocks of two 3x3 convolutions (one identity skip,
two 1x1 projections with stride 2), global average pooling, a linear layer. Batch norm stays in the
ONNX file, as an exporter leaves it.
"""

from __future__ import annotations

import argparse
import gzip
import io
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional

# Black is 0, which every format holds: with a mean of the images taken off, the background would
# lie where a format of few bits has no value.
MEAN, STD = 0.0, 0.3530
CLASSES = 10
BATCH = 128
WIDTHS = (16, 32, 64)
EMBEDDED = Path(__file__).parents[1] / "afp_hw" / "embedded"


def read_idx(path: Path) -> np.ndarray:
    """One IDX file: uint8 of the shape that its header gives."""
    content = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def normalised(images: np.ndarray) -> torch.Tensor:
    """uint8 [N, 28, 28] to float32 [N, 1, 28, 28]."""
    return ((torch.from_numpy(images.copy()).float() / 255 - MEAN) / STD)[:, None]


class Block(nn.Module):
    """Two 3x3 convolutions and a skip: identity, or a 1x1 projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.skip = self.norm_skip = None
        if stride != 1 or inputs != outputs:
            self.skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.norm_skip = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return functional.relu(y + (x if self.skip is None else self.norm_skip(self.skip(x))))


class FashionResNet(nn.Module):
    """28 x 28 grey images to 10 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, WIDTHS[0], 3, 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(WIDTHS[0])
        self.block1 = Block(WIDTHS[0], WIDTHS[0], 1)
        self.block2 = Block(WIDTHS[0], WIDTHS[1], 2)
        self.block3 = Block(WIDTHS[1], WIDTHS[2], 2)
        self.fc = nn.Linear(WIDTHS[2], CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.norm1(self.conv1(x)))
        x = self.block3(self.block2(self.block1(x)))
        return self.fc(x.mean(dim=(2, 3)))


def augmented(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Each image shifted by up to 2 pixels and flipped half of the time."""
    count, size = len(images), images.shape[-1]
    padded = functional.pad(images, (2, 2, 2, 2), value=float(images.min()))
    offsets = torch.randint(0, 5, (2, count, 1), generator=random)
    rows, cols = torch.arange(size) + offsets[0], torch.arange(size) + offsets[1]
    flip = torch.rand(count, 1, generator=random) < 0.5
    cols = torch.where(flip, cols.flip(1), cols)
    index = torch.arange(count)[:, None, None]
    return padded[:, 0][index, rows[:, :, None], cols[:, None, :]][:, None]


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Percent of the images classified correctly."""
    model.eval()
    with torch.no_grad():
        right = sum(
            int((model(images[i : i + 500]).argmax(1) == labels[i : i + 500]).sum())
            for i in range(0, len(images), 500)
        )
    return 100 * right / len(images)


def train(images: torch.Tensor, labels: torch.Tensor, epochs: int, seed: int) -> nn.Module:
    """SGD with a one-cycle rate; the result is an exponential average of the weights."""
    torch.set_num_threads(1)  # more threads add in another order and end in other weights
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    model = FashionResNet().to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.25, total_steps=steps)
    for epoch in range(epochs):
        model.train()
        start, total = time.time(), 0.0
        order = torch.randperm(len(images), generator=random)
        for i in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[i : i + BATCH]
            inputs = augmented(images[chosen], random).to(memory_format=torch.channels_last)
            loss = functional.cross_entropy(model(inputs), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            total += float(loss.detach())
        loss, seconds = total / (len(images) // BATCH), time.time() - start
        print(f"epoch {epoch + 1}/{epochs}: loss {loss:.4f}, {seconds:.0f} s", flush=True)
    return average.module


class Exporter:
    """Writes the network as ONNX node by node, so that names are those of the layers."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, tensor: torch.Tensor) -> str:
        values = tensor.detach().contiguous().numpy().astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, op: str, name: str, inputs: list[str], **attributes: object) -> str:
        output = f"{name}.out"
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def conv(self, name: str, conv: nn.Conv2d, norm: nn.BatchNorm2d, x: str) -> str:
        weight = self.constant(f"{name}.weight", conv.weight)
        kernel, pad = list(conv.kernel_size), conv.padding[0]
        form = {"kernel_shape": kernel, "strides": list(conv.stride), "pads": [pad] * 4}
        x = self.node("Conv", name, [x, weight], **form)
        fields = ("weight", "bias", "running_mean", "running_var")
        constants = [self.constant(f"{name}.norm.{f}", getattr(norm, f)) for f in fields]
        return self.node("BatchNormalization", f"{name}.norm", [x, *constants], epsilon=norm.eps)

    def block(self, name: str, block: Block, x: str) -> str:
        y = self.conv(f"{name}.conv1", block.conv1, block.norm1, x)
        y = self.node("Relu", f"{name}.relu1", [y])
        y = self.conv(f"{name}.conv2", block.conv2, block.norm2, y)
        if block.skip is not None:
            x = self.conv(f"{name}.skip", block.skip, block.norm_skip, x)
        return self.node("Relu", f"{name}.relu2", [self.node("Add", f"{name}.add", [y, x])])

    def model(self, net: FashionResNet, properties: dict[str, str]) -> onnx.ModelProto:
        x = self.node("Relu", "relu1", [self.conv("conv1", net.conv1, net.norm1, "image")])
        for name in ("block1", "block2", "block3"):
            x = self.block(name, getattr(net, name), x)
        x = self.node("Flatten", "flatten", [self.node("GlobalAveragePool", "pool", [x])])
        weight = self.constant("fc.weight", net.fc.weight)
        bias = self.constant("fc.bias", net.fc.bias)
        self.nodes.append(
            helper.make_node("Gemm", [x, weight, bias], ["logits"], name="fc", transB=1)
        )
        graph = helper.make_graph(
            self.nodes,
            "fashion_resnet",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 28, 28])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CLASSES])],
            self.weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="afp-hw"
        )
        helper.set_model_props(model, properties)
        onnx.checker.check_model(onnx.shape_inference.infer_shapes(model, strict_mode=True))
        return model


def write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(content)
    temporary.replace(path)
    print(f"{path.name}: {len(content)} bytes")


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write(path, content.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path, default=EMBEDDED)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    files = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    images, labels, test_images, test_labels = (
        read_idx(options.data / f"{name}-ubyte.gz") for name in files
    )
    model = train(
        normalised(images),
        torch.from_numpy(labels.astype(np.int64)),
        options.epochs,
        options.seed,
    )
    score = accuracy(model, normalised(test_images), torch.from_numpy(test_labels.astype(np.int64)))
    print(f"float32 accuracy on the {len(test_images)} test images: {score:.2f} %")

    properties = {
        "dataset": "Fashion-MNIST (Zalando SE, MIT licence)",
        "mean": str(MEAN),
        "std": str(STD),
        "float32_test_accuracy_percent": f"{score:.2f}",
        "trained_by": f"{Path(__file__).name} --epochs {options.epochs} --seed {options.seed}",
    }
    write(
        options.out / "fashion_resnet.onnx", Exporter().model(model, properties).SerializeToString()
    )
    write_npz(
        options.out / "fashion_test_1000.npz",
        images=test_images[:1000, :, :, None],
        labels=test_labels[:1000],
    )
    chosen = np.sort(np.random.default_rng(options.seed).choice(len(images), 256, replace=False))
    write_npz(options.out / "fashion_calibration_256.npz", images=images[chosen][:, :, :, None])


if __name__ == "__main__":
    main()
