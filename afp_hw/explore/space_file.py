"""A space as a TOML file.

::

    name = "formats"
    strategy = "grid"            # or "random", "bayesian"; these take `points`, 50, and `seed`, 0
    metrics = ["accuracy", "area", "energy", "cycles"]
    objectives = ["accuracy", "energy_nj"]
    images = 500                 # of the test images; all by default

    [axes]
    formats = ["e2m1", "e3m1/e3m2", "int8"]
    rows = [8, 16]
    cols = [8, 16]

    [networks.mine]              # for network = ["mine"]
    model = "mine.onnx"
    data = "test.npz"            # arrays images and labels
    calibration = "train.npz"    # array images

What an axis does not name has its default (:data:`.AXES`). ``weights`` and ``acts`` in the place of
``formats`` are all pairs of the two; ``size = ["8x8", "16x16"]`` takes that of ``rows`` and
``cols``. Standard library only.
"""

from __future__ import annotations

import difflib
import itertools
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from afp_hw.explore.axes import (
    ACTS,
    AXES,
    CHOSEN_BY,
    EMBEDDED,
    SIZE,
    SIZE_AXIS,
    TECHNOLOGY,
    WEIGHTS,
    Axis,
)
from afp_hw.explore.configuration import digest_of
from afp_hw.explore.metrics import DEFAULT_OBJECTIVES, GROUPS, METRICS
from afp_hw.explore.space import Network, Space

STRATEGIES: Final = ("grid", "random", "bayesian")
_KEYS: Final = (
    "name", "strategy", "points", "seed", "metrics", "objectives", "images", "memory", "axes",
    "networks",
)  # fmt: skip
_NETWORK_KEYS: Final = ("model", "data", "calibration", "mean", "std")
_MOST: Final = 1_000_000
_LARGEST_SEED: Final = (1 << 32) - 1  # that NumPy and with it Optuna takes


def load_space(path: str | Path) -> Space:
    """Read a file; files that it names are found beside it.

    Raises
    ------
    ValueError
        No TOML, or what is no space: one sentence that names the key.
    OSError
        The file cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} must be TOML in UTF-8, not binary") from error
    return parse_space(text, path.stem, path.name, path.parent)


def parse_space(text: str, name: str, where: str = "space", folder: Path = Path()) -> Space:
    """Read a space from its text: errors as :func:`load_space`.

    Parameters
    ----------
    text
        TOML.
    name
        Of the space, where the text has none.
    where
        Names the text in errors.
    folder
        Where the files are that it names.
    """
    document = _document(text, where)
    _refuse_unknown(where, document, _KEYS)
    strategy = _choice(where, document, "strategy", STRATEGIES)
    points = _whole(where, document, "points", 50, most=_MOST)
    if strategy == "grid" and "points" in document:
        raise ValueError(f"{where} points must be left out with strategy 'grid', not {points}")
    networks = _networks(where, document.get("networks", {}), folder)
    axes = _axes(where, document.get("axes", {}), networks, folder)
    metrics = _metrics(where, document.get("metrics", list(GROUPS)))
    space = Space(
        name=_name(where, document.get("name", name)),
        strategy=strategy,
        points=None if strategy == "grid" else points,
        seed=_whole(where, document, "seed", 0, least=0, most=_LARGEST_SEED),
        metrics=metrics,
        objectives=_objectives(where, document.get("objectives"), metrics),
        images=_whole(where, document, "images", None),
        axes=axes,
        networks=networks,
        memory=folder / str(document["memory"]) if "memory" in document else None,
        named=frozenset(document.get("axes", {})),
        text=text,
    )
    if strategy == "grid" and space.size > _MOST:
        raise ValueError(f"{where} must have at most {_MOST:,} points, not {space.size:,}")
    return space


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{where} must be TOML, not text with the error: {error}") from error


def _refuse_unknown(where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    known = list(known)
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {close[0]!r}" if close else ""
            raise ValueError(f"{where} must have keys among {', '.join(known)}, not {key!r}{hint}")


def _table(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, not {value!r}")
    return value


def _name(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where} name must be a name, not {value!r}")
    return value


def _whole(
    where: str,
    document: Mapping[str, Any],
    key: str,
    default: Any,
    least: int = 1,
    most: int | None = None,
) -> Any:
    if key not in document:
        return default
    value = document[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{where} {key} must be a whole number of at least {least}, not {value!r}")
    if most is not None and value > most:
        raise ValueError(f"{where} {key} must be at most {most:,}, not {value:,}")
    return value


def _choice(where: str, document: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = document.get(key, choices[0])
    if value not in choices:
        raise ValueError(f"{where} {key} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _names(where: str, value: Any, known: Iterable[str]) -> tuple[str, ...]:
    known = list(known)
    if not isinstance(value, list) or not value or any(name not in known for name in value):
        raise ValueError(f"{where} must be a list of some of {', '.join(known)}, not {value!r}")
    return tuple(dict.fromkeys(value))


def _metrics(where: str, value: Any) -> tuple[str, ...]:
    wanted = _names(f"{where} metrics", value, GROUPS)
    return tuple(group for group in GROUPS if group in wanted)


def _objectives(where: str, value: Any, groups: tuple[str, ...]) -> tuple[str, ...]:
    measured = [name for name, metric in METRICS.items() if metric.group in groups]
    if value is None:
        return tuple(name for name in DEFAULT_OBJECTIVES if name in measured)[:2]
    return _names(f"{where} objectives", value, measured)


def _networks(where: str, value: Any, folder: Path) -> dict[str, Network]:
    found = {EMBEDDED: Network(EMBEDDED)}
    for name, given in _table(f"{where} [networks]", value).items():
        here = f"{where} [networks.{name}]"
        table = _table(here, given)
        _refuse_unknown(here, table, _NETWORK_KEYS)
        if name == EMBEDDED:
            raise ValueError(f"{here} must have another name than {EMBEDDED!r}")
        for key in ("model", "data", "calibration"):
            if not isinstance(table.get(key), str):
                raise ValueError(f"{here} {key} must be a file, not {table.get(key)!r}")
        found[name] = Network(
            name,
            *(folder / table[key] for key in ("model", "data", "calibration")),
            *(_numbers(f"{here} {key}", table.get(key)) for key in ("mean", "std")),
        )
    return found


def _numbers(where: str, value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    if not values or not all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in values
    ):
        raise ValueError(f"{where} must be a number for each channel, not {value!r}")
    return tuple(float(each) for each in values)


def _axes(
    where: str, value: Any, networks: Mapping[str, Network], folder: Path
) -> dict[str, tuple[Any, ...]]:
    given = dict(_table(f"{where} [axes]", value))
    where = f"{where} [axes]"
    _refuse_unknown(where, given, [*AXES, SIZE, WEIGHTS, ACTS])
    pairs = [key for key in (WEIGHTS, ACTS) if key in given]
    if pairs:
        if len(pairs) == 1 or "formats" in given:
            raise ValueError(f"{where} must have weights and acts, or formats, not {sorted(given)}")
        both = (_values(where, key, given.pop(key)) for key in pairs)
        given["formats"] = ["/".join(map(str, pair)) for pair in itertools.product(*both)]
    found = {
        name: _read(where, axis, given[name]) if name in given else (axis.default,)
        for name, axis in AXES.items()
    }
    if SIZE in given:
        if "rows" in given or "cols" in given:
            raise ValueError(f"{where} must have size, or rows and cols, not {sorted(given)}")
        sizes = _read(where, SIZE_AXIS, given[SIZE])
        found = {name: values for name, values in found.items() if name not in ("rows", "cols")}
        first = {name: found.pop(name) for name in ("network", *CHOSEN_BY)}
        found = {**first, SIZE: sizes, **found}
    for name in found["network"]:
        if name not in networks:
            raise ValueError(f"{where} network must be one of {', '.join(networks)}, not {name!r}")
    found["technology"] = tuple(
        name if name == TECHNOLOGY else str(folder / name) for name in found["technology"]
    )
    return found


def _values(where: str, name: str, value: Any) -> list[Any]:
    """A list of values; one value stands for itself."""
    nested = name == "registers" and isinstance(value, list) and not any(
        isinstance(each, list) for each in value
    )  # fmt: skip
    values = [value] if (nested and value) or not isinstance(value, list) else value
    if not values:
        raise ValueError(f"{where} {name} must have a value at least, not none")
    return values


def _read(where: str, axis: Axis, value: Any) -> tuple[Any, ...]:
    found: dict[str, Any] = {}
    for given in _values(where, axis.name, value):
        try:
            read = axis.value(given)
        except ValueError as error:
            raise ValueError(f"{where} {axis.name} {error}") from error
        found.setdefault(digest_of(read), read)
    return tuple(found.values())
