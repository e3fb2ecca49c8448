"""A space says how much it holds, lists it, and tells what lies outside."""

from __future__ import annotations

import itertools
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import NavigationError
from perospin.navigation.space.rules import Rule
from perospin.navigation.space.space import Space

MIXED = {
    "name": "films",
    "materials": {"spacers": ["PEA", "BA"], "a_cations": ["MA"], "halides": ["I", "Br"], "layers": [1, 2]},
    "fractions": {"solvent": {"components": ["DMF", "DMSO", "NMP"], "step": 0.25, "most": 2}},
    "variables": {
        "temperature_c": {"low": 80, "high": 120, "step": 20, "unit": "C"},
        "antisolvent": {"values": ["toluene", "none"]},
    },
}


def test_the_size_is_told_before_anything_is_listed_and_is_what_is_listed() -> None:
    space = Space.from_dict(MIXED)
    n_mixtures = comb(4 + 2, 2) - 3  # three of the 15 points hold all three solvents
    assert space.size == space.count == 8 * n_mixtures * 3 * 2
    listed = list(space.candidates())
    assert len({one.name for one in listed}) == len(listed) == space.size
    for one in listed:
        assert sum(one.choices[f"solvent:{s}"] for s in ("DMF", "DMSO", "NMP")) == pytest.approx(1)


def test_candidates_become_numbers_within_the_columns_ranges() -> None:
    space = Space.from_dict(MIXED)
    inputs, columns = space.encode(space.sample(40, np.random.default_rng(0)))
    assert inputs.shape == (40, len(columns))
    assert (inputs >= np.array(columns.lower) - 1e-9).all()
    assert (inputs <= np.array(columns.upper) + 1e-9).all()
    assert {"descriptor", "fraction", "continuous", "category"} == set(columns.kinds)
    assert np.array_equal(columns.checked(inputs), inputs)


def test_what_was_measured_is_found_and_what_lies_outside_is_named() -> None:
    space = Space.from_dict(MIXED)
    choices = {
        "material": "(PEA)2PbI4", "solvent:DMF": 0.41, "solvent:DMSO": 0.59, "solvent:NMP": 0.0,
        "temperature_c": "93.5", "antisolvent": "none",
    }  # fmt: skip
    assert space.find(choices).choices["temperature_c"] == 93.5
    for change, said in (
        ({"material": "(HA)2PbI4"}, "lies outside"),
        ({"temperature_c": 300}, "lies outside 80 to 120 C"),
        ({"temperature_c": "warm"}, "needs a number"),
        ({"antisolvent": "water"}, "isn't in the space"),
        ({"solvent:DMF": 0.9}, "sum to 1"),
        ({"temprature_c": 1}, "did you mean temperature_c"),
        ({"material": "nonsense"}, "nonsense"),
    ):
        with pytest.raises(NavigationError, match=said):
            space.find({**choices, **change})


def test_rules_are_obeyed_and_read_only_what_there_is() -> None:
    rule = {"rule": "spacer_molar_mass_g_mol > 100 or temperature_c < 100", "why": "light spacers melt"}
    space = Space.from_dict({**MIXED, "rules": [rule]})
    assert 0 < space.count < space.size
    for one in itertools.islice(space.candidates(), 200):
        assert "PEA" in one.choices["material"] or one.choices["temperature_c"] < 100
    with pytest.raises(NavigationError, match="did you mean temperature_c"):
        Space.from_dict({**MIXED, "rules": [{"rule": "temprature_c < 100"}]})
    with pytest.raises(NavigationError, match="no candidate"):
        Space.from_dict({**MIXED, "rules": [{"rule": "temperature_c > 500"}]}).sample(3, np.random.default_rng(0))


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('x')", "a.b < 1", "[x for x in y]", "lambda: 1", "x[0] < 1", "open('f')", "(x := 2) > 1",
     "f'{x}' == 'a'", "x < ", "9**9**9 > 1", "1 if x else 2", "min(x, key=y) > 1", "x" * 400],
)  # fmt: skip
def test_a_rule_is_no_program(text: str) -> None:
    with pytest.raises(NavigationError):
        Rule(text)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_rules_calculate_as_people_do(x: float, y: float) -> None:
    assert Rule("x + 2 * y <= 3 and not x > y").holds({"x": x, "y": y}) == (x + 2 * y <= 3 and x <= y)
    assert not Rule("x < 1").holds({"x": float("nan")})
    assert not Rule("x < 1").holds({})


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        "[materials]\nspacer = ['PEA']\n[fractions.mix]\ncomponents = ['A', 'B']\nstep = 0.3\n"
        "[variables.t]\nlow = 5\nhigh = 1\n"
    )
    with pytest.raises(NavigationError) as caught:
        Space.load(file)
    assert all(part in str(caught.value) for part in ("materials.spacer", "doesn't divide 1", "low < high"))
    file.write_text("[materials]\nspacers = ['PEEA']\n")
    with pytest.raises(NavigationError, match="PEA"):
        Space.load(file)
    for text in ("", "\0garbage", "[materials"):
        file.write_text(text)
        with pytest.raises(NavigationError):
            Space.load(file)
    with pytest.raises(NavigationError, match="no space file"):
        Space.load(tmp_path / "missing.toml")


def test_a_space_is_what_its_declaration_says() -> None:
    space = Space.from_dict({**MIXED, "rules": [{"rule": "temperature_c < 110"}]})
    again = Space.from_dict(space.to_dict())
    assert again.declared == space.declared
    assert again.count == space.count
