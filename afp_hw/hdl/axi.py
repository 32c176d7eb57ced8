"""Ports of the AXI buses, by their names in Verilog, and how a component passes them on."""

from collections.abc import Iterable, Mapping

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Flow, In, Member, Out

from afp_hw.design.accelerator import AcceleratorDesign

ADDRESS_WIDTH = 64
ID_WIDTH = 1
"""Every transaction has ID 0, so that data and responses come in order."""
REGISTER_ADDRESS_WIDTH = 12
REGISTER_WIDTH = 32

OKAY, SLVERR = 0, 2
INCREMENTING = 1  # AxBURST
NORMAL_MEMORY = 0b0011  # AxCACHE: bufferable, modifiable, kept in no cache


def _members(prefix: str, table: Iterable[tuple[str, Flow, int]]) -> dict[str, Member]:
    return {prefix + name: flow(width) for name, flow, width in table}


def _addresses(channel: str) -> list[tuple[str, Flow, int]]:
    """A master's channel of addresses, ``"ar"`` or ``"aw"``."""
    fields = {"id": ID_WIDTH, "addr": ADDRESS_WIDTH, "len": 8, "size": 3, "burst": 2}
    fields |= {"cache": 4, "prot": 3, "valid": 1}
    return [
        *((channel + name, Out, width) for name, width in fields.items()),
        (f"{channel}ready", In, 1),
    ]


def read_master(design: AcceleratorDesign) -> dict[str, Member]:
    """Members ``m_axi_ar*`` and ``m_axi_r*`` of an AXI4 master."""
    data = [("rid", In, ID_WIDTH), ("rdata", In, design.data_width), ("rresp", In, 2)]
    data += [("rlast", In, 1), ("rvalid", In, 1), ("rready", Out, 1)]
    return _members("m_axi_", [*_addresses("ar"), *data])


def write_master(design: AcceleratorDesign) -> dict[str, Member]:
    """Members ``m_axi_aw*``, ``m_axi_w*`` and ``m_axi_b*`` of an AXI4 master."""
    data = [("wdata", Out, design.data_width), ("wstrb", Out, design.beat_bytes)]
    data += [("wlast", Out, 1), ("wvalid", Out, 1), ("wready", In, 1)]
    response = [("bid", In, ID_WIDTH), ("bresp", In, 2), ("bvalid", In, 1), ("bready", Out, 1)]
    return _members("m_axi_", [*_addresses("aw"), *data, *response])


def register_slave() -> dict[str, Member]:
    """Members ``s_axil_*`` of an AXI4-Lite slave."""
    table: list[tuple[str, Flow, int]] = []
    for channel in ("aw", "ar"):
        table += [(f"{channel}addr", In, REGISTER_ADDRESS_WIDTH), (f"{channel}prot", In, 3)]
        table += [(f"{channel}valid", In, 1), (f"{channel}ready", Out, 1)]
    table += [("wdata", In, REGISTER_WIDTH), ("wstrb", In, REGISTER_WIDTH // 8)]
    table += [("wvalid", In, 1), ("wready", Out, 1)]
    table += [("bresp", Out, 2), ("bvalid", Out, 1), ("bready", In, 1)]
    table += [("rdata", Out, REGISTER_WIDTH), ("rresp", Out, 2)]
    table += [("rvalid", Out, 1), ("rready", In, 1)]
    return _members("s_axil_", table)


def connect(
    m: Module,
    outer: wiring.Component,
    inner: wiring.Component,
    members: Mapping[str, Member],
) -> None:
    """Pass the ports `members` of a part on as those of the component that holds it."""
    for name, member in members.items():
        ends = getattr(outer, name), getattr(inner, name)
        target, source = ends if member.flow == Out else ends[::-1]
        m.d.comb += target.eq(source)


def ask_burst(m: Module, component: wiring.Component, channel: str, bursts: wiring.Component):
    """Drive what a channel of addresses says of the burst that `bursts` has next."""
    size = component.design.beat_bytes.bit_length() - 1
    fields = {"addr": bursts.o_address, "len": bursts.o_length, "size": size}
    fields |= {"burst": INCREMENTING, "cache": NORMAL_MEMORY, "id": 0, "prot": 0}
    for name, value in fields.items():
        m.d.comb += getattr(component, f"m_axi_{channel}{name}").eq(value)
