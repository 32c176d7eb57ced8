"""The file of formats, ``formats.json``: its schema is read, written and checked here only.

The file::

    {"schema": "afp-hw formats 1",
     "model": "fashion_resnet",
     "weights": {"conv1": {"n_exp": 3, "n_man": 1, "signed": true, "lsb": -7}, …},
     "acts": {"image": {"n_exp": 3, "n_man": 2, "signed": true, "lsb": -6}, …},
     "parameters": {"file": "formats.parameters-1f0c….npz", "sha256": "1f0c…"},
     "provenance": {"rule": "…", …}}

``weights`` are by layer and signed, ``lsb`` one number or a list of one per output channel;
``acts`` are by tensor, ``lsb`` one number, or ``"dynamic"``: each image's own. ``value = fix *
2**lsb``, and ``bias = 1 - n_man - lsb``, of 12 bits. An entry may have a ``"provenance"``, a
sentence on its choice.

``parameters`` is there where weights or biases differ from the model's: a NumPy archive beside the
file with float64 arrays ``LAYER:weight`` and ``LAYER:bias``. Its name has its hash, so that a
rewritten file never goes with the parameters of the one before.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from afp_hw.files import write_atomic
from afp_hw.formats import AFPFormat
from afp_hw.network.archive import archive
from afp_hw.network.assignment import BIAS_LIMIT, FormatAssignment, TensorFormat
from afp_hw.network.graph import LayerParameters

SCHEMA = "afp-hw formats 1"

_ENTRY = {"n_exp", "n_man", "signed", "lsb"}
_DYNAMIC = "dynamic"


def write_assignment(assignment: FormatAssignment, path: str | Path) -> Path:
    """Write the file, and its parameters beside it; the same assignment gives the same bytes."""
    path = Path(path)
    pattern = f"{path.stem}.parameters-*.npz"
    kept = None
    if assignment.parameters:
        content = _pack(assignment.parameters)
        digest = sha256(content).hexdigest()
        kept = path.with_name(pattern.replace("*", digest[:12]))
        write_atomic(kept, content)
    write_atomic(path, assignment_text(assignment, path))
    for old in path.parent.glob(pattern):
        if old != kept:
            old.unlink(missing_ok=True)
    return path


def assignment_text(assignment: FormatAssignment, path: str | Path = "formats.json") -> str:
    """Text of the file `path`, which names the archive of parameters."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "model": assignment.model,
        "weights": {name: _entry(item) for name, item in assignment.weights.items()},
        "acts": {name: _entry(item) for name, item in assignment.acts.items()},
    }
    if assignment.parameters:
        digest = sha256(_pack(assignment.parameters)).hexdigest()
        name = f"{Path(path).stem}.parameters-{digest[:12]}.npz"
        document["parameters"] = {"file": name, "sha256": digest}
    document["provenance"] = dict(assignment.provenance)
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def load_assignment(path: str | Path) -> FormatAssignment:
    """Read a file and the parameters it names; errors as :func:`parse_assignment`, and OSError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} must be JSON in UTF-8, not binary") from error
    return parse_assignment(text, path.name, path.parent)


def parse_assignment(
    text: str, where: str = "formats", folder: Path | None = None
) -> FormatAssignment:
    """Read the file's text; `where` names it in errors, `folder` is where its parameters lie.

    Raises
    ------
    ValueError
        No JSON, another schema, an entry that is not of the form above, or parameters that are
        missing or not those that the file was written with.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:  # no JSON; numbers too long; nested too deep
        raise ValueError(f"{where} must be JSON, not text with the error: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else document
        raise ValueError(f"{where}.schema must be {SCHEMA!r}, not {found!r}")
    for key, kind in (("model", str), ("weights", dict), ("acts", dict), ("provenance", dict)):
        if not isinstance(document.get(key), kind):
            raise ValueError(f"{where}.{key} must be a {kind.__name__}, not {document.get(key)!r}")
    named = document.get("parameters")
    return FormatAssignment(
        document["model"],
        {k: _read_entry(f"{where}.weights[{k!r}]", v) for k, v in document["weights"].items()},
        {k: _read_entry(f"{where}.acts[{k!r}]", v) for k, v in document["acts"].items()},
        document["provenance"],
        {} if named is None else _read_parameters(f"{where}.parameters", named, folder),
    )


def _entry(item: TensorFormat) -> dict[str, Any]:
    lsb: Any = list(item.lsb) if isinstance(item.lsb, tuple) else item.lsb
    entry = {
        "n_exp": item.fmt.n_exp,
        "n_man": item.fmt.n_man,
        "signed": item.fmt.signed,
        "lsb": _DYNAMIC if lsb is None else lsb,
    }
    return entry | ({"provenance": item.provenance} if item.provenance else {})


def _read_entry(where: str, entry: Any) -> TensorFormat:
    if not isinstance(entry, dict) or set(entry) - {"provenance"} != _ENTRY:
        raise ValueError(f"{where} must have n_exp, n_man, signed and lsb, not {entry!r}")
    provenance = entry.get("provenance", "")
    if not isinstance(provenance, str):
        raise ValueError(f"{where}.provenance must be a sentence, not {provenance!r}")
    lsb = None if entry["lsb"] == _DYNAMIC else entry["lsb"]
    numbers: list[Any] = [] if lsb is None else lsb if isinstance(lsb, list) and lsb else [lsb]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise ValueError(
            f"{where}.lsb must be an integer, a list of them or 'dynamic', not {entry['lsb']!r}"
        )
    try:
        fmt = AFPFormat(entry["n_exp"], entry["n_man"], entry["signed"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    for number in numbers:
        if not -BIAS_LIMIT <= fmt.bias(number) < BIAS_LIMIT:
            raise ValueError(
                f"{where}.lsb must give a bias in {-BIAS_LIMIT}..{BIAS_LIMIT - 1}, not "
                f"{fmt.bias(number)}"
            )
    return TensorFormat(fmt, tuple(lsb) if isinstance(lsb, list) else lsb, provenance)


def _pack(parameters: Mapping[str, LayerParameters]) -> bytes:
    arrays = {}
    for layer, item in parameters.items():
        arrays[f"{layer}:weight"] = np.ascontiguousarray(item.weight, np.float64)
        if item.bias is not None:
            arrays[f"{layer}:bias"] = np.ascontiguousarray(item.bias, np.float64)
    return archive(arrays)


def _read_parameters(where: str, named: Any, folder: Path | None) -> dict[str, LayerParameters]:
    """The archive that the file names."""
    if not isinstance(named, dict) or not all(
        isinstance(named.get(key), str) for key in ("file", "sha256")
    ):
        raise ValueError(f"{where} must have 'file' and 'sha256', not {named!r}")
    if folder is None or Path(named["file"]).name != named["file"]:
        raise ValueError(f"{where}.file must lie beside the file of formats, not {named['file']!r}")
    content = (folder / named["file"]).read_bytes()
    if sha256(content).hexdigest() != named["sha256"]:
        raise ValueError(
            f"{where}.file must be the archive that the formats were written with, not another: "
            f"{named['file']!r} has a different hash"
        )
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
            arrays = {name: np.asarray(loaded[name], np.float64) for name in loaded.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{where}.file must be a NumPy archive, not {named['file']!r}") from error
    layers = [name.removesuffix(":weight") for name in arrays if name.endswith(":weight")]
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{where}.file must have finite numbers only, not NaN as in {name!r}")
    return {
        layer: LayerParameters(arrays[f"{layer}:weight"], arrays.get(f"{layer}:bias"))
        for layer in layers
    }
