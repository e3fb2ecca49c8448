from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.database import Conditions, Record, Source, Store, load_records
from perospin.descriptors import MEASURED_DESCRIPTIONS, MeasuredTable, describe
from perospin.descriptors.measured import SOURCE_COLUMNS, STRUCTURAL, measured_rows

BINDING = "measured_exciton_binding_energy_mev"


@pytest.fixture(autouse=True)
def _no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "none.sqlite"))


def record(property: str, value: float, unit: str, **other: Any) -> Record:
    conditions = {k: other.pop(k) for k in list(other) if k in ("temperature_k", "phase", "form", "size_nm")}
    author = other.pop("author", "Me")
    return Record.measured(
        "(HA)2PbI4", property, value, unit, Source(first_author=author), conditions=Conditions(**conditions), **other
    )


def table(*records: Record) -> MeasuredTable:
    store = Store.open(":memory:")
    store.add(records)
    return MeasuredTable(store)


def binding(*records: Record) -> Any:
    return next(v for v in table(*records).values("(HA)2PbI4") if v.column == BINDING)


def eb(value: float, **other: Any) -> Record:
    return record("exciton_binding_energy", value, "meV", **other)


def test_median_and_range_of_equal_records() -> None:
    found = binding(eb(200), eb(300), eb(370))
    assert (found.value, found.lowest, found.highest, len(found.records), found.left_out) == (300, 200, 370, 3, 0)
    assert (found.kind, found.temperature) == ("stated", "not stated")


def test_stated_before_estimated_before_bounds() -> None:
    everything = [eb(1, limit="upper"), eb(2, estimated=True), eb(3)]
    assert [binding(*everything[: n + 1]).value for n in range(3)] == [1, 2, 3]
    assert [binding(*everything[: n + 1]).kind for n in range(3)] == ["bound", "estimated", "stated"]
    assert binding(*everything).left_out == 2


def test_room_temperature_before_none_before_the_nearest_other() -> None:
    cold = [eb(1, temperature_k=4), eb(2, temperature_k=200), eb(3, temperature_k=200)]
    assert binding(*cold).value == 2.5
    assert binding(*cold).temperature == "200 K"
    assert binding(*cold, eb(5)).value == 5
    warm = binding(*cold, eb(5), eb(8, temperature_k=295), eb(9, temperature_k=300))
    assert (warm.value, warm.temperature) == (8.5, "room temperature")


def test_extended_crystals_before_nanocrystals_but_after_quality() -> None:
    assert binding(eb(9, form="nanocrystals"), eb(8, size_nm=5.0), eb(3, form="film")).value == 3
    assert binding(eb(9, size_nm=5.0), eb(3, estimated=True)).value == 9


def test_other_polymorphs_and_theory_do_not_count() -> None:
    empty = table(eb(9, phase="delta (yellow, non-perovskite)"), eb(8, theory=True))
    assert empty.values("(HA)2PbI4") == ()
    frame = describe(["CsPbI3"], measured=True)
    assert set(MEASURED_DESCRIPTIONS) <= set(frame.columns)
    assert math.isnan(frame["measured_lattice_a_a"].iloc[0])


@given(st.permutations([eb(1), eb(2), eb(7), eb(9, temperature_k=10), eb(11, estimated=True)]))
def test_the_order_of_records_does_not_matter(records: list[Record]) -> None:
    assert binding(*records).value == 2


def test_a_cell_is_one_determination() -> None:
    def cell(a: float, temperature_k: float | None, z: float | None = None, author: str = "A") -> list[Record]:
        other = {"author": author} | ({} if temperature_k is None else {"temperature_k": temperature_k})
        edges = [record(f"lattice_{x}", a * k, "Angstrom", **other) for x, k in (("a", 1), ("b", 1), ("c", 3))]
        angles = [record(f"lattice_{x}", 90, "deg", **other) for x in ("alpha", "beta", "gamma")]
        units = [] if z is None else [record("formula_units_per_cell", z, "1", **other)]
        return [*edges, *angles, *units]

    values = {v.column: v for v in table(*cell(9.0, 100), *cell(8.0, 298, 4, "B")).values("(HA)2PbI4")}
    assert values["measured_lattice_a_a"].value == 8
    assert values["measured_lattice_c_a"].value == 24
    assert values["measured_cell_volume_a3"].value == pytest.approx(8 * 8 * 24)
    assert values["measured_volume_per_metal_a3"].value == pytest.approx(8 * 8 * 24 / 4)
    assert {r.source.first_author for v in values.values() for r in v.records} == {"B"}
    # without Z nothing per metal is told
    assert "measured_volume_per_metal_a3" not in {v.column for v in table(*cell(9.0, 100)).values("(HA)2PbI4")}


def test_every_curated_value_can_be_traced_to_its_records() -> None:
    known = load_records(["exciton_binding_energy", "band_gap", "layer_spacing", "lattice_a"], user=False)
    formulas = sorted(set(known["formula"]))
    columns, records, _ = measured_rows(formulas, [False] * len(formulas))
    frame, sources = pd.DataFrame(columns, index=formulas), pd.DataFrame(records)
    assert list(sources.columns) == list(SOURCE_COLUMNS)
    assert set(sources["column"]) <= set(MEASURED_DESCRIPTIONS) == set(frame.columns)
    for column in MEASURED_DESCRIPTIONS:
        told = sources[sources["column"] == column].drop_duplicates("material").set_index("material")["value"]
        pd.testing.assert_series_equal(
            frame[column].dropna().sort_index(), told.sort_index(), check_names=False, check_index_type=False
        )
    read = load_records(user=False)["value"]
    recorded = sources[sources["kind"] != "crystal"]
    assert (recorded["record_value"] == recorded["record_id"].map(read)).all()
    assert frame.loc["MAPbI3", BINDING] == 16  # two magneto-optical values; a bound and a consensus estimate left out
    assert frame.loc["MAPbI3", "measured_log10_exciton_binding_energy"] == pytest.approx(math.log10(16))


def test_geometry_from_different_crystals_is_said() -> None:
    frame = describe(["(BA)2PbI4", "(PEA)2PbI4"], measured=True)
    assert frame.attrs["warnings"] == [
        "(BA)2PbI4: measured geometry is of different crystals or temperatures: layer_spacing_a (room temperature), "
        "metal_halide_metal_angle_deg (not stated)"
    ]


def test_a_given_structure_answers_for_the_geometry() -> None:
    columns, sources, _ = measured_rows(["(BA)2PbI4", "(BA)2PbI4", None], [True, False, False])
    assert columns[BINDING][:2] == [470, 470]
    assert math.isnan(columns["measured_layer_spacing_a"][0])
    assert columns["measured_layer_spacing_a"][1] == 13.785
    assert all(math.isnan(values[2]) for values in columns.values())
    assert set(STRUCTURAL) < set(MEASURED_DESCRIPTIONS)
    assert {s["column"] for s in sources} >= {BINDING, "measured_layer_spacing_a"}


def test_the_users_store_counts(tmp_path: Path) -> None:
    file = tmp_path / "mine.sqlite"
    with Store.open(file) as store:
        store.add([eb(333)])
    frame = describe(["(HA)2PbI4", "MAPbI3"], measured=True, store=file)
    assert frame[BINDING].tolist() == [333, 16]
    assert frame.attrs["sources"][0]["record_id"] == "user-1"


def test_geometry_without_a_record_comes_from_the_crystals_of_the_composition() -> None:
    from perospin.database import load_table

    frame = describe(["(EOA)2PbI4"], measured=True, compute=False)
    crystals = load_table("structures_2d")
    known = crystals[crystals["formula"] == "(EOA)2PbI4"]["layer_spacing_a"]
    assert len(known) > 1
    assert frame["measured_layer_spacing_a"].iloc[0] == pytest.approx(known.median())
    told = [row for row in frame.attrs["sources"] if row["column"] == "measured_layer_spacing_a"]
    assert [row["kind"] for row in told] == ["crystal"]
    assert told[0]["lowest"] == pytest.approx(known.min())
    assert told[0]["doi"] == "10.1039/d5dd00163c"
