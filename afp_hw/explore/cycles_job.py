"""Cycles, waits and bytes of a point: what its accelerator's schedule says."""

from __future__ import annotations

from afp_hw.explore.jobs import Job, Result
from afp_hw.explore.program_of import run_of


def run_cycles(job: Job) -> Result:
    """Cycles of one inference.

    Raises
    ------
    TypeError, ValueError
        The accelerator is refused, or does not hold the network.
    """
    run = run_of(job)
    total = run.account.total
    clock_ns = job.given["axes"]["clock_ns"]
    manifest = {layer["name"]: layer for layer in run.program.manifest["layers"]}
    return {
        "cycles": total.cycles,
        "utilisation": 100 * total.utilisation,
        "time_ms": total.cycles * clock_ns * 1e-6,
        "bytes_moved": sum(total.bytes.values()),
        "traffic_bytes": dict(total.bytes),
        "layers": [
            {
                "name": share.name,
                "dataflow": share.dataflow,
                "cycles": share.cycles,
                "macs": share.macs,
                "utilisation": 100 * share.utilisation,
                "wait_load": share.waits["compute_load"],
                "wait_store": share.waits["compute_store"],
                "bytes_in": sum(share.bytes.values()) - share.bytes["stored"],
                "bytes_out": share.bytes["stored"],
                "formats": [manifest[share.name].get(key) for key in ("weights", "acts")],
            }
            for share in run.account.layers
        ],
    }
