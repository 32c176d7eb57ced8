"""Recipes: what is read, and what is refused with which sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from afp_hw import AFPFormat
from afp_hw.design import (
    AcceleratorDesign,
    Design,
    load_accelerator,
    load_recipe,
    parse_accelerator,
    parse_recipe,
)

RECIPES = Path(__file__).parents[2] / "gen"


def test_a_recipe_is_a_design() -> None:
    text = '[design]\nweights = "e3m1"\nacts = "ue3m2"\nrows = 4\nk = 64\nouts = "e4m3"\n'
    expected = Design(
        AFPFormat(3, 1), AFPFormat(3, 2, signed=False), rows=4, k=64, outs=AFPFormat(4, 3)
    )
    assert parse_recipe(text) == expected


def test_the_recipes_of_the_project_are_valid() -> None:
    paths = sorted(RECIPES.glob("*.toml"))
    assert paths
    for path in paths:
        assert isinstance(load_recipe(path), Design)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[design]\nweights = 'e3m1'\nacts = 'e3m2'\nrow = 2\n", "did you mean 'rows'"),
        ("[desing]\n", "did you mean 'design'"),
        ("", "must have a table [design]"),
        ("design = 3\n", "must have a table [design], not 3"),
        ("[design]\nweights = 'e3m1'\n", "must have the key 'acts'"),
        ("[design\n", "recipe must be TOML"),
        ("[design]\nweights = 'e3m1'\nacts = 'e3m2'\nk = 0\n", "Design.k must be in 1.."),
        ("[design]\nweights = 'x'\nacts = 'e3m2'\n", "AFPFormat must be written like 'e3m1'"),
    ],
)
def test_refused_recipes(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(part)) as caught:
        parse_recipe(text)
    assert "\n" not in str(caught.value)


def test_a_value_of_the_wrong_kind_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"AFPFormat.parse must be given a string, not 3"):
        parse_recipe("[design]\nweights = 3\nacts = 'e3m2'\n")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"^x.toml must be TOML in UTF-8, not binary$"):
        load_recipe(path)


ARRAY = '[design]\nweights = "e3m1"\nacts = "ue3m2"\nrows = 4\ncols = 2\n'


def test_an_accelerator_has_a_second_table() -> None:
    text = f"{ARRAY}[accelerator]\ndata_width = 64\nact_bytes = 4096\n"
    array = parse_recipe(ARRAY)
    assert parse_accelerator(text) == AcceleratorDesign(array, data_width=64, act_bytes=4096)
    assert parse_recipe(text) == array


def test_the_accelerators_of_the_project_are_valid() -> None:
    paths = sorted(RECIPES.glob("accelerator*.toml"))
    assert paths
    for path in paths:
        assert load_accelerator(path).array == load_recipe(path)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (ARRAY, "recipe must have a table [accelerator], not None"),
        (f"{ARRAY}[acelerator]\n", "did you mean 'accelerator'"),
        (f"{ARRAY}[accelerator]\nact_byte = 1\n", "did you mean 'act_bytes'"),
        (f"{ARRAY}[accelerator]\narray = 1\n", "recipe [accelerator] must have keys among"),
        (f"{ARRAY}[accelerator]\npixels = 1\n", "AcceleratorDesign.pixels must be in 4..65536"),
        ("[accelerator]\n", "recipe must have a table [design]"),
    ],
)
def test_refused_accelerators(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(part)) as caught:
        parse_accelerator(text)
    assert "\n" not in str(caught.value)
