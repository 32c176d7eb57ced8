"""Images and manifests: their parts, their bytes, and that the same input gives the same ones."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from afp_hw import AFPFormat
from afp_hw.design import load_accelerator
from afp_hw.design.descriptor import DESCRIPTOR_BYTES, unpack_descriptor
from afp_hw.network.exact import encode_images, run_stored
from afp_hw.program import compile_network
from afp_hw.program.interpreter import interpret, read_descriptors
from tests.program.networks import Builder, compare

LARGE = load_accelerator(Path(__file__).parents[2] / "gen" / "accelerator16.toml")


def network() -> Builder:
    net = Builder(3, 16, 16)
    net.conv(16)
    first = net.relu()
    net.conv(16)
    net.add(first)
    net.relu()
    net.conv(32, strides=(2, 2))
    net.relu()
    net.average()
    net.linear(10)
    return net


def test_an_image_is_descriptors_records_weights_and_the_work_area_is_behind_it() -> None:
    lowered, _ = network().lowered(LARGE)
    program = compile_network(lowered, LARGE)
    image = program.manifest["image"]
    assert image["sha256"] == sha256(program.image).hexdigest()
    parts = ("descriptor_bytes", "record_bytes", "weight_bytes")
    assert sum(image[part] for part in parts) == image["bytes"] == len(program.image)
    assert image["descriptor_bytes"] == image["descriptors"] * DESCRIPTOR_BYTES
    assert read_descriptors(program.image) == list(map(dict, program.descriptors))
    at = len(program.image)
    for place in program.tensors.values():
        assert place.address == at
        assert place.address % LARGE.beat_bytes == 0
        at = place.end
    assert at == program.size == program.manifest["memory_bytes"]
    last = DESCRIPTOR_BYTES * (image["descriptors"] - 1)
    assert unpack_descriptor(program.image[last : last + DESCRIPTOR_BYTES])["last"] == 1


def test_a_manifest_counts_what_a_run_moves() -> None:
    lowered, image = network().lowered(LARGE)
    program, moved = compare(lowered, image, LARGE)
    layers = program.manifest["layers"]
    names = {"records": "parameter", "weights": "wgt", "acts": "act", "side": "side"}
    for name, kind in names.items():
        assert sum(layer["loaded_bytes"][name] for layer in layers) == moved.loaded[kind]
    assert sum(layer["stored_bytes"] for layer in layers) == moved.stored
    ends = [layer["descriptors"] for layer in layers]
    assert ends[0][0] == 0
    assert ends[-1][1] == len(program.descriptors)
    assert all(one[1] == two[0] for one, two in itertools.pairwise(ends))
    macs = 16 * 27 * 256 + 16 * 144 * 256 + 32 * 144 * 64 + 10 * 32
    assert sum(layer["macs"] for layer in layers) == macs


def test_the_same_network_gives_the_same_bytes() -> None:
    programs = [compile_network(network().lowered(LARGE)[0], LARGE) for _ in range(2)]
    assert programs[0].image == programs[1].image
    documents = [json.dumps(program.manifest) for program in programs]
    assert documents[0] == documents[1]


def test_weights_of_five_bits_take_five_eighths_of_those_of_eight() -> None:
    wide = replace(
        LARGE, array=replace(LARGE.array, weights=AFPFormat(4, 3), init_max=1 << 40, outs=None)
    )
    loaded = {}
    for wgt in ("e3m1", "e4m3"):
        lowered, image = network().lowered(wide, wgt=wgt)
        _, moved = compare(lowered, image, wide)
        loaded[wgt] = moved.loaded["wgt"]
    assert 8 * loaded["e3m1"] <= 5 * loaded["e4m3"]


def test_sums_that_lie_further_left_in_a_wider_array_are_those_of_the_layer() -> None:
    wide = replace(
        LARGE, array=replace(LARGE.array, weights=AFPFormat(3, 2), init_max=1 << 32, outs=None)
    )
    lowered, image = network().lowered(wide)
    program, _ = compare(lowered, image, wide)
    output = program.manifest["output"]
    assert program.output.layout.further_left == 1
    assert output["lsb"] == lowered.gemm("linear9").lsb_acc - 1


def test_a_program_runs_image_after_image() -> None:
    net = network()
    lowered, _ = net.lowered(LARGE)
    images = net.images(2)
    program = compile_network(lowered, LARGE)
    codes = encode_images(lowered, images).codes
    expected = run_stored(lowered, images)[lowered.graph.outputs[0]].codes
    memory = program.memory(codes[0])
    for each, logits in zip(codes, expected, strict=True):
        program.input.write(memory, each)
        interpret(memory, LARGE)
        assert program.output.read(memory).tolist() == logits.tolist()
