from __future__ import annotations

import pytest

from perospin.chemistry import IonLibrary
from perospin.descriptors.composition import PAULING, mean_electronegativity
from perospin.descriptors.molecules import group_flags, neutral_amine_smiles
from perospin.errors import QuantumError


def test_pauling_values_are_those_of_pymatgen():
    from pymatgen.core import Element

    assert {s: Element(s).X for s in PAULING} == pytest.approx(dict(PAULING), abs=0.011)


def test_every_element_of_the_library_has_an_electronegativity():
    for ion in IonLibrary.default():
        assert 0.7 < mean_electronegativity(ion.composition) < 4.0, ion.symbol


def test_published_mean_electronegativities():
    # table of 10.1039/d5sc07406a: MAPbI3 2.35, (EOA)2PbI4 2.43, (PMA)2PbI4 2.38, (DFPD)2PbI4 2.54, (4I-BA)2PbI4 2.36
    library = IonLibrary.default()
    stated = {"MA": 2.35, "EOA": 2.43, "PMA": 2.38, "DFPD": 2.54, "4I-BA": 2.36, "ODA": 2.34}
    for symbol, value in stated.items():
        assert mean_electronegativity(library.get(symbol).composition) == pytest.approx(value, abs=0.0051), symbol


def test_neutral_amines():
    assert neutral_amine_smiles("CCCC[NH3+]") == "CCCCN"
    assert neutral_amine_smiles("[NH3+]CC1CCC[NH2+]C1") == "NCC1CCCNC1"
    assert neutral_amine_smiles("C[N+](C)(C)C") is None
    assert neutral_amine_smiles("[NH3+]Cc1ccc[nH+]c1") == "NCc1cccnc1"


def test_every_neutral_amine_is_neutral_and_one_proton_per_charge_lighter():
    from rdkit import Chem
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    count = 0
    for ion in IonLibrary.default().cations:
        if not ion.smiles or (amine := neutral_amine_smiles(ion.smiles)) is None:
            continue
        molecule = Chem.AddHs(Chem.MolFromSmiles(amine))
        assert Chem.GetFormalCharge(molecule) == 0
        hydrogens = sum(a.GetSymbol() == "H" for a in molecule.GetAtoms())
        assert hydrogens == ion.composition.get("H", 0) - ion.charge, (ion.symbol, CalcMolFormula(molecule))
        count += 1
    assert count > 200


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("OCC[NH3+]", {"hydroxyl": 1, "heavy_halogen": 0, "ring": 0, "chain_length": 3, "hydrogen_bond_donors": 4}),
        ("ICCC[NH3+]", {"heavy_halogen": 1, "aromatic": 0, "chain_length": 4}),
        ("[NH3+]Cc1ccc(I)cc1", {"heavy_halogen": 0, "aromatic": 1, "ring": 1}),
        ("FC1(F)CC[NH2+]CC1", {"heavy_halogen": 0, "secondary_ammonium": 1, "aromatic": 0, "ring": 1}),
    ],
)
def test_group_flags(smiles, expected):
    flags = group_flags(smiles)
    assert {k: flags[k] for k in expected} == expected


def test_unreadable_smiles_is_one_sentence():
    with pytest.raises(QuantumError, match="can't read the SMILES 'C1CC'"):
        group_flags("C1CC")
