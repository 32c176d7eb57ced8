"""From a lowered network to an accelerator's program."""

from __future__ import annotations

from afp_hw.design import AcceleratorDesign
from afp_hw.design.descriptor import DESCRIPTOR_BYTES, Operation, pack_descriptor
from afp_hw.network.steps import LoweredNetwork
from afp_hw.program.assembly import Assembly, assemble
from afp_hw.program.manifest import Parts, manifest_of
from afp_hw.program.plans import Plan, plan
from afp_hw.program.program import Program, TensorPlace
from afp_hw.program.refine import refined
from afp_hw.program.settings import pack_records
from afp_hw.program.translate import Translation, translate
from afp_hw.program.weights import pack_weights


def compile_network(
    lowered: LoweredNetwork,
    accelerator: AcceleratorDesign,
    dataflow: Operation | None = None,
    rows: int | None = None,
) -> Program:
    """Compile a network, all of whose grids are static, or all dynamic.

    Parameters
    ----------
    lowered
        The network.
    accelerator
        What it runs on.
    dataflow
        Of all layers that store codes, weights or outputs stationary. None: for each the one that
        takes fewer cycles, outputs stationary where both take as many.
    rows
        Output rows of a strip, fewer where they do not fit. None: as many as take the least time.

    Raises
    ------
    ValueError
        A network that the accelerator does not run, with what would.
    """
    translation = translate(lowered, accelerator)
    plans = [
        plan(task, translation.layouts, accelerator, dataflow, rows) for task in translation.tasks
    ]
    if translation.dynamic and rows is None:
        plans = refined(translation.tasks, plans, translation.layouts, accelerator)
    assembly = assemble(plans, translation.layouts, accelerator)
    parts = _parts(assembly, plans, translation, accelerator)
    image = b"".join([*map(pack_descriptor, assembly.descriptors), parts.records, parts.weights])
    outputs = {
        name: TensorPlace(layout, assembly.places[stored].address)
        for name, (stored, layout) in translation.outputs.items()
    }
    graph = lowered.graph
    places = {"input": assembly.places[graph.inputs[0].name], "output": outputs[graph.outputs[0]]}
    manifest = manifest_of(
        graph.name,
        accelerator,
        image,
        parts,
        plans,
        assembly.descriptors,
        assembly.ends,
        assembly.places,
        places,
    )
    return Program(
        image,
        manifest,
        assembly.descriptors,
        assembly.places,
        **places,
        outputs=outputs,
        size=assembly.size,
    )


def _parts(
    assembly: Assembly, plans: list[Plan], translation: Translation, accelerator: AcceleratorDesign
) -> Parts:
    """Records and weights, as the assembly has placed them."""
    records = b"".join(pack_records(accelerator, each.task.records) for each in plans)
    weights = [
        pack_weights(
            each.task.product,
            piece,
            translation.layouts[each.task.product.view.tensor].pitch,
            accelerator.array,
            each.operation,
            accelerator.beat_bytes,
        )
        for each in plans
        if each.task.product is not None
        for piece in each.pieces
    ]
    return Parts(DESCRIPTOR_BYTES * len(assembly.descriptors), records, b"".join(weights))
