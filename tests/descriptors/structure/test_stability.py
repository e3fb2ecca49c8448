"""Energies between relaxed crystals: reactions balance, and a series on a line reacts with no energy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from perospin.cli.main import app
from perospin.descriptors.structure.relaxing import (
    EngineError,
    packing_error,
    reaction_spread,
    reactions,
    trust_known,
    trust_reactions,
)

SERIES = {1: "(4AMP)PbI4", 2: "(4AMP)(MA)Pb2I7", 3: "(4AMP)(MA)2Pb3I10"}
NUMBERS = st.floats(-100.0, 100.0)


def row(material: str, energy_ev: float, **other: Any) -> dict[str, Any]:
    """One lowest minimum; energy of a formula unit with one spacer, or of a 3D perovskite."""
    told = {"material": material, "file": f"{material}.cif", "energy_ev_per_unit": energy_ev, "rank": 1, "remark": ""}
    return told | {"engine": "E", "version": "1", "dispersion": "none"} | other


@given(start=NUMBERS, slope=NUMBERS, bend=st.floats(-1.0, 1.0))
def test_a_series_on_a_line_reacts_with_no_energy(start: float, slope: float, bend: float) -> None:
    ranked = pd.DataFrame([row(m, start + slope * n - (bend if n == 2 else 0.0)) for n, m in SERIES.items()])
    found = reactions(ranked)
    assert found["reaction"].tolist() == ["2 (4AMP)(MA)Pb2I7 -> (4AMP)PbI4 + (4AMP)(MA)2Pb3I10"]
    # what n = 2 lies below the line, over its two metals
    assert found["energy_mev_per_metal"].iloc[0] == pytest.approx(1000 * bend / 2, abs=1e-6)


@given(layer=NUMBERS, solid=NUMBERS, bend=st.floats(-1.0, 1.0))
def test_the_3d_perovskite_takes_part(layer: float, solid: float, bend: float) -> None:
    rows = [row(SERIES[1], layer), row("MAPbI3", solid), row(SERIES[3], layer + 2 * solid - bend)]
    found = reactions(pd.DataFrame(rows))
    assert found["reaction"].tolist() == ["(4AMP)(MA)2Pb3I10 -> (4AMP)PbI4 + 2 MAPbI3"]
    assert found["energy_mev_per_metal"].iloc[0] == pytest.approx(1000 * bend / 3, abs=1e-6)


def test_energies_are_per_formula_unit_where_there_are_two_spacers() -> None:
    # energies come per spacer: a formula unit has two
    rows = [row("(BA)2PbI4", -5.0), row("(BA)2(MA)Pb2I7", -9.0), row("MAPbI3", -7.0)]
    found = reactions(pd.DataFrame(rows))
    assert found["energy_mev_per_metal"].tolist() == pytest.approx([1000 * (-10.0 - 7.0 + 18.0) / 2])


@pytest.mark.parametrize(
    "other",
    [
        row("(4AMP)(FA)Pb2I7", 1.0),  # another cage
        row("(3AMP)(MA)Pb2I7", 1.0),  # another spacer
        row("(4AMP)(MA)Pb2Br7", 1.0),  # another halide
        row(SERIES[2], 1.0, engine="F"),
        row(SERIES[2], 1.0, remark="no layers: the network is 1D"),
        row(SERIES[2], 1.0, rank=2),
    ],
)
def test_what_does_not_belong_together_does_not_react(other: dict[str, Any]) -> None:
    assert reactions(pd.DataFrame([row(SERIES[1], 0.0), row(SERIES[3], 0.0), other])).empty


def test_the_shipped_table_balances_and_its_spread_is_told() -> None:
    table = trust_reactions()
    number, apart = reaction_spread()
    assert number == table["reaction"].nunique() >= 3
    assert apart > 0
    assert packing_error("SevenNet-0").n_materials >= 3
    assert packing_error("no such engine").n_materials == 0


@pytest.mark.parametrize(
    ("starts", "lower", "largest"),
    [
        ([(-20.0, True), (-10.0, False)], 0, 0.0),  # the crystal's own packing
        ([(-20.0, True), (-30.0, False)], 1, 10.0),
        ([(2.0, True), (-8.0, False)], 1, 8.0),
        ([(-3.0, False), (9.0, False)], 0, 0.0),
    ],
)
def test_only_another_packing_below_the_crystal_is_an_error_of_the_engine(monkeypatch, starts, lower, largest) -> None:
    from perospin.descriptors.structure.relaxing import trust_table

    told = {"engine": "E", "converged": True, "built": "(BA)2PbI4", "looked_at": False}
    rows = [{**told, "above_known_mev_per_spacer": e, "same_packing": same} for e, same in starts]
    monkeypatch.setattr(trust_table, "trust_built", lambda: pd.DataFrame(rows))
    found = packing_error("E")
    assert (found.n_materials, found.n_lower, found.largest_mev) == (1, lower, pytest.approx(largest))
    assert found.n_first == starts[0][1] * (starts[0][0] < starts[1][0])


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["crystal", "stability", str(tmp_path)])
    assert done.exit_code != 0
    assert "holds no result" in done.output + str(done.exception)


@given(value=st.floats(5.0, 50.0), mean=st.floats(-10, 10), sd=st.floats(0.1, 5), n=st.integers(3, 40))
def test_the_mean_error_is_taken_off(value: float, mean: float, sd: float, n: int) -> None:
    for relative in (True, False):
        error = EngineError(mean, sd, 0.0, 0.0, n, relative)
        middle, low, high = error.corrected(value)
        assert low < middle < high
        # the engine's answer for such a crystal is the value again
        assert (middle * (1 + mean / 100) if relative else middle + mean) == pytest.approx(value)
        wider = error.corrected(value, 0.99)
        assert wider[1] < low
        assert wider[2] > high


def test_intervals_of_new_crystals_hold_what_they_say() -> None:
    """Each known crystal, with the errors of the others: about 90 % lie inside."""
    table = trust_known()
    errors = table.loc[table["engine"] == "SevenNet-0", "spacing_error_percent"].to_numpy()
    inside = []
    for k, own in enumerate(errors):
        others = np.delete(errors, k)
        error = EngineError(others.mean(), others.std(ddof=1), 0.0, 0.0, len(others), True)
        _, low, high = error.corrected(1 + own / 100)
        inside.append(low <= 1.0 <= high)
    assert 0.75 <= np.mean(inside) <= 1.0
