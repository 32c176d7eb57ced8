"""A certificate that exists, checked again: the same files, the same checks, the same outcomes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from afp_hw.certify.certificate import Certificate, Options, Progress, certify
from afp_hw.certify.document import design_of, first_difference, newer_tools, read_document
from afp_hw.errors import MismatchError


def recheck(
    path: Path, work: Path, *, progress: Progress = lambda done, total: None
) -> tuple[Certificate, list[str]]:
    """Run the checks of the certificate `path` again, on the Verilog that lies beside it.

    Returns
    -------
    certificate
        The new one.
    others
        Tools that have other versions now. Where there are any, what names versions, and the
        netlist's hash, are not compared.

    Raises
    ------
    MismatchError
        A file has another hash, the Verilog is not that of the design, or a check has another
        outcome; the message names the first difference.
    ValueError, TypeError
        `path` is no certificate.
    OSError
        It, or the Verilog, cannot be read.
    """
    stored = read_document(path)
    design = design_of(stored, path.name)
    synthesis = stored["synthesis"]
    for key, kind in (("recipe", str), ("clock_ns", int | float)):
        if not isinstance(synthesis.get(key), kind):
            raise ValueError(
                f"{path.name} must have a synthesis with {key!r}, not {synthesis.get(key)!r}"
            )
    options = Options(stored["seed"], stored["limit"], synthesis["recipe"], synthesis["clock_ns"])
    for suffix in (".v", ".netlist.v"):
        file = path.with_name(design.pe_name + suffix)
        if suffix != ".v" and not file.exists():
            continue
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if stored["sha256"].get(file.name) != digest:
            raise MismatchError(
                f"{file.name} must have the sha256 {stored['sha256'].get(file.name)}, not {digest}"
            )
    verilog = path.with_name(f"{design.pe_name}.v").read_text(encoding="utf-8")
    again = certify(design, options, work, verilog=verilog, progress=progress)
    difference = first_difference(stored, again.document)
    if difference:
        raise MismatchError(f"{path.name}: {difference}")
    others = newer_tools(stored, again.document)
    if not others and again.emitted.verilog != verilog:
        raise MismatchError(f"{design.pe_name}.v must be what afp-hw verilog writes for its design")
    again.require()
    return again, others
