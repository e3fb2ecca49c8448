"""Which nitrogen takes the proton, and what is refused."""

from __future__ import annotations

import pytest

from perospin.chemistry import IonLibrary
from perospin.descriptors.molecules import neutral_amine_smiles
from perospin.descriptors.quantum import Request, canonical_smiles, protonate, protonation_choices, require_cation
from perospin.errors import QuantumError


@pytest.mark.parametrize(
    ("amine", "cation"),
    [
        ("CN", "C[NH3+]"),
        ("N", "[NH4+]"),
        ("CN(C)C", "C[NH+](C)C"),
        ("NC=N", "NC=[NH2+]"),  # formamidine: the imine nitrogen
        ("NC(N)=N", "NC(N)=[NH2+]"),
        ("c1cnc[nH]1", "c1c[nH+]c[nH]1"),  # imidazole: not the pyrrole nitrogen
        ("Nc1ccccc1", "[NH3+]c1ccccc1"),
        ("Nc1ccncc1", "Nc1cc[nH+]cc1"),  # 4-aminopyridine: the ring
        ("NCCc1c[nH]c2ccccc12", "[NH3+]CCc1c[nH]c2ccccc12"),  # tryptamine
        ("NC(=O)CN", "NC(=O)C[NH3+]"),  # an amide takes none
        ("NCCS(N)(=O)=O", "NS(=O)(=O)CC[NH3+]"),
        ("NO", "[NH3+]O"),
        ("C[NH3+]", "C[NH3+]"),
    ],
)
def test_the_most_basic_nitrogen_takes_the_proton(amine, cation):
    assert canonical_smiles(protonate(amine)) == canonical_smiles(cation)


def test_stereochemistry_survives():
    assert "@" in protonate("C[C@H](N)c1ccccc1")


def test_several_basic_nitrogens_are_left_to_the_user():
    assert protonation_choices("NCCN") == ("NCC[NH3+]", "[NH3+]CC[NH3+]")
    # an aliphatic amine before a pyridine, but in concentrated acid both
    assert protonation_choices("NCc1ccncc1") == ("[NH3+]Cc1ccncc1", "[NH3+]Cc1cc[nH+]cc1")
    with pytest.raises(QuantumError, match=r"several basic nitrogens: .*NCC1CCC\[NH2\+\]C1"):
        protonate("NCC1CCCNC1")


@pytest.mark.parametrize("smiles", ["CCO", "CC#N", "CC(N)=O", "c1cc[nH]c1", "C[N+](=O)[O-]", "c1ccccc1N=Nc1ccccc1"])
def test_without_a_basic_nitrogen_nothing_is_protonated(smiles):
    assert protonation_choices(smiles) == ()
    with pytest.raises(QuantumError, match="no basic nitrogen"):
        protonate(smiles)


def test_a_neutral_amine_is_refused_with_its_cation():
    with pytest.raises(QuantumError, match=r"neutral amine.*'CC\[NH3\+\]'.*--protonate"):
        Request.ion("CCN", "fast")
    with pytest.raises(QuantumError, match=r"one of its cations 'NCC\[NH3\+\]'"):
        require_cation("NCCN")
    with pytest.raises(QuantumError, match="is neutral, a cation is needed"):
        require_cation("CCO")
    with pytest.raises(QuantumError, match="charge -1"):
        require_cation("CC(=O)[O-]")
    Request.ion("CCN", "neutral")  # that level describes the amine itself


def test_every_cation_of_the_library_comes_back_from_its_amine_or_is_among_the_choices():
    missed = []
    for ion in IonLibrary.default().cations:
        amine = neutral_amine_smiles(ion.smiles) if ion.smiles and not ion.is_monatomic else None
        if amine is None or amine == ion.smiles:
            continue
        choices = {canonical_smiles(choice) for choice in protonation_choices(amine)}
        if canonical_smiles(ion.smiles) not in choices:
            missed.append(ion.symbol)
    # a phosphine isn't protonated by rule, nor is the inner nitrogen of a piperazine left out
    assert missed == ["CyHP", "PPIEA"]


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("CC[NH3+].[Cl-]", "several molecules"),
        ("[Cu+2]", "unpaired electrons"),
        ("C[NH2+]", "unpaired electrons"),
        ("*C[NH3+]", "without an element"),
    ],
)
def test_what_is_no_closed_shell_cation_is_refused(smiles, message):
    with pytest.raises(QuantumError, match=message):
        Request.ion(smiles, "fast")
