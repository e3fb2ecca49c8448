"""Sourced devices compared."""

from __future__ import annotations

import pytest

from perospin.cli import main
from perospin.database import select_records
from perospin.detectors import one_energy, pair_creation_energy, rank_devices, tube_beam, write_ranking
from perospin.errors import DataError


@pytest.fixture(scope="module")
def ranking():
    return rank_devices(tube_beam(50.0, [("Al", 2.0)]), 1.0)


def test_every_sourced_sensitivity_is_ranked_or_named(ranking):
    told = [d.record_id for d in (*ranking.with_field, *ranking.self_powered)] + [row[0] for row in ranking.left_out]
    known = [r.record_id for r in select_records(["xray_sensitivity"], include_unknown=True)]
    assert sorted(told) == sorted(known)
    assert all(row[3] for row in ranking.left_out)


def test_the_order_is_that_of_the_merit(ranking):
    merits = [d.merit_mm_v for d in ranking.with_field]
    assert merits == sorted(merits, reverse=True)
    assert all(d.field_v_mm > 0 for d in ranking.with_field)
    assert all(d.field_v_mm == 0 for d in ranking.self_powered)


def test_one_device_by_hand(ranking):
    # CsPbBr3, 2360.1 uC/Gy/cm2 at 20 V/mm, gap 2.27 eV
    found = next(d for d in ranking.with_field if d.sensitivity_uc_gy_cm2 == pytest.approx(2360.1))
    fluence_j = tube_beam(50.0, [("Al", 2.0)]).energy_fluence_j_cm2_gy
    ideal = 1e6 * fluence_j * found.attenuated / pair_creation_energy(2.27)
    assert found.over_ideal == pytest.approx(2360.1 / ideal, rel=1e-6)
    assert found.merit_mm_v == pytest.approx(2360.1 / ideal / 20.0, rel=1e-6)


def test_an_unknown_gap_is_told_with_its_range(ranking):
    open_ones = [d for d in (*ranking.with_field, *ranking.self_powered) if "not measured" in d.gap]
    assert open_ones
    assert all(d.low < d.over_ideal < d.high for d in open_ones)


def test_the_page_tells_beam_and_reasons(ranking, tmp_path):
    page = tmp_path / "page.html"
    write_ranking(ranking, page)
    text = page.read_text(encoding="utf-8")
    for told in ("50 kV", "the field is not stated", "Self-powered", "data:image/png"):
        assert told in text


def test_the_command(capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["detector", "compare", "--energy", "40", "--out", str(tmp_path / "page.html")])
    assert end.value.code == 0
    assert "not ranked" in capsys.readouterr().out


def test_a_wrong_thickness_or_energy_is_refused():
    with pytest.raises(DataError, match="thickness"):
        rank_devices(one_energy(40.0), -1.0)
    with pytest.raises(DataError, match="keV"):
        one_energy(4e4)
