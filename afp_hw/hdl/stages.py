"""Registers between the stages of a pipeline that never stalls."""

from amaranth.hdl import Cat, Signal


def staged(m, name, values):
    """The named values one clock edge later, in registers without a reset.

    Parameters
    ----------
    m
        Module of the pipeline.
    name : str
        Of the stage: registers are ``NAME_KEY``.
    values : dict
    """
    registers = {
        key: Signal(len(value), name=f"{name}_{key}", reset_less=True)
        for key, value in values.items()
    }
    m.d.sync += [registers[key].eq(value) for key, value in values.items()]
    return registers


def pass_valid(m, component):
    """``o_valid`` of a component: its ``i_valid``, ``component.latency`` clock edges later."""
    valids = Signal(component.latency)
    m.d.sync += valids.eq(Cat(component.i_valid, valids[:-1]))
    m.d.comb += component.o_valid.eq(valids[-1])
