from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.chemistry import IonLibrary, Perovskite
from perospin.descriptors import PACKING_DESCRIPTIONS, packing_columns
from perospin.descriptors.packing import bulk_a3, spacer_key
from perospin.errors import DataError


def _row(formula: str) -> dict[str, float]:
    return dict(packing_columns([Perovskite.parse(formula)]).iloc[0])


def test_volumes_of_worked_molecules() -> None:
    # atoms - 5.92 bonds - 14.7 per aromatic ring - 3.8 per other ring, by hand
    assert bulk_a3("C") == pytest.approx(20.58 + 4 * 7.24 - 4 * 5.92)
    assert bulk_a3("c1ccccc1") == pytest.approx(6 * 20.58 + 6 * 7.24 - 12 * 5.92 - 14.7)
    assert bulk_a3("C1CCCCC1") == pytest.approx(6 * 20.58 + 12 * 7.24 - 18 * 5.92 - 3.8)
    assert math.isnan(bulk_a3("[Xe]"))
    with pytest.raises(DataError, match="can't read the SMILES"):
        bulk_a3("C(")


def test_a_single_layer_by_hand() -> None:
    row = _row("(BA)2PbI4")
    edge = 2 * (1.19 + 2.20)
    assert row["slab_thickness_a"] == pytest.approx(edge)
    assert row["organic_thickness_a"] == pytest.approx(2 * row["spacer_bulk_a3"] / edge**2)
    assert row["packed_spacing_a"] == pytest.approx(edge + row["organic_thickness_a"] / 0.7)
    assert row["spacer_length_a"] == pytest.approx(5.0, abs=0.1)  # N to the last C of all-trans butyl
    assert (row["spacers_per_gap"], row["spacer_charge"], row["spacer_ammonium_hydrogens"]) == (2, 1, 3)
    assert (row["spacer_span_a"], row["spacer_rings"], row["spacer_branching"], row["cage_atoms"]) == (0, 0, 0, 0)


def test_divalent_spacers_thicker_slabs_and_branches() -> None:
    row = _row("(3AMP)(MA)Pb2I7")
    assert (row["spacers_per_gap"], row["n_sheets"], row["cage_atoms"]) == (1, 2, 2)
    assert row["spacer_gap_length_a"] == row["spacer_length_a"] > row["spacer_span_a"] > 4
    assert _row("(R-MBA)2PbI4")["spacer_branching"] == 1
    assert _row("(PEA)2PbI4")["spacer_chain_bonds"] == 3


def test_what_has_no_layers_or_no_organic_spacer_is_empty() -> None:
    frame = packing_columns([None, Perovskite.parse("MAPbI3"), Perovskite.parse("Cs2PbI2Cl2")])
    assert list(frame.columns) == list(PACKING_DESCRIPTIONS)
    assert frame["packed_spacing_a"].isna().all()
    assert frame["halide_radius_a"].tolist()[1] == pytest.approx(2.2)
    assert frame.loc[0].isna().all()


def test_enantiomers_and_racemate_are_one_spacer() -> None:
    materials = [Perovskite.parse(f"({hand}-MBA)2PbI4") for hand in ("R", "S", "rac")]
    assert len({spacer_key(m) for m in materials}) == 1
    assert packing_columns(materials).drop_duplicates().shape[0] == 1
    assert spacer_key(materials[0]) != spacer_key(Perovskite.parse("(PEA)2PbI4"))


@given(n=st.integers(2, 18), halide=st.sampled_from(["Cl", "Br", "I"]))
def test_longer_chains_and_larger_halides_take_more_room(n: int, halide: str) -> None:
    ions = IonLibrary.default().with_ions([f"Xa{n}=[NH3+]{'C' * n}F", f"Xa{n + 1}=[NH3+]{'C' * (n + 1)}F"])
    shorter, longer = (
        dict(packing_columns([Perovskite.parse(f"(Xa{k})2Pb{halide}4", ions)]).iloc[0]) for k in (n, n + 1)
    )
    for column in ("spacer_bulk_a3", "spacer_length_a", "packed_spacing_a", "organic_thickness_a"):
        assert longer[column] > shorter[column]
    assert longer["spacer_bulk_a3"] - shorter["spacer_bulk_a3"] == pytest.approx(20.58 + 2 * 7.24 - 3 * 5.92)
