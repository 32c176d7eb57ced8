"""The C header of a compiled network."""

from __future__ import annotations

from afp_hw.program.network_header import network_header


def test_a_name_does_not_end_a_comment() -> None:
    """Names of tensors are the model's, and may be anything."""
    place = {"address": 0, "bytes": 64, "code_width": 5, "format": "ue3m2", "lsb": -3}
    header = network_header(
        {
            "memory_bytes": 1024,
            "image": {"bytes": 512},
            "input": place | {"name": "in*/int x; /*", "grid": [1, 2, 2]},
            "output": place | {"name": "out*/", "grid": [1, 1, 1]},
            "design": {"design": {"acts": "e3m2", "cols": 4}},
        }
    )
    comments = [line for line in header.splitlines() if line.startswith("/* ")]
    assert any("out" in line for line in comments)
    for line in comments[1:-1]:
        assert line.count("*/") == line.count("/*") == 1, line
