"""``afp-hw quantize`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from afp_hw import AFPFormat, embedded, golden
from afp_hw.cli.main import main
from afp_hw.network import load_weights
from afp_hw.quantize import bias_for


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["quantize", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_table_names_every_layer_and_a_total(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "embedded", "--weights", "e3m1")
    assert status == 0
    for tensor in load_weights(embedded.model_path()):
        assert tensor.name in out
    assert "TOTAL" in out
    assert "385,360" in out  # 77,072 weights of five bits


def test_json_is_what_the_definition_gives(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "embedded", "--weights", "e2m3", "--json")
    assert status == 0
    document = json.loads(out)
    fmt = AFPFormat.parse("e2m3")
    for row, tensor in zip(document["layers"], load_weights(embedded.model_path()), strict=True):
        bias = bias_for(float(np.abs(tensor.values).max()), fmt)
        error = golden.decode(golden.encode(tensor.values, fmt, bias), fmt, bias) - tensor.values
        assert row["name"] == tensor.name
        assert row["shape"] == list(tensor.values.shape)
        assert (row["bias"], row["lsb"]) == (bias, fmt.lsb(bias))
        assert row["mse"] == pytest.approx(float((error**2).mean()))
        assert row["sqnr_db"] == pytest.approx(
            10 * np.log10(float((tensor.values**2).sum()) / float((error**2).sum()))
        )
        assert row["bits"] == 6 * tensor.values.size
    assert document["total"]["bits"] == sum(row["bits"] for row in document["layers"])


def test_saved_codes_decode_to_the_quantized_weights(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, _, _ = run(capsys, "embedded", "--weights", "e3m1", "--channel", "-o", tmp_path)
    assert status == 0
    document = json.loads((tmp_path / "fashion_resnet.e3m1.json").read_text())
    fmt = AFPFormat.parse("e3m1")
    with np.load(tmp_path / "fashion_resnet.e3m1.npz") as codes:
        for row, tensor in zip(
            document["layers"], load_weights(embedded.model_path()), strict=True
        ):
            shape = [1] * tensor.values.ndim
            shape[tensor.channel_axis] = -1
            bias = np.array(row["bias"]).reshape(shape)
            error = golden.decode(codes[tensor.name], fmt, bias) - tensor.values
            # Half a grid step at the largest magnitude: 2**-2 of it for one mantissa bit.
            assert np.abs(error).max() <= np.abs(tensor.values).max() / 4


def test_the_same_input_gives_the_same_bytes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        run(capsys, "embedded", "--weights", "e3m1", "-o", tmp_path / folder)
    for name in ("fashion_resnet.e3m1.npz", "fashion_resnet.e3m1.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["embedded", "--weights", "e9m1"], "AFPFormat.n_exp must be in 0..8, not 9"),
        (["embedded", "--weights", "ue3m1"], "--weights must be a signed format, not 'ue3m1'"),
        (["embedded", "--weights", "e3m1", "--layer", "x"], "layer must be one of the model's"),
        (["missing.onnx", "--weights", "e3m1"], "missing.onnx: No such file or directory"),
        (["embedded"], "Missing option '--weights'"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    status, out, err = run(capsys, *arguments, "-o", tmp_path / "out")
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_weights_with_nan_write_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", layer=np.full((2, 2), np.nan))
    status, _, err = run(capsys, tmp_path / "m.npz", "--weights", "e3m1", "-o", tmp_path / "out")
    assert status == 2
    assert "weights of 'layer' must be finite, not 4 NaN and 0 infinite of 4" in err
    assert not (tmp_path / "out").exists()


def test_any_name_of_a_layer_can_be_saved(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = ["file", "allow_pickle", "/a/b", "self"]
    save_file({name: np.eye(2, dtype=np.float32) for name in names}, tmp_path / "m.safetensors")
    status, _, err = run(
        capsys, tmp_path / "m.safetensors", "--weights", "e3m1", "-o", tmp_path / "out"
    )
    assert (status, err) == (0, "")
    with np.load(tmp_path / "out" / "m.e3m1.npz") as codes:
        assert sorted(codes.files) == sorted(names)


def test_an_out_that_cannot_be_a_folder_prints_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for out in (tmp_path / "file" / "below", Path("/proc/no/such")):
        (tmp_path / "file").write_text("")
        status, printed, err = run(capsys, "embedded", "--weights", "e3m1", "-o", out)
        assert (status, printed) == (2, "")
        assert "out must be a writable folder" in err


def test_weights_too_large_for_their_squares(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    np.savez(tmp_path / "m.npz", layer=np.full((2, 2), 1e300))
    status, _, err = run(capsys, tmp_path / "m.npz", "--weights", "e3m1")
    assert status == 2
    assert "weights of 'layer' must be at most 1e+150, not 1e+300" in err
