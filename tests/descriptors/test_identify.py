from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import AllChem

from perospin.chemistry import Ion, IonLibrary, Perovskite
from perospin.descriptors.structure import example_structures, read_structure
from perospin.descriptors.structure.identify import check_formula, identify
from perospin.errors import DataError

pymatgen = pytest.importorskip("pymatgen.core")
LIBRARY = IonLibrary.default()
MOLECULES = [ion for ion in LIBRARY.cations if ion.smiles and not ion.is_monatomic]
DEV = Path(__file__).parents[3] / "shared" / "data" / "structures_dev"
CELL_A = 60.0


@cache
def shipped_geometries() -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Elements and coordinates of the library's cations as they ship, by SMILES."""
    lines = (files("perospin.descriptors") / "tables" / "cations_fast.xyz").read_text().splitlines()
    found, at = {}, 0
    while at < len(lines):
        n, symbol = int(lines[at]), lines[at + 1].split()[0]
        rows = [line.split() for line in lines[at + 2 : at + 2 + n]]
        xyz = np.array([[float(x) for x in row[1:]] for row in rows])
        found[LIBRARY.get(symbol).smiles] = (tuple(row[0] for row in rows), xyz)
        at += 2 + n
    return found


@cache
def geometry(smiles: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Elements and coordinates: as shipped, else of a force-field conformer."""
    if smiles in shipped_geometries():
        return shipped_geometries()[smiles]
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(molecule, randomSeed=7) == 0
    AllChem.MMFFOptimizeMolecule(molecule, maxIters=500)
    return tuple(a.GetSymbol() for a in molecule.GetAtoms()), molecule.GetConformer().GetPositions()


def crystal(smiles: list[str], inorganic: dict[str, int], hydrogens: bool = True, mirror: bool = False):
    """Molecules and single ions far apart in one cell, the molecules across its faces."""
    elements: list[str] = []
    positions: list[np.ndarray] = []
    for k, text in enumerate(smiles):
        symbols, xyz = geometry(text)
        xyz = xyz * [-1, 1, 1] if mirror else xyz
        for symbol, place in zip(symbols, xyz + np.array([0.0, 0.0, CELL_A * k / len(smiles)]), strict=True):
            if hydrogens or symbol != "H":
                elements.append(symbol)
                positions.append(place)
    for k, symbol in enumerate(s for s, n in inorganic.items() for _ in range(n)):
        elements.append(symbol)
        positions.append(np.array([25.0, 30.0, 1.5 + 4.0 * k]))
    lattice = pymatgen.Lattice.cubic(CELL_A)
    return pymatgen.Structure(lattice, elements, positions, coords_are_cartesian=True)


def fresh(symbol: str) -> str:
    """SMILES that `geometry` embeds anew: shipped geometries are shared by both hands (a blank hides it from them)."""
    return f"{LIBRARY.get(symbol).smiles} "


def host(ion: Ion) -> tuple[int, dict[str, int]]:
    """Number of molecules and inorganic atoms of a single layer."""
    return (2, {"Pb": 1, "I": 4}) if ion.charge == 1 else (1, {"Pb": 1, "I": 4})


def same_but_for_hand(found: str, ion: Ion) -> bool:
    def flat(smiles: str | None) -> str:
        molecule = Chem.MolFromSmiles(smiles)
        Chem.RemoveStereochemistry(molecule)
        return Chem.MolToSmiles(molecule)

    return flat(LIBRARY.get(found).smiles) == flat(ion.smiles)


def assert_found(ion: Ion) -> None:
    number, inorganic = host(ion)
    found = identify(crystal([ion.smiles] * number, inorganic))
    assert found.reason == "", ion.symbol
    (symbol,) = set(found.amounts) - {"Pb", "I"}
    # enantiomers share one computed geometry, and an ion of no stated hand has one in a crystal
    assert symbol == ion.symbol or same_but_for_hand(symbol, ion), (symbol, ion.symbol)
    assert found.amounts[symbol] == number
    assert found.material == Perovskite.from_ions({symbol: number, "Pb": 1, "I": 4})


def test_every_computed_cation_is_found_by_its_molecule() -> None:
    for ion in MOLECULES:
        if ion.smiles in shipped_geometries():
            assert_found(ion)


@pytest.mark.slow
def test_every_other_cation_is_found_by_its_molecule() -> None:
    for ion in MOLECULES:
        if ion.smiles not in shipped_geometries():
            assert_found(ion)


def assert_right_or_unknown(ions: list[Ion]) -> None:
    unknown = []
    for ion in ions:
        number, inorganic = host(ion)
        found = identify(crystal([ion.smiles] * number, inorganic, hydrogens=False))
        if found.material is None:
            assert "its hydrogens" in found.reason
            unknown.append(ion.symbol)
        else:
            (symbol,) = set(found.amounts) - {"Pb", "I"}
            assert same_but_for_hand(symbol, ion), (ion.symbol, symbol)
    assert len(unknown) < 0.1 * len(ions), unknown


def test_without_hydrogens_a_cation_is_right_or_unknown() -> None:
    assert_right_or_unknown(MOLECULES)


@pytest.mark.parametrize("pair", [("R-MBA", "S-MBA"), ("R-MPEA", "S-MPEA"), ("R-MeBA", "S-MeBA")])
def test_mirror_images_are_told_apart(pair: tuple[str, str]) -> None:
    smiles = {hand: fresh(hand) for hand in pair}
    inorganic = {"Pb": 1, "I": 4}
    for hand, other in (pair, pair[::-1]):
        assert set(identify(crystal([smiles[hand]] * 2, inorganic)).amounts) == {hand, "Pb", "I"}
        assert set(identify(crystal([smiles[hand]] * 2, inorganic, mirror=True)).amounts) == {other, "Pb", "I"}
    both = identify(crystal(list(smiles.values()), inorganic))
    name = {"R-MBA": "rac-MBA", "R-MPEA": "PhPA"}.get(pair[0])  # racemates that have a symbol of their own
    assert set(both.amounts) == ({name} if name else set(pair)) | {"Pb", "I"}


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(*[st.floats(0, 1)] * 3),
    st.permutations(range(30)),
    st.sampled_from([np.eye(3), np.diag([2, 1, 1]), np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]])]),
)
def test_cell_origin_and_order_do_not_matter(shift: tuple, order: list[int], cell: np.ndarray) -> None:
    structure = crystal([fresh("S-MBA"), LIBRARY.get("MA").smiles], {"Pb": 1, "I": 3})
    assert len(structure) == 33
    order = [*order, 30, 31, 32]
    moved = pymatgen.Structure.from_sites([structure[i] for i in order])
    moved.translate_sites(range(len(moved)), shift)
    moved.make_supercell(cell)
    found = identify(moved)
    times = round(abs(np.linalg.det(cell)))
    assert found.amounts == {"S-MBA": times, "MA": times, "Pb": times, "I": 3 * times}


def test_what_is_unknown_stays_unknown_with_the_reason() -> None:
    inorganic = {"Pb": 1, "I": 4}
    cases = {
        "C4H8O is not in the ion library": [*[LIBRARY.get("PEA").smiles] * 2, "C1CCOC1"],
        "holds water": [LIBRARY.get("PEA").smiles] * 2 + ["O"],
        "has the same heavy atoms, but other hydrogens": ["CC=CC[NH3+]"] * 2,
        "make no perovskite": [LIBRARY.get("PEA").smiles],
    }
    for reason, smiles in cases.items():
        found = identify(crystal(smiles, inorganic))
        assert found.material is None
        assert reason in found.reason
    assert identify(crystal([], {"Cs": 1, "Zr": 1, "Np": 1, "I": 3})).reason == "Np is no ion of the library"


def test_shares_of_metals_halides_and_cages_count_and_disordered_molecules_do_not() -> None:
    mixed = crystal([], {"Cs": 1, "Pb": 1, "I": 3})
    mixed[0] = {"Cs": 0.9, "Rb": 0.1}
    mixed[1] = {"Pb": 0.5, "Sn": 0.5}
    mixed[2] = {"I": 0.25, "Br": 0.75}
    assert identify(mixed).material == Perovskite.from_ions(
        {"Cs": 0.9, "Rb": 0.1, "Pb": 0.5, "Sn": 0.5, "I": 2.25, "Br": 0.75}
    )
    organic = crystal([LIBRARY.get("MA").smiles], {"Pb": 1, "I": 3})
    nitrogen = next(i for i, site in enumerate(organic) if site.specie.symbol == "N")
    organic[nitrogen] = {"N": 0.5, "C": 0.5}
    assert "the organic part is disordered (1 places hold two kinds" in identify(organic).reason
    protons = crystal([LIBRARY.get("MA").smiles], {"Pb": 1, "I": 3})
    for i, site in enumerate(protons):
        if site.specie.symbol == "H":
            protons[i] = {"H": 0.5}
    found = identify(protons)
    assert str(found.material) == "MAPbI3"
    assert "hydrogens are disordered: cations are told by their heavy atoms" in found.notes


def test_user_ions_and_deuterium() -> None:
    library = LIBRARY.with_ions({"ODD": "CCCCCCCCCCCCC(F)[NH3+]"})
    structure = crystal([library.get("ODD").smiles] * 2, {"Pb": 1, "I": 4})
    assert [text.partition("=")[2] for text in identify(structure).new_ions] == ["CCCCCCCCCCCCC([NH3+])F"]
    structure.replace_species({"H": "D"})
    assert str(identify(structure, library).material) == "(ODD)2PbI4"


@pytest.mark.parametrize(
    ("smiles", "number"),
    [
        ("C[NH+](C)CCCCCCC[NH3+]", 1),
        ("[NH3+]CCCCCCCC(=O)O", 2),
        ("C[N+](C)(C)c1ccc(Br)cc1", 2),
        ("NC(=[NH2+])Cc1ccc[nH+]c1", 1),
    ],
)
def test_a_cation_that_the_library_lacks_is_read_from_its_atoms(smiles: str, number: int) -> None:
    found = identify(crystal([smiles] * number, {"Pb": 1, "I": 4}))
    (text,) = found.new_ions
    name, _, read = text.partition("=")
    assert Chem.CanonSmiles(read) == Chem.CanonSmiles(smiles)
    assert name in LIBRARY.with_ions([text])
    assert found.material == Perovskite.parse(found.material.formula, LIBRARY.with_ions([text]))
    assert any("is not in the ion library, and read from its atoms" in note for note in found.notes)


def test_one_or_two_missing_hydrogens_are_filled_in_where_only_one_cation_fits() -> None:
    pea = crystal([LIBRARY.get("PEA").smiles] * 2, {"Pb": 1, "I": 4})
    nitrogens = [i for i, site in enumerate(pea) if site.specie.symbol == "N"]
    on_nitrogen = [
        min((j for j, s in enumerate(pea) if s.specie.symbol == "H"), key=lambda j: pea.get_distance(i, j))
        for i in nitrogens
    ]
    pea.remove_sites(on_nitrogen)
    found = identify(pea)
    assert str(found.material) == "(PEA)2PbI4"
    assert "hydrogens are missing on C8H11N: taken as PEA" in found.notes


@pytest.mark.parametrize("occupancy", [0.5, 1.0])
@pytest.mark.parametrize("symbol", ["PEA", "HDA"])
def test_disordered_cations_are_told_from_one_alternative(symbol: str, occupancy: float) -> None:
    ion = LIBRARY.get(symbol)
    number, inorganic = host(ion)
    one = crystal([ion.smiles] * number, inorganic, hydrogens=False)
    organic = [i for i, site in enumerate(one) if site.specie.symbol in ("C", "N")]
    turned = one.copy()
    for i in organic:  # the other alternative is the same molecule, turned a little about its place
        turned.append(one[i].specie, one.cart_coords[i] + [0.45, 0.3, 0.0], coords_are_cartesian=True)
    added = list(range(len(one), len(turned)))
    for i in [*organic, *added]:
        turned.replace(i, {turned[i].specie: occupancy})
    found = identify(turned)
    assert str(found.material) == str(Perovskite.from_ions({symbol: number, **inorganic})), found.reason
    assert "organic atoms are disordered: cations are told from one alternative of each" in found.notes


def test_halides_split_without_occupancies_count_once() -> None:
    structure = crystal([LIBRARY.get("PEA").smiles] * 2, {"Pb": 1, "I": 4})
    iodine = next(i for i, site in enumerate(structure) if site.specie.symbol == "I")
    structure.append("I", structure.cart_coords[iodine] + [0.8, 0, 0], coords_are_cartesian=True)
    assert str(identify(structure).material) == "(PEA)2PbI4"


def test_shipped_structures() -> None:
    found = {name: identify(read_structure(path)) for name, path in example_structures().items()}
    assert str(found["CsPbI3_delta_COD4335639"].material) == "CsPbI3"
    chloride = found["PEA2PbCl4_HybriD3_216"]  # without hydrogens: phenyl, not cyclohexyl
    assert str(chloride.material) == "(PEA)2PbCl4"
    assert "taken as PEA (not CHEA, 2-CHEA) by bond lengths" in chloride.notes[0]


@pytest.mark.skipif(not DEV.is_dir(), reason="the experimental structures are not redistributed")
def test_experimental_structures_with_and_without_hydrogens() -> None:
    formulas = {
        "BA2PbI4": "(BA)2PbI4",
        "PEA2PbI4": "(PEA)2PbI4",
        "R-1NEA2PbBr4": "(R-NEA)2PbBr4",
        "S-MBA2PbI4": "(S-MBA)2PbI4",
        "rac-MBA2SnI4": "(rac-MBA)2SnI4",
    }
    for name, formula in formulas.items():
        structure = read_structure(DEV / f"{name}.vasp")
        assert str(identify(structure).material) == formula
        structure.remove_species(["H"])
        assert str(identify(structure).material) == formula
    hydrate = identify(read_structure(DEV / "S-4-NO2-MBA2PbBr4-H2O.vasp"))
    assert hydrate.material is None
    assert "water" in hydrate.reason


def test_a_formula_is_checked_against_its_file() -> None:
    structure = crystal([LIBRARY.get("PEA").smiles] * 2, {"Pb": 1, "I": 4})
    assert check_formula(Perovskite.parse("(PEA)2PbI4"), structure, "x.cif") == ""
    assert check_formula(Perovskite.parse("(BA)2PbI4"), structure, "x.cif").startswith("x.cif: the amount of C differs")
    for wrong in ("(PEA)2PbBr4", "(PEA)2(MA)Pb2I7", "(PEA)2SnI4"):
        with pytest.raises(DataError, match=r"x\.cif is not"):
            check_formula(Perovskite.parse(wrong), structure, "x.cif")
