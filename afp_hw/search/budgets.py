"""A network's budgets, as an allocation takes them: average bits, energy."""

from __future__ import annotations

from collections.abc import Mapping

from afp_hw.network import FormatAssignment, LoweredNetwork
from afp_hw.network.bits import stored_elements, weight_elements
from afp_hw.network.stages import plan_stages
from afp_hw.network.steps import CodeStep
from afp_hw.search.allocation import Budget, PairBudget
from afp_hw.search.costs import CostTable, layer_macs
from afp_hw.search.network_search import Key, NetworkSearch

FEMTO_PER_NANO = 1e6


def _roots(lowered: LoweredNetwork) -> dict[str, str]:
    """By tensor, the one that it has its format from: of a pooled or moved tensor its source."""
    roots = {spec.name: spec.name for spec in lowered.graph.inputs}
    for step in lowered.steps:
        keeps = isinstance(step, CodeStep) and step.kind.keeps_format
        roots[step.output] = roots[step.inputs[0]] if keeps else step.output  # type: ignore[union-attr]
    return roots


def stored_by_format(lowered: LoweredNetwork) -> dict[str, int]:
    """By tensor that has a format of its own, the elements that are stored in it, per image."""
    roots = _roots(lowered)
    found: dict[str, int] = {}
    for name, count in stored_elements(lowered).items():
        found[roots[name]] = found.get(roots[name], 0) + count
    return found


def _widths(search: NetworkSearch, key: Key, elements: int) -> list[float]:
    return [float(elements * candidate.item.fmt.width) for candidate in search.candidates[key]]


def bits_choice(search: NetworkSearch, weight_bits: float, act_bits: float) -> FormatAssignment:
    """The formats with the least error whose average bits stay within both limits.

    An addition with a dynamic tensor cannot be fused, so that one more tensor is stored. Where a
    tensor may be either, both are tried: every tensor free, and static ones around all additions.

    Raises
    ------
    ValueError
        A limit that cannot be met.
    """
    found = [_bits_choice(search, weight_bits, act_bits)]
    if search.options.dynamic and search.options.mixed:
        stages = [stage for stage in plan_stages(search.graph) if stage.skip is not None]
        roots = _roots(search.lowered(found[0]))
        names = {roots[name] for s in stages for name in (s.inputs[0], s.skip) if name is not None}
        found.append(_bits_choice(search.with_static(names), weight_bits, act_bits))
    return min(found, key=search.total_error)


def _bits_choice(search: NetworkSearch, weight_bits: float, act_bits: float) -> FormatAssignment:
    """The same for one set of candidates.

    Which tensors are stored depends on the formats: the sums in front of a residual addition are
    where it cannot be fused. A tensor that was once needed stays in the budget, until all fits.
    """
    weights = weight_elements(search.graph)
    uses = {
        f"weights {name}": _widths(search, ("weights", name), count)
        for name, count in weights.items()
    }
    total = sum(weights.values())
    budgets = [_averaged("weight bits", weight_bits, uses, total)]
    stored: dict[str, int] = {}
    while True:
        if stored:
            uses = {
                f"acts {name}": _widths(search, ("acts", name), count)
                for name, count in stored.items()
            }
            limits = [*budgets, _averaged("activation bits", act_bits, uses, sum(stored.values()))]
        else:
            limits = list(budgets)
        choice = search.allocate(limits)
        formats = search.assignment(choice, weight_bits=weight_bits, act_bits=act_bits)
        now = stored_by_format(search.lowered(formats))
        if stored and now.keys() <= stored.keys() and _fits(search, formats, now, act_bits):
            return formats
        merged = {**now, **stored}
        if merged.keys() == stored.keys():
            return formats
        stored = {key: merged[key] for key in search_order(search, merged)}


def search_order(search: NetworkSearch, names: Mapping[str, int]) -> list[str]:
    """Names of activations in the order of the network."""
    return [name for kind, name in search.candidates if kind == "acts" and name in names]


def _fits(
    search: NetworkSearch, formats: FormatAssignment, stored: Mapping[str, int], limit: float
) -> bool:
    taken = sum(count * formats.acts[name].fmt.width for name, count in stored.items())
    return taken <= limit * sum(stored.values()) * (1 + 1e-9)


def _averaged(name: str, limit: float, uses: Mapping[str, list[float]], elements: int) -> Budget:
    return Budget(
        name,
        "on average",
        limit,
        {key: [use / elements for use in each] for key, each in uses.items()},
    )


def energy_choice(search: NetworkSearch, limit_nj: float, table: CostTable) -> FormatAssignment:
    """The formats with the least error whose layers take at most so many nanojoules an image.

    Energy of the processing elements alone, from the table: multiply-accumulates of each layer
    times the energy of one for the formats of its weights and of its input.

    Raises
    ------
    ValueError
        A limit that cannot be met, or formats that the table does not reach.
    """
    macs = layer_macs(search.graph)
    first = search.assignment(search.cheapest_per_tensor())
    roots = _roots(search.lowered(first))
    use = {}
    for layer in search.graph.layers():
        weights, acts = ("weights", layer.name), ("acts", roots[layer.inputs[0]])
        use[f"{weights[0]} {weights[1]}", f"{acts[0]} {acts[1]}"] = [
            [
                macs[layer.name] * table.energy_fj(one.item.fmt, two.item.fmt) / FEMTO_PER_NANO
                for two in search.candidates[acts]
            ]
            for one in search.candidates[weights]
        ]
    choice = search.allocate([PairBudget("energy", "nJ an image", limit_nj, use)])
    return search.assignment(choice, energy_nj=limit_nj)


def network_energy_nj(search: NetworkSearch, formats: FormatAssignment, table: CostTable) -> float:
    """What a network's layers take for an image in these formats: see :func:`energy_choice`."""
    macs = layer_macs(search.graph)
    roots = _roots(search.lowered(formats))
    return sum(
        macs[layer.name]
        * table.energy_fj(formats.weights[layer.name].fmt, formats.acts[roots[layer.inputs[0]]].fmt)
        / FEMTO_PER_NANO
        for layer in search.graph.layers()
    )
