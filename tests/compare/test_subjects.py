"""Rows of a comparison by their names."""

from __future__ import annotations

import pytest

from afp_hw.compare.subjects import DEFAULT_FORMATS, QUICK_FORMATS, Subject, parse_subject
from afp_hw.design import Design
from afp_hw.formats import AFPFormat, FloatFormat, IntFormat


@pytest.mark.parametrize("name", [*DEFAULT_FORMATS, *QUICK_FORMATS, "fp16", "tf32", "fp8e5m2"])
def test_names_come_back(name: str) -> None:
    subject = parse_subject(name)
    assert subject.name == name
    assert subject.weights == subject.acts


def test_pairs_lanes_and_aliases() -> None:
    mixed = parse_subject("e3m1/ue3m2", 4)
    assert mixed == Subject(AFPFormat(3, 1), AFPFormat(3, 2, signed=False), 4)
    assert mixed.name == "e3m1/ue3m2 x4"
    assert mixed.split is None
    assert parse_subject(" E3M1 / e3m1 ").split == (3, 1)
    assert parse_subject("fp8").name == "fp8e4m3"
    assert parse_subject("int8").split is None


def test_floats_have_one_lane_and_no_design() -> None:
    subject = parse_subject("bf16", 8)
    assert subject.lanes == 1
    found = subject.design(1024)
    assert isinstance(found, tuple)
    assert all(isinstance(fmt, FloatFormat) for fmt in found)
    design = parse_subject("int5", 2).design(64)
    assert isinstance(design, Design)
    assert (design.weights, design.lanes, design.k) == (IntFormat(5), 2, 64)


@pytest.mark.parametrize("name", ["", "e3", "e3m1/int8", "e3m1/e3m1/e3m1", "posit8", "int8/fp32"])
def test_what_is_no_row_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_subject(name)
