"""The document of one processing element: what it computes with, what it is made of, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from afp_hw.anatomy.tensors import LayerTensor
from afp_hw.anatomy.values import LARGEST_TABLE, value_table
from afp_hw.anatomy.waveform import find_busiest, waveform
from afp_hw.design import Design
from afp_hw.formats import AFPFormat, Number
from afp_hw.synth import HardwareReport, Netlist, Operands, PeStimulus, Technology, read_netlist
from afp_hw.synth.critical_path import critical_path, edge_name
from afp_hw.synth.run import Mapped

KIND: Final = "afp-hw.pe"
VERSION: Final = 1


def path_json(netlist: Netlist) -> dict[str, Any] | None:
    """The critical path of a netlist in picoseconds and femtofarads; None where there is none."""
    path = critical_path(netlist)
    if path is None:
        return None
    end = path.end
    return {
        "period_ps": path.period_s * 1e12,
        "stages": [
            {
                "name": stage.name,
                "cell": stage.cell,
                "block": stage.block,
                "net": stage.net,
                "from_pin": stage.from_pin,
                "pin": stage.pin,
                "edge": edge_name(stage.edge),
                "arrival_ps": stage.arrival_s * 1e12,
                "increment_ps": stage.increment_s * 1e12,
                "load_ff": stage.load_f * 1e15,
            }
            for stage in path.stages
        ],
        "end": {
            "name": end.pin if end.instance is None else end.instance.name,
            "cell": "output" if end.instance is None else end.instance.cell.name,
            "block": "output" if end.instance is None else end.instance.block,
            "pin": "" if end.instance is None else end.pin,
            "net": netlist.net_names[end.net],
            "edge": edge_name(end.edge),
            "arrival_ps": end.arrival_s * 1e12,
            "setup_ps": end.setup_s * 1e12,
        },
    }


def _format_json(role: str, fmt: Number, tensor: LayerTensor | None) -> dict[str, Any]:
    """One operand: the element's envelope, its numbers, and the layer's tensor."""
    found: dict[str, Any] = {
        "role": role,
        "format": str(fmt),
        "bits": fmt.width,
        "signed": fmt.signed,
        "max_fix": fmt.max_fix,
    }
    lsb = unit = None
    if isinstance(fmt, AFPFormat):
        found |= {
            "n_exp": fmt.n_exp,
            "n_man": fmt.n_man,
            "max_sig": fmt.max_sig,
            "max_shift": fmt.max_shift,
        }
    if tensor is not None:
        unit = tensor.unit
        if isinstance(fmt, AFPFormat) and isinstance(tensor.fmt, AFPFormat):
            # Numerics section 4: the bias stays, and the grid is finer by the mantissa bits gained.
            lsb = int(tensor.lsb or 0) - (fmt.n_man - tensor.fmt.n_man)
            unit = 2.0**lsb
            found["bias"] = fmt.bias(lsb)
    wide = fmt.width > LARGEST_TABLE
    rows = value_table(fmt, unit)
    if tensor is not None and rows:
        uses = tensor.uses(fmt)
        rows = [{**row, "uses": int(uses[row["code"]])} for row in rows]
    return {
        **found,
        "lsb": lsb,
        "unit": unit,
        "values": rows,
        "values_note": f"more than {LARGEST_TABLE} bits: no table" if wide else "",
        "tensor": None if tensor is None else tensor.as_json(),
    }


def _design_json(design: Design) -> dict[str, Any]:
    """Parameters, and the widths that follow from them."""
    afp = not design.integers
    return {
        "weights": str(design.weights),
        "acts": str(design.acts),
        "lanes": design.lanes,
        "k": design.k,
        "registers": list(design.registers),
        "gate_zeros": design.gate_zeros,
        "decode": design.decode,
        "segments": list(design.segments),
        "multiplier": design.multiplier,
        "sum_max": design.sum_max,
        "latency_cycles": design.pe_latency,
        "sig_product_width": design.sig_product_width if afp else None,
        "shift_width": design.shift_width if afp else None,
        "max_product": design.max_product,
        "product_width": design.product_width,
        "lane_sum_width": design.lane_sum_width,
        "sum_bound": design.sum_bound,
        "acc_width": design.pe_acc_width,
    }


def pe_document(
    design: Design,
    mapped: Mapped,
    report: HardwareReport,
    operands: Operands,
    tensors: Sequence[LayerTensor],
    technology: Technology,
) -> dict[str, Any]:
    """Everything about a processing element that was synthesised and measured.

    Parameters
    ----------
    design
        What it was made from.
    mapped
        Its netlists, the files still there.
    report
        Of their measurement.
    operands
        That they ran on.
    tensors
        What these were rounded from, weights and activations; none where they are random.
    technology
        Whose cells the netlists are made of.

    Raises
    ------
    MismatchError
        The netlist does not compute what golden does.
    """

    def netlist(path: Path) -> Netlist:
        return read_netlist(path, technology.cells, top=design.pe_name)

    kept = netlist(mapped.kept.netlist_json)
    whole = kept if mapped.flat is None else netlist(mapped.flat.netlist_json)
    stimulus = PeStimulus(operands)
    busiest = find_busiest(kept, stimulus, technology)
    weights, acts = tensors if tensors else (None, None)
    real = "operands are a layer's" if tensors else "operands are random: there are no real tensors"
    return {
        "kind": KIND,
        "version": VERSION,
        "name": report.name,
        "design": _design_json(design),
        "synth": report.as_json(),
        "operands": {"name": operands.name, "real": bool(tensors), "note": real},
        "formats": [
            _format_json("weights", design.weights, weights),
            _format_json("activations", design.acts, acts),
        ],
        "critical_path": {
            "whole": path_json(whole),
            "hierarchical": path_json(kept),
        },
        "waveform": waveform(kept, stimulus, busiest, technology),
    }


def document_text(found: Mapping[str, Any]) -> str:
    """A document as JSON text, one line a row of its tables."""
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
