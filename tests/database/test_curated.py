from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from loading import load
from perospin.chemistry import Perovskite
from perospin.database import (
    CURATED,
    PROPERTIES,
    Record,
    check_curated,
    curated_records,
    load_records,
    load_table,
    select_records,
)
from perospin.database.query import curated_table
from perospin.database.summary import counts_in, counts_markdown
from perospin.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
CHECKED = check_curated()


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load("scripts/build_database.py")


@pytest.fixture(scope="module")
def by_id() -> dict[str, Record]:
    return {record.record_id: record for record in curated_records()}


@pytest.mark.parametrize("name", CURATED)
def test_each_row_is_valid(name: str) -> None:
    count, issues = CHECKED[name]
    assert [str(issue) for issue in issues] == []
    assert count == len(curated_table(name))


def test_data_md_counts_are_true() -> None:
    assert counts_in(ROOT / "DATA.md") == counts_markdown()


def test_formulae_are_canonical() -> None:
    formulae = {record.formula for record in curated_records() if record.formula}
    assert len(formulae) > 200
    assert {f for f in formulae if str(Perovskite.parse(f)) != f} == set()


@pytest.mark.parametrize(
    ("record_id", "value", "unit"),
    [
        ("spin_lifetimes_layered-002", 25e6, "ps"),
        ("spin_lifetimes_papers-002", 0.12, "ps"),
        ("spin52-002", 0.2, "ps"),
        ("g_factors-023", -1.14, "1"),
        ("excitons-009", 470.0, "meV"),
        ("excitons-050", 33.5, "1"),
        ("chiral_spin-002", 86.0, "%"),
        ("spin_splitting-006", 1.6, "eV*Angstrom"),
        ("structures-005-lattice_c", 32.9952, "Angstrom"),
        ("xray_detectors-004-xray_sensitivity", 2.6e6, "uC/(Gy*cm^2)"),
        ("hoip192-001", 5.3704, "eV"),
    ],
)
def test_spot_checks_against_the_sources(by_id: dict[str, Record], record_id: str, value: float, unit: str) -> None:
    assert by_id[record_id].value == pytest.approx(value)
    assert by_id[record_id].unit == unit


def test_default_queries_leave_out_theory_and_unknown_compositions() -> None:
    everything = select_records(include_unknown=True, include_theory=True, user=False)
    shown = select_records(user=False)
    assert len(everything) == len(curated_records())
    assert {(r.composition, r.theory) for r in shown} == {("known", False)}
    assert len(shown) < len(everything)
    assert all(r.theory for r in curated_table("hoip192"))
    assert {r.record_id for r in curated_table("spin52") if r.composition == "unknown"} == {
        "spin52-016", "spin52-017", "spin52-021", "spin52-038",
    }  # fmt: skip


def test_the_four_lifetimes_stay_apart() -> None:
    names = ["tau_spin", "T1", "T2", "T2_star"]
    frames = {name: load_records(name, include_unknown=True, user=False) for name in names}
    assert all(set(frame["property"]) == {name} for name, frame in frames.items())
    together = load_records(names, include_unknown=True, user=False)
    assert len(together) == sum(len(frame) for frame in frames.values())
    assert set(together["property"]) == set(names)


def test_lifetimes_of_the_52_are_the_inverse_rates() -> None:
    rates = load_table("spin52").set_index("row")["rate_per_ps"]
    for record in curated_table("spin52"):
        row = int(record.record_id.split("-")[1])
        assert record.value == pytest.approx(1 / rates[row])
        assert (record.original_value, record.original_unit) == (rates[row], "1/ps")


def test_gaps_of_the_192_agree_with_their_table() -> None:
    table = load_table("hoip192")
    assert [r.value for r in curated_table("hoip192")] == list(table["gap_ev"])


def test_reviewed_decisions_reached_the_tables(script: ModuleType, by_id: dict[str, Record]) -> None:
    for (table, row), (limit, words) in script.LIMITS.items():
        record = by_id[f"{table}-{row:03d}"]
        assert record.limit == limit
        assert words in record.note
    for (row, column), (limit, words) in script.XRAY_LIMITS.items():
        record = by_id[f"xray_detectors-{row:03d}-{script.XRAY_COLUMNS[column][0]}"]
        assert record.limit == limit
        assert words in record.note
    for (row, column), (sigma, _) in script.XRAY_UNCERTAINTIES.items():
        assert by_id[f"xray_detectors-{row:03d}-{script.XRAY_COLUMNS[column][0]}"].uncertainty == sigma
    for (table, row), (carrier, _) in script.CARRIERS.items():
        assert by_id[f"{table}-{row:03d}"].conditions.carrier == carrier
    for row, (prop, _) in script.PERMITTIVITY.items():
        assert by_id[f"excitons-{row:03d}"].property == prop
    for key in script.UNCERTAIN:
        assert by_id[f"{key[0]}-{key[1]:03d}"].composition == "unknown"


def test_a_note_that_speaks_of_a_bound_is_never_a_plain_value() -> None:
    for record in curated_records():
        if record.note.startswith(("lower bound", "upper limit", "maximum (up to)", "given as up to")):
            assert record.limit != "value", record.record_id


def test_composition_classes_follow_the_reviewed_lists(script: ModuleType) -> None:
    for record in curated_records():
        if record.material in script.OTHER:
            assert record.composition == "other"
        if record.material in script.UNKNOWN:
            assert record.composition == "unknown"
        if record.material in script.READINGS and record.composition == "known":
            assert record.formula == str(Perovskite.parse(script.READINGS[record.material][0]))


def test_a_gap_copied_beside_many_detectors_is_one_record() -> None:
    gaps = [r for r in curated_table("xray_detectors") if r.property == "band_gap" and r.formula == "CsPbBr3"]
    assert [(r.value, r.source.doi) for r in gaps] == [(2.27, "10.1117/12.2676107")]


def test_signs_and_conventions() -> None:
    values = {r.record_id: r for r in curated_records()}
    assert values["spin_lifetimes_papers-001"].conditions.lifetime_convention == "polarisation_decay"
    assert values["spin_lifetimes_papers-003"].conditions.lifetime_convention == "hanle_width"
    assert values["g_factors-008"].value == -0.33


def test_every_record_has_a_source_and_an_origin() -> None:
    for record in curated_records():
        assert record.origin
        assert record.source.doi or record.source.url
        assert record.property in PROPERTIES


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({"property": "T1"}, lambda r: r.property == "T1"),
        ({"material": "CH3NH3PbI3"}, lambda r: r.formula == "MAPbI3"),
        ({"carrier": "hole"}, lambda r: r.conditions.carrier == "hole"),
        ({"evidence": "primary"}, lambda r: r.source.evidence == "primary"),
        ({"technique": "odmr"}, lambda r: "ODMR" in r.conditions.technique),
        ({"source": "Belykh"}, lambda r: r.source.first_author == "Belykh"),
        ({"table": "g_factors"}, lambda r: r.record_id.startswith("g_factors")),
        ({"temperature_k": (None, 10.0)}, lambda r: r.conditions.temperature_k <= 10),
        ({"temperature_k": (290.0, 300.0)}, lambda r: 290 <= r.conditions.temperature_k <= 300),
    ],
)
def test_filters(filters: dict[str, object], passes: object) -> None:
    found = select_records(user=False, **filters)  # type: ignore[arg-type]
    assert found
    assert all(passes(record) for record in found)  # type: ignore[operator]
    assert len(found) < len(select_records(user=False))


def test_material_in_words() -> None:
    found = select_records(material="quantum dots", include_unknown=True, user=False)
    assert found
    assert all("quantum dots" in r.material for r in found)


def test_frame_has_numbers_where_numbers_belong() -> None:
    frame = load_records(user=False, include_unknown=True, include_theory=True)
    assert frame.index.is_unique
    assert frame["value"].notna().all()
    assert str(frame["temperature_k"].dtype) == "float64"
    assert str(frame["year"].dtype) == "Int64"


def test_wrong_names_are_one_sentence() -> None:
    with pytest.raises(DataError, match="did you mean tau_spin"):
        load_records("tau_spn", user=False)
    with pytest.raises(DataError, match="no curated table 'foo'"):
        load_records(table="foo", user=False)
