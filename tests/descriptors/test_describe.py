from __future__ import annotations

import numpy as np
import pytest

from perospin.chemistry import IonLibrary, Perovskite
from perospin.descriptors import DESCRIPTIONS, describe
from perospin.errors import DataError, FormulaError


def test_columns_are_described_and_units_named():
    frame = describe(["MAPbI3", "(PEA)2(MA)Pb2I7"])
    for column in frame.columns:
        bare = column.removeprefix("spacer_").removeprefix("a_site_")
        assert column in DESCRIPTIONS or bare in DESCRIPTIONS or column.startswith("spacer_"), column
    assert set(DESCRIPTIONS) <= set(frame.columns)


def test_composition_average_over_all_organic_cations():
    frame = describe(["BA2PbI4", "MAPbI3", "(BA)2(MA)2Pb3I10"])
    ba, ma, mixed = (frame.iloc[i] for i in range(3))
    for column in ("homo_ev", "polarisability_a3", "molar_mass_g_mol", "electronegativity", "molecular_radius_a"):
        assert mixed[column] == pytest.approx((2 * ba[column] + 2 * ma[column]) / 4)
    assert mixed["spacer_homo_ev"] == ba["homo_ev"]
    assert mixed["a_site_homo_ev"] == ma["homo_ev"]


def test_published_tolerance_factors_from_published_radii():
    # 10.1039/d5sc07406a: MAPbI3 0.7711, MAPbBr3 0.7760, (BA)2PbI4 1.1053 (physics: plain Goldschmidt, averaged radius)
    frame = describe(["MAPbI3", "MAPbBr3", "BA2PbI4"], level="published")
    assert frame["tolerance_factor"].to_numpy() == pytest.approx([0.7711, 0.7760, 1.1053], abs=2e-3)


def test_three_dimensional_materials_have_no_spacer():
    row = describe(["CsPbBr3"]).iloc[0]
    assert np.isnan(row["spacer_homo_ev"])
    assert row["spacer_charge"] == row["inverse_n"] == row["is_n1"] == 0
    assert row["excess_mu2_per_volume"] == row["excess_barrier_a"] == 0
    assert row["bromide_fraction"] == 1


def test_layers_dilute_the_spacer():
    frame = describe(["(EOA)2PbI4", "(EOA)2(MA)Pb2I7", "(EOA)2(MA)3Pb4I13"])
    excess = frame["excess_log_dielectric"].to_numpy()
    assert excess == pytest.approx(excess[0] * np.array([1, 1 / 2, 1 / 4]))
    assert excess[0] > 1  # ethanolamine is far more polar than butylamine
    assert describe(["BA2PbI4"]).iloc[0]["excess_log_dielectric"] == 0


def test_dication_makes_half_the_barrier():
    frame = describe(["(4AMP)PbI4", "(CMA)2PbI4"])
    assert frame["barrier_thickness_a"].iloc[0] < 0.6 * frame["barrier_thickness_a"].iloc[1]
    assert frame["spacer_charge"].tolist() == [2, 1]


def test_mixed_halide_metal_and_cation():
    row = describe(["FA0.9Cs0.1PbI2.8Br0.2"]).iloc[0]
    assert row["bromide_fraction"] == pytest.approx(0.2 / 3)
    assert 1.96 < row["halide_radius_a"] < 2.20


def test_order_and_input_kinds_do_not_matter():
    formulas = ["MAPbI3", "BA2PbI4", "(3AMP)PbI4"]
    a, b = describe(formulas), describe([Perovskite.parse(f) for f in reversed(formulas)])
    assert a.equals(b.loc[a.index])
    assert a.attrs["level"] == "fast"


def test_user_ion_equal_to_a_library_ion_gives_the_same_row():
    library = IonLibrary.default().with_ions({"MYBA": "CCCC[NH3+]"})
    ours, theirs = describe(["(MYBA)2PbI4"], ions=library), describe(["(BA)2PbI4"])
    assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), nan_ok=True)


def test_bad_input_is_one_sentence():
    with pytest.raises(DataError, match="list of materials"):
        describe("MAPbI3")
    with pytest.raises(FormulaError, match="PEEA"):
        describe(["(PEEA)2PbI4"])
