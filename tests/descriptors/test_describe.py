from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perospin.chemistry import IonLibrary, Perovskite
from perospin.database import load_table
from perospin.descriptors import (
    DESCRIPTIONS,
    MEASURED_DESCRIPTIONS,
    STRUCTURE_DESCRIPTIONS,
    STRUCTURE_TEXTS,
    describe,
)
from perospin.descriptors.describe import is_file
from perospin.descriptors.structure import describe_structure, example_structures, read_structure
from perospin.errors import DataError, FormulaError, PerospinError, QuantumError, StructureError

CIFS = example_structures()
CSPBI3, PEA2PBCL4 = (CIFS[name] for name in ("CsPbI3_delta_COD4335639", "PEA2PbCl4_HybriD3_216"))


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


# --- structures and files among formulas -------------------------------------------------------------------


def test_formula_frames_keep_their_columns_and_attributes():
    frame = describe(["MAPbI3"])
    assert frame.attrs == {"level": "fast"}
    assert list(frame.columns) == list(describe(["MAPbI3"], structural=False).columns)
    assert len(frame.columns) == 66
    assert describe([]).shape == (0, 66)


def test_the_numbers_of_the_52_materials_have_not_moved():
    # written by describe as it was when the models of the first study were fixed; a change here changes the study
    expected = pd.read_csv(Path(__file__).parent / "described_spin52.csv", index_col=0)
    formulas = sorted(set(load_table("spin52", corrected=True)["formula"].dropna()) - {""})
    assert list(expected.index) == formulas
    pd.testing.assert_frame_equal(describe(formulas, compute=False), expected, rtol=1e-13, check_names=False)


def test_all_kinds_of_items_in_one_list():
    items = [
        "(PEA)2PbI4",
        Perovskite.parse("MAPbI3"),
        PEA2PBCL4,
        str(CSPBI3),
        read_structure(CSPBI3),
        ("CsPbI3", CSPBI3),
        (Perovskite.parse("(PEA)2PbCl4"), read_structure(PEA2PBCL4)),
    ]
    frame = describe(items)
    assert list(frame.index) == [
        "(PEA)2PbI4", "MAPbI3", "(PEA)2PbCl4", "CsPbI3", "CsPbI3", "CsPbI3", "(PEA)2PbCl4"
    ]  # fmt: skip
    assert list(frame.columns) == [*describe(["MAPbI3"]).columns, *STRUCTURE_TEXTS, *STRUCTURE_DESCRIPTIONS]
    intrinsic = frame[list(describe(["MAPbI3"]).columns)]
    pd.testing.assert_frame_equal(intrinsic, describe(list(frame.index)))
    numbers = frame[list(STRUCTURE_DESCRIPTIONS)]
    assert numbers.iloc[:2].isna().all(axis=None)
    for i, path in ((2, PEA2PBCL4), (3, CSPBI3), (4, CSPBI3), (5, CSPBI3)):
        expected = describe_structure(path).values
        found = numbers.iloc[i].drop("cage_tolerance_factor")  # needs the cage cation, which only describe knows
        assert found.to_dict() == pytest.approx({k: expected[k] for k in found.index}, nan_ok=True)
    assert frame["structure"].tolist() == ["", "", str(PEA2PBCL4), str(CSPBI3), "", str(CSPBI3), ""]
    assert frame["dimensionality"].tolist()[2:5] == ["2D", "1D", "1D"]
    warnings = frame.attrs["warnings"]
    assert any("the inorganic network is 1D, but the composition of CsPbI3 reads as 3D" in w for w in warnings)
    assert any("taken as PEA" in w for w in warnings)


def test_structural_columns_on_request_and_not():
    assert set(STRUCTURE_DESCRIPTIONS) <= set(describe(["MAPbI3"], structural=True).columns)
    frame = describe([PEA2PBCL4, "MAPbI3"], structural=False)
    assert list(frame.columns) == list(describe(["MAPbI3"]).columns)
    assert list(frame.index) == ["(PEA)2PbCl4", "MAPbI3"]


def test_unidentified_ions_leave_intrinsic_columns_empty_and_say_so(tmp_path):
    structure = read_structure(PEA2PBCL4)
    structure.replace_species({"N": "P"})
    path = tmp_path / "odd.cif"
    structure.to(filename=str(path))
    frame = describe(["MAPbI3", path])
    assert list(frame.index) == ["MAPbI3", "odd"]
    assert frame[list(DESCRIPTIONS)].iloc[1].isna().all()
    assert frame["layer_spacing_a"].iloc[1] > 16
    assert any(w.startswith("odd.cif: ions not told") and "C8P" in w for w in frame.attrs["warnings"])
    # the formula given with the file is checked: metals and halides must agree
    given = describe([("(BA)2PbCl4", path)])
    assert given["homo_ev"].iloc[0] == describe(["(BA)2PbCl4"])["homo_ev"].iloc[0]
    assert any("the amount of C, N, P differs" in w for w in given.attrs["warnings"])
    with pytest.raises(DataError, match=r"odd\.cif is not \(PEA\)2PbI4"):
        describe([("(PEA)2PbI4", path)])


def test_measured_features_beside_structures():
    frame = describe([PEA2PBCL4, "(PEA)2PbCl4"], measured=True, structural=False)
    assert list(frame.columns)[-len(MEASURED_DESCRIPTIONS) :] == list(MEASURED_DESCRIPTIONS)
    assert frame["measured_layer_spacing_a"].isna().tolist() == [True, False]
    assert {source["material"] for source in frame.attrs["sources"]} == {"(PEA)2PbCl4"}


def test_one_bad_item_stops_nothing_when_errors_are_collected(tmp_path):
    (tmp_path / "empty.cif").write_text("")
    bad = {}
    library = IonLibrary.default().with_ions({"ODD": "CCCCCCCCCCCCC(F)[NH3+]"})
    items = ["(PEEA)2PbI4", tmp_path / "empty.cif", tmp_path / "none.cif", "MAPbI3", "(ODD)2PbI4", CSPBI3]
    frame = describe(items, compute=False, ions=library, on_error=lambda name, error: bad.update({name: error}))
    assert list(frame.index) == ["MAPbI3", "CsPbI3"]
    assert list(bad) == ["(PEEA)2PbI4", "empty.cif", "none.cif", "(ODD)2PbI4"]
    kinds = [FormulaError, StructureError, StructureError, QuantumError]
    assert all(isinstance(error, kind) for error, kind in zip(bad.values(), kinds, strict=True))
    for item in items[:3]:
        with pytest.raises(PerospinError):
            describe([item])


def test_a_structure_whose_cation_is_not_computed_keeps_its_structure():
    structure = read_structure(PEA2PBCL4)
    frame = describe(
        [structure], level="published", compute=False, on_error=lambda name, error: pytest.fail(str(error))
    )
    assert frame["homo_ev"].notna().all()  # PEA is known at this level
    library = IonLibrary.default().with_ions({"ODD": "CCCCCCCCCCCCC(F)[NH3+]"})
    errors = []
    frame = describe(
        [("(ODD)2PbCl4", structure)], compute=False, ions=library, on_error=lambda name, error: errors.append(error)
    )
    assert not errors
    assert list(frame.index) == ["(ODD)2PbCl4"]
    assert np.isnan(frame["homo_ev"].iloc[0])
    assert frame["layer_spacing_a"].iloc[0] == pytest.approx(16.889, abs=2e-3)
    assert any(
        "its intrinsic columns are empty: cation 'ODD' has not been computed" in w for w in frame.attrs["warnings"]
    )


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (3, "describe takes formulas"),
        (("PEA2PbI4",), "a pair for describe"),
        (("PEA2PbI4", 3), "no structure and no file"),
        ((3, "a.cif"), "a pair for describe"),
        (Path("folder"), "no file 'folder'"),
        ("no/such.cif", "no file"),
    ],
)
def test_what_is_no_material_is_one_sentence(item, message):
    with pytest.raises(PerospinError, match=message):
        describe(["MAPbI3", item])


def test_files_and_formulas_are_told_apart():
    files_ = ["a.cif", "x/POSCAR", "CONTCAR_relaxed", "b.VASP", "c.mcif", Path("anything")]
    formulas = ["MAPbI3", "(R/S-MPEA)2PbI4", "$\\mathrm{MAPbI_3}$", "Cs2AgBiBr6", "(PEA)2PbI4 (n = 1)"]
    assert [is_file(item) for item in files_] == [True] * len(files_)
    assert [is_file(item) for item in formulas] == [False] * len(formulas)


def test_a_structure_alone_is_not_a_list():
    for single in (read_structure(CSPBI3), CSPBI3):
        with pytest.raises(DataError, match="list of materials"):
            describe(single)


def test_a_cation_that_would_take_hours_is_refused_with_the_command_that_computes_it():
    library = IonLibrary.default().with_ions({"C60": "C" * 60 + "[NH3+]"})
    with pytest.raises(QuantumError, match=r"'C60' has 185 atoms: .* about \d+ hours, .*`perospin cations compute"):
        describe(["(C60)2PbI4"], ions=library)


def test_cations_are_announced_before_they_are_computed(monkeypatch):
    told = []
    library = IonLibrary.default().with_ions({"ODD": "CCCCCCCCCCCCC(F)[NH3+]"})

    def refuse(ion, level, compute):
        raise QuantumError(f"{ion.symbol} is not computed in a test")

    def announce(words):
        told.append(words)

    with pytest.raises(QuantumError):
        describe(["(ODD)2PbI4"], compute=False, ions=library, on_compute=announce)
    assert told == []
    monkeypatch.setattr(sys.modules["perospin.descriptors.describe"], "cation_values", refuse)
    with pytest.raises(QuantumError, match="ODD is not computed in a test"):
        describe(["(ODD)2PbI4", "(ODD)2PbBr4"], ions=library, on_compute=announce)
    assert len(told) == 1
    assert re.fullmatch(r"ODD \(44 atoms, level fast, about \d+ (minutes|seconds)\)", told[0])
