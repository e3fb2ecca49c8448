"""Every row of the shipped ion tables, checked again with RDKit and pymatgen."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from pymatgen.core import Composition, Element
from rdkit import Chem
from rdkit.Chem import Descriptors

from perospin.chemistry import IonLibrary, atomic_masses_g_mol, atomic_numbers, shannon_radius_pm
from perospin.chemistry._tables import read_table
from perospin.errors import DataError

CATIONS = read_table("cations.csv")
ANIONS = read_table("anions.csv")
LIBRARY = IonLibrary.default()


def element_counts(smiles: str) -> dict[str, int]:
    return dict(Counter(atom.GetSymbol() for atom in Chem.AddHs(Chem.MolFromSmiles(smiles)).GetAtoms()))


def test_there_are_248_cations() -> None:
    # the 241 of the reviewed table and seven that the measurement tables need beside them
    assert len(CATIONS) == 248
    assert len({row["symbol"] for row in CATIONS}) == 248


@pytest.mark.parametrize("row", CATIONS + ANIONS, ids=lambda row: row["symbol"])
def test_molecular_ion(row: dict[str, str]) -> None:
    molecule = Chem.MolFromSmiles(row["smiles"])
    ion = LIBRARY.get(row["symbol"])
    assert Chem.GetFormalCharge(molecule) == int(row["charge"]) == ion.charge
    assert element_counts(row["smiles"]) == ion.composition
    assert ion.molar_mass_g_mol == pytest.approx(Descriptors.MolWt(molecule), abs=2e-3)
    assert "." not in row["smiles"]
    assert sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()) == 0


@pytest.mark.parametrize("row", [row for row in CATIONS if row["role"] == "spacer"], ids=lambda row: row["symbol"])
def test_stereo_labels_are_those_of_the_smiles(row: dict[str, str]) -> None:
    molecule = Chem.MolFromSmiles(row["smiles"])
    labels = {label for _, label in Chem.FindMolChiralCenters(molecule, useLegacyImplementation=False)}
    match = re.match(r"[RS](?=-)", row["symbol"])
    assert labels == ({match[0]} if match else set())


def test_structural_formulae_have_the_composition_of_their_ion() -> None:
    checked = 0
    for row in CATIONS:
        for formula in filter(None, row["structural_formulae"].split(";")):
            bare = re.sub(r"^(?:[RS]|n|i|t|iso)-", "", formula).replace("Ph", "C6H5")
            assert Composition(bare) == Composition(row["composition"]), (row["symbol"], formula)
            checked += 1
    assert checked > 200


def test_no_two_rows_are_the_same_ion() -> None:
    smiles = Counter(Chem.CanonSmiles(row["smiles"]) for row in CATIONS)
    assert [s for s, count in smiles.items() if count > 1] == []


def test_no_alias_has_two_owners() -> None:
    owners: dict[str, set[str]] = {}
    for row in CATIONS + ANIONS:
        names = [row["symbol"], *row["aliases"].split(";"), *row.get("structural_formulae", "").split(";")]
        for name in filter(None, names):
            owners.setdefault(name, set()).add(row["symbol"])
    for row in read_table("metals.csv"):
        owners.setdefault(row["symbol"], set()).add(row["symbol"])
    assert {name: who for name, who in owners.items() if len(who) > 1} == {}
    assert not set(LIBRARY.ambiguous) & set(owners)


def test_metals_are_common_charges_of_their_element() -> None:
    for row in read_table("metals.csv"):
        element = Element(row["symbol"])
        assert element.is_metal or element.is_metalloid
        assert int(row["charge"]) in element.oxidation_states
        assert row["name"].startswith(element.long_name.lower())


def test_masses_and_numbers() -> None:
    table = Chem.GetPeriodicTable()
    assert atomic_masses_g_mol() == {table.GetElementSymbol(z): table.GetAtomicWeight(z) for z in range(1, 84)}
    assert atomic_numbers()["Pb"] == 82
    for symbol, mass in atomic_masses_g_mol().items():
        assert mass == pytest.approx(float(Element(symbol).atomic_mass), rel=2e-3)


def test_radii_are_those_of_pymatgen() -> None:
    rows = read_table("shannon_radii.csv")
    checked = 0
    for row in rows:
        if row["element"] == "Sn" and row["charge"] == "2":
            continue
        sites = Element(row["element"]).data["Shannon radii"][row["charge"]][row["coordination"]]
        spins = {spin.lower().replace(" ", "_"): values for spin, values in sites.items()}
        assert float(row["ionic_radius_pm"]) == pytest.approx(100 * spins[row["spin"]]["ionic_radius"])
        assert float(row["crystal_radius_pm"]) == pytest.approx(100 * spins[row["spin"]]["crystal_radius"])
        checked += 1
    assert checked == len(rows) - 1 > 480


@pytest.mark.parametrize(
    ("element", "charge", "coordination", "radius"),
    [("Pb", 2, 6, 119), ("Sn", 2, 6, 115), ("I", -1, 6, 220), ("Br", -1, "VI", 196), ("Cl", -1, 6, 181),
     ("Cs", 1, 12, 188), ("Rb", 1, 12, 172), ("Mn", 2, 6, 83), ("Cu", 2, "IVSQ", 57)],
)  # fmt: skip
def test_known_radii(element: str, charge: int, coordination: int | str, radius: float) -> None:
    assert shannon_radius_pm(element, charge, coordination) == radius


def test_low_spin() -> None:
    assert shannon_radius_pm("Fe", 2, 6, "low_spin") == 61
    assert shannon_radius_pm("Fe", 2, 6) == 78


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Xx", 2, 6), "has none"),
        (("Pb", 3, 6), "+2, +4"),
        (("Pb", 2, 5), "IVPY, VI, VII"),
        (("Pb", 2, 6, "low_spin"), "low_spin"),
    ],
)
def test_missing_radii_say_what_there_is(arguments: tuple[object, ...], says: str) -> None:
    with pytest.raises(DataError) as error:
        shannon_radius_pm(*arguments)  # type: ignore[arg-type]
    assert says in str(error.value)


def test_cage_radii() -> None:
    assert LIBRARY.get("MA").radius_pm == 217
    assert LIBRARY.get("FA").radius_pm == 253
    assert LIBRARY.get("Cs").radius_pm == 188
    assert LIBRARY.get("Pb").radius_pm == 119
    assert LIBRARY.get("I").radius_pm == 220
    assert LIBRARY.get("PEA").radius_pm is None
