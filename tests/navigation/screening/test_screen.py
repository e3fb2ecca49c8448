"""Screening ranks in domain first, by what was asked, and says what it can't tell."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from perospin.errors import NavigationError, PerospinError
from perospin.navigation import Space, screen
from perospin.navigation.screening.page import page
from perospin.navigation.screening.screen import _farthest, _fronts
from perospin.studies import Study

SPACERS = ["PEA", "BA", "3AMP", "EOA", "HDA", "HA"]


@pytest.fixture(scope="module")
def space() -> Space:
    return Space.from_dict({"materials": {"spacers": SPACERS, "a_cations": ["MA"], "layers": [1, 2]}})


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.load("spin-relaxation")


def test_values_are_those_of_predict_and_the_order_is_what_was_asked(space: Space, study: Study) -> None:
    found = screen(space, study, top=20, objectives=("min", "min molar_mass_g_mol"))
    table = found.table
    assert found.n_screened == len(table) == 12
    assert found.n_in_domain == int(table["in_domain"].sum())
    for formula in ("(3AMP)PbI4", "(HDA)PbI4"):
        one, row = study.predict(formula), table.set_index("formula").loc[formula]
        assert row["value"] == pytest.approx(one.value, rel=1e-9)
        assert [row["low"], row["high"]] == pytest.approx([one.low, one.high], rel=1e-9)
        assert row["in_domain"] == one.in_domain
        assert row["known"] == one.known
    inside = table[table["in_domain"]]
    assert inside["high"].is_monotonic_increasing
    assert not table["in_domain"].iloc[len(inside) :].any()
    assert ((table["chance_to_beat"] >= 0) & (table["chance_to_beat"] <= 1)).all()
    assert (table["front"] == 1).any()
    by_value = screen(space, study, rank="value").table
    assert by_value[by_value["in_domain"]]["value"].is_monotonic_increasing
    drawn = page(found)
    assert drawn.count("<svg") == 12
    assert not re.search(r"(src|href)=|@import|url\(", drawn)  # nothing is fetched


def test_a_diverse_list_differs_more(space: Space, study: Study) -> None:
    plain, diverse = (screen(space, study, top=4, diverse=choice) for choice in (False, True))
    assert "as far as can be" in diverse.chosen

    def least(table: object) -> float:
        points = screen(space, study, top=20).table.set_index("formula")
        columns = points.columns[list(points.columns).index("front") + 1 :]
        scaled = (points[columns] - points[columns].mean()) / points[columns].std().replace(0, 1)
        chosen = scaled.loc[table["formula"]].to_numpy(dtype=float)  # type: ignore[index]
        away = np.linalg.norm(chosen[:, None] - chosen[None], axis=2)
        return float(away[np.triu_indices(len(chosen), 1)].min())

    assert least(diverse.table) >= least(plain.table) - 1e-9


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=25))
def test_no_member_of_the_first_front_is_beaten(points: list[tuple[int, int]]) -> None:
    merits = np.array(points, dtype=float)
    front = _fronts(merits)
    beaten = [
        any((other >= one).all() and (other > one).any() for other in merits) for one in merits
    ]  # fmt: skip
    assert [number > 1 for number in front] == beaten


def test_the_farthest_points_are_taken() -> None:
    assert _farthest(np.array([[0.0], [0.1], [1.0], [0.5]]), 3) == [0, 2, 3]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"objectives": ("least",)}, "must begin with min or max"),
        ({"objectives": ("min molar_mass",)}, "did you mean"),
        ({"rank": "mean"}, "none of bound, chance, value"),
        ({"beat": "(HDA)PbI4"}, "not measured in the study"),
        ({"top": 0}, "at least 1"),
    ],
)
def test_what_makes_no_sense_is_said(space: Space, study: Study, more: dict[str, object], said: str) -> None:
    with pytest.raises(NavigationError, match=said):
        screen(space, study, **more)  # type: ignore[arg-type]


def test_the_command_takes_a_cation_of_ones_own(tmp_path: Path) -> None:
    from perospin.cli.main import app

    out = tmp_path / "own.csv"
    options = ["--ion", "X1=FCCC[NH3+]", "--out", str(out)]
    run = CliRunner().invoke(app, ["screen", "--spacers", "PEA,X1", *options])
    assert run.exit_code == 0, run.output
    assert "2 materials in the space" in run.stderr
    assert "(X1)2PbI4" in out.read_text()
    assert "isn't a valid SMILES" in str(
        CliRunner().invoke(app, ["screen", "--spacers", "X1", "--ion", "X1=rubbish"]).exception
    )


def test_the_command_writes_and_refuses(tmp_path: Path) -> None:
    from perospin.cli.main import app

    out = tmp_path / "t.json"
    run = CliRunner().invoke(app, ["screen", "--spacers", "PEA,3AMP", "--out", str(out), "--top", "2"])
    assert run.exit_code == 0, run.output
    assert "(3AMP)PbI4" in run.output
    assert len(json.loads(out.read_text())["rows"]) == 2
    for arguments in (["screen"], ["screen", "--spacers", "PEA", "--layers", "one"], ["screen", "missing.toml"]):
        assert CliRunner().invoke(app, arguments).exit_code != 0


def test_values_without_an_end_are_shown_and_written(space: Space, study: Study, tmp_path: Path) -> None:
    import dataclasses

    from perospin.cli.screen import _print, _write

    found = screen(space, study, top=3)
    table = found.table.copy()
    table.loc[0, ["low", "high"]] = [0.0, np.inf]  # too few rows for the level
    table.loc[1, ["value", "low", "high", "chance_to_beat"]] = np.nan  # a material that the model can't read
    open_ended = dataclasses.replace(found, table=table)
    rows = table.to_dict("records")
    assert open_ended.shown(rows[0])[1:] == (0.0, np.inf)
    assert np.isnan(open_ended.shown(rows[1])[0])
    _print(open_ended)
    assert "nan" not in page(open_ended)
    _write(open_ended, tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text())["rows"][0]["high"] is None


def test_a_study_that_needs_conditions_is_not_screened(space: Space) -> None:
    with pytest.raises(PerospinError, match="several quantities"):
        screen(space, "lifetimes")
