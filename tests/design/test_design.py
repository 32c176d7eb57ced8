"""Design: derived widths against brute force, refusals as whole sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afp_hw import AFPFormat
from afp_hw.design import Design
from afp_hw.formats import IntFormat
from afp_hw.golden import to_fix_scalar

E3M1, E3M2 = AFPFormat(3, 1), AFPFormat(3, 2)


def formats(n_exp: int, n_man: int) -> st.SearchStrategy[AFPFormat]:
    """Formats of hardware, small enough to run through all their codes."""
    fields = st.tuples(st.integers(0, n_exp), st.integers(0, n_man), st.booleans())
    return fields.filter(lambda f: f[0] + f[1]).map(lambda f: AFPFormat(*f))


def fits(value: int, width: int) -> bool:
    """Whether `value` is a two's complement number of `width` bits."""
    return -(1 << (width - 1)) <= value < 1 << (width - 1)


@given(formats(3, 3), formats(3, 3), st.integers(1, 5000), st.integers(1, 9))
def test_widths_hold_every_code_and_no_more(
    weights: AFPFormat, acts: AFPFormat, k: int, lanes: int
) -> None:
    design = Design(weights, acts, k=k, lanes=lanes)
    largest = {
        fmt: max(abs(to_fix_scalar(code, fmt)) for code in range(1 << fmt.width))
        for fmt in (weights, acts)
    }
    product = largest[weights] * largest[acts]
    assert product == design.max_product
    assert product < 1 << design.product_width <= 2 * product or product == 0
    assert fits(k * product, design.pe_acc_width)
    assert not fits(k * product, design.pe_acc_width - 1)
    least = product if design.negates_early else product + 1
    assert fits(-lanes * least, design.lane_sum_width)
    assert fits(lanes * product, design.lane_sum_width)
    narrow = design.lane_sum_width - 1
    assert not fits(-lanes * least, narrow) or not fits(lanes * product, narrow)
    total = k * product + design.init_bound
    assert fits(total, design.acc_width)
    assert not fits(total, design.acc_width - 1)


def test_the_default_init_is_one_product_bound() -> None:
    design = Design(E3M1, E3M2, k=10)
    assert design.init_bound == design.max_product == 192 * 448
    assert Design(E3M1, E3M2, k=10, init_max=0).init_width == 0


def test_names_say_what_differs_from_the_default() -> None:
    unsigned = E3M2.as_unsigned()
    assert Design(E3M1, unsigned, k=1024).pe_name == "pe_e3m1_ue3m2_k1024"
    special = Design(E3M1, E3M2, k=9, lanes=4, registers=("sum",), rows=2, cols=3)
    assert special.pe_name == "pe_e3m1_e3m2_k9_l4_rs"
    assert special.array_name == "array_2x3_e3m1_e3m2_k9_l4_rs"
    every = Design(
        IntFormat(8),
        IntFormat(4),
        lanes=3,
        registers=("sum", "tree", "product", "significand"),
        decode="edge",
        gate_zeros=False,
        segments=(4, 5),
        multiplier="compressed",
        sum_max=1 << 20,
    )
    assert every.pe_name == "pe_int8_int4_k4608_l3_rgpts_edge_ungated_s4x5_compressed_a22"
    assert Design(E3M1, E3M2, init_max=0).array_name == "array_1x1_e3m1_e3m2_k4608_i0"


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"k": 0}, "Design.k must be in 1..1048576, not 0"),
        ({"rows": 0}, "Design.rows must be in 1..256, not 0"),
        ({"rows": 10**6}, "Design.rows must be in 1..256, not 1000000"),
        ({"cols": -1}, "Design.cols must be in 1..256, not -1"),
        ({"lanes": 65}, "Design.lanes must be in 1..64, not 65"),
        (
            {"registers": ("sum", "adder")},
            "Design.registers must be some of significand, product, tree, sum, each once, "
            "not ['sum', 'adder']",
        ),
        (
            {"registers": ("tree",), "lanes": 2},
            "Design.registers must not name 'tree' for fewer than 3 lanes, not 2",
        ),
        ({"decode": "both"}, "Design.decode must be one of edge, pe, not 'both'"),
        (
            {"multiplier": "booth"},
            "Design.multiplier must be one of operator, compressed, not 'booth'",
        ),
        ({"sum_max": 0}, "Design.sum_max must be in 1..2**96 - 1, not 0"),
        (
            {"segments": (0,)},
            "Design.segments must be in 1..30, not 0",
        ),
        (
            {"segments": (7, 4), "sum_max": 1000},
            "Design.segments must leave a bit of the 11 of the accumulator, not be [7, 4]",
        ),
        (
            {"acts": IntFormat(8)},
            "Design.weights and acts must both be AFP or both integers, not 'e3m1' and 'int8'",
        ),
        ({"init_max": -1}, "Design.init_max must be in 0..2**96 - 1, not -1"),
        (
            {"weights": AFPFormat(6, 1)},
            "Design.weights must have n_exp in 0..5 and n_man in 0..10 in hardware, not 'e6m1'",
        ),
        (
            {"outs": AFPFormat(3, 11)},
            "Design.outs must have n_exp in 0..5 and n_man in 0..10 in hardware, not 'e3m11'",
        ),
    ],
)
def test_refused_values(parameters: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match="Design") as caught:
        Design(**{"weights": E3M1, "acts": E3M2, **parameters})
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"k": 3.0}, "Design.k must be an integer, not 3.0"),
        ({"rows": True}, "Design.rows must be an integer, not True"),
        ({"gate_zeros": 1}, "Design.gate_zeros must be a bool, not 1"),
        ({"acts": "e3m2"}, "Design.acts must be an AFPFormat or IntFormat, not 'e3m2'"),
        ({"init_max": "x"}, "Design.init_max must be an integer, not 'x'"),
    ],
)
def test_refused_kinds(parameters: dict[str, object], sentence: str) -> None:
    with pytest.raises(TypeError) as caught:
        Design(**{"weights": E3M1, "acts": E3M2, **parameters})
    assert str(caught.value) == sentence
