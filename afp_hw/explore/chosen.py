"""The formats of every tensor at a point of AFP, computed once for all jobs of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afp_hw.design import Design
from afp_hw.explore.axes import CHOSEN_BY
from afp_hw.explore.configuration import Configuration, digest_of
from afp_hw.explore.inputs import Loaded, load_network
from afp_hw.explore.jobs import Job, toolchain
from afp_hw.files import cache_dir
from afp_hw.formats import AFPFormat
from afp_hw.network import (
    FormatAssignment,
    LoweredNetwork,
    load_assignment,
    lower,
    write_assignment,
)
from afp_hw.network.lower import InitMax
from afp_hw.program.fit import room_in
from afp_hw.search.budgets import bits_choice
from afp_hw.search.network_search import NetworkSearch
from afp_hw.search.options import SearchOptions
from afp_hw.search.uniform import uniform_formats


def lowered_network(job: Job) -> tuple[Loaded, LoweredNetwork]:
    """The network of a job in the formats of its point.

    Raises
    ------
    ValueError
        A budget that cannot be met, or a file that is none of its kind.
    """
    loaded = load_network(job.files["network"], job.given["network"])
    configuration = Configuration.of(job.given["axes"])
    design = configuration.design(loaded.sums)
    formats = _assignment(loaded, configuration, design, job.given["network"])
    return loaded, lower(loaded.graph, formats, room_in(design))


def _assignment(
    loaded: Loaded, configuration: Configuration, design: Design, network: Mapping[str, Any]
) -> FormatAssignment:
    """From the cache, which workers of one machine share, or computed."""
    images = {key: value for key, value in network.items() if key not in ("data", "images")}
    key = digest_of(
        [toolchain("accuracy"), images, {name: configuration.axes[name] for name in CHOSEN_BY}]
    )[:32]
    folder = cache_dir() / "explore" / key
    path = folder / "formats.json"
    try:
        return load_assignment(path)
    except (OSError, ValueError):  # not there, or cut short by a crash
        found = _found(loaded, configuration, room_in(design))
    folder.mkdir(parents=True, exist_ok=True)
    write_assignment(found, path)
    # What is written and read again is what every worker has.
    return load_assignment(path)


def _found(loaded: Loaded, configuration: Configuration, init_max: InitMax) -> FormatAssignment:
    """Within a budget by a search, or one format for all."""
    axes, pair, calibration = configuration.axes, configuration.pair, loaded.calibration
    weights, acts = pair.weights, pair.acts
    assert isinstance(weights, AFPFormat)  # of others no formats are chosen
    assert isinstance(acts, AFPFormat)
    if axes["bits"] is None:
        return uniform_formats(
            loaded.graph,
            calibration.images,
            weights=weights,
            acts=acts,
            source=calibration.source,
            init_max=init_max,
            rule=axes["bias_rule"],
            tuned=axes["tune"],
        )
    options = SearchOptions(
        weights_within=str(weights),
        acts_within=str(acts),
        rule=axes["bias_rule"],
        compensate=axes["tune"],
        correct_bias=axes["tune"],
    )
    search = NetworkSearch(loaded.graph, calibration.images, options, init_max=init_max)
    return search.tuned(bits_choice(search, axes["bits"], axes["bits"]))
