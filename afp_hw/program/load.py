"""A program from the folder that ``afp-hw compile`` wrote: nothing else is needed to run it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from afp_hw.design import AcceleratorDesign, Design
from afp_hw.design.descriptor import DESCRIPTOR_BYTES, unpack_descriptor
from afp_hw.formats import AFPFormat, parse_number
from afp_hw.network.assignment import TensorFormat
from afp_hw.program.layout import TensorLayout
from afp_hw.program.manifest import SCHEMA
from afp_hw.program.program import Program, TensorPlace

_FORMATS = ("weights", "acts", "outs")


def load_program(directory: str | Path) -> tuple[Program, AcceleratorDesign]:
    """The program of a folder, and the accelerator that it is for.

    Sums that leave the network are as the accelerator has them: the `lsb` of their layout is that
    of the accelerator's sums, and nothing is further left.

    Raises
    ------
    ValueError
        The manifest is none, or of another schema; the image is not the one that it describes.
    OSError
        A file cannot be read.
    """
    directory = Path(directory)
    manifest = _manifest(directory / "manifest.json")
    image = (directory / "image.bin").read_bytes()
    try:
        _require_image(manifest["image"], image)
        accelerator = _accelerator(manifest["design"])
        program = _program(manifest, image, accelerator)
    except KeyError as error:
        raise ValueError(f"manifest.json must be a program's, not without {error}") from error
    except (AttributeError, TypeError) as error:
        raise ValueError(f"manifest.json must be a program's, not one where {error}") from error
    return program, accelerator


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} must be JSON, not text with the error: {error}") from error
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"{path.name}.schema must be {SCHEMA!r}, not {schema!r}")
    return dict(manifest)


def _require_image(described: Mapping[str, Any], image: bytes) -> None:
    found = sha256(image).hexdigest()
    if found != described["sha256"]:
        raise ValueError(
            f"image.bin must have the sha256 {described['sha256'][:12]} of manifest.json, not "
            f"{found[:12]}"
        )


def _accelerator(tables: Mapping[str, Any]) -> AcceleratorDesign:
    array = {name: _parameter(name, value) for name, value in tables["design"].items()}
    return AcceleratorDesign(Design(**array), **tables["accelerator"])


def _parameter(name: str, value: Any) -> Any:
    if name in _FORMATS and value is not None:
        return parse_number(value)
    return tuple(value) if isinstance(value, list) else value


def _program(manifest: dict[str, Any], image: bytes, accelerator: AcceleratorDesign) -> Program:
    count = manifest["image"]["descriptors"]
    packed = [image[DESCRIPTOR_BYTES * n : DESCRIPTOR_BYTES * (n + 1)] for n in range(count)]
    places = [_place(tensor, accelerator) for tensor in manifest["tensors"]]
    output = _place(manifest["output"], accelerator)
    return Program(
        image,
        manifest,
        tuple(map(unpack_descriptor, packed)),
        {place.layout.name: place for place in places},
        input=_place(manifest["input"], accelerator),
        output=output,
        outputs={output.layout.name: output},
        size=manifest["memory_bytes"],
    )


def _place(tensor: Mapping[str, Any], accelerator: AcceleratorDesign) -> TensorPlace:
    codes = "format" in tensor
    lsb: Any = tuple(tensor["lsb"]) if isinstance(tensor["lsb"], list) else tensor["lsb"]
    lsb = None if lsb == "dynamic" else lsb
    channels, height, width = tensor["grid"]
    return TensorPlace(
        TensorLayout(
            tensor["name"],
            tuple(tensor["shape"]),
            (channels, height, width),
            tensor["pitch"],
            tensor["code_width"],
            accelerator.beat_bytes,
            TensorFormat(AFPFormat.parse(tensor["format"]), lsb) if codes else None,
            slices=0 if codes else tensor["slices"],
            sum_width=0 if codes else tensor["sum_width"],
            columns=0 if codes else accelerator.array.cols,
            lsb=0 if codes else lsb,
            above=tensor.get("above"),
            place=tensor.get("grid_place"),
            words=tensor.get("words", False),
        ),
        tensor["address"],
    )
