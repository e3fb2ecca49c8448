"""From a neutral amine to the ammonium that sits in a perovskite: which nitrogen takes the proton.

Rule: the most basic kind of nitrogen present takes it, by the usual pKa of the conjugate acid in water (CRC Handbook
of Chemistry and Physics, dissociation constants of organic acids and bases and of inorganic ones; of the first member
of each kind): guanidine 13.6, amidine 12.4 (acetamidine), aliphatic amine 10.6 (methylamine), hydrazine 8.1,
imidazole 7.0, hydroxylamine 5.9, pyridine 5.2, aniline 4.6. Amides, sulfonamides, nitriles, nitro and azo groups,
pyrrole nitrogens and amino groups on a pyridine take none. With more than one basic nitrogen, of one kind or of
several, it is not clear how many protons there are: the strong acids that perovskites grow from protonate pyridines
and anilines, too. That is left to the user.
"""

from __future__ import annotations

from typing import Any

from perospin.descriptors.molecules import parse_smiles
from perospin.errors import QuantumError

_KINDS: tuple[tuple[str, str], ...] = (
    ("guanidine", "[NX2;!$(N~[!#6;!#1])]=[CX3]([NX3])[NX3]"),
    ("amidine", "[NX2;!$(N~[!#6;!#1])]=[CX3;!$(C[O,S])][NX3]"),
    # no neighbour that takes its lone pair: a carbon with a double bond or an aromatic one, or another hetero atom
    ("aliphatic amine", "[NX3;!$(N~[!#6;!#1]);!$(N[#6;!X4])]"),
    ("hydrazine", "[NX3;$(N[NX3;!$(N[#6;!X4])]);!$(N[#6;!X4])]"),
    ("imidazole", "[nX2;$(n1cc[nX3]c1),$(n1c[nX3]cc1)]"),
    ("hydroxylamine", "[NX3;$(N[OX2]);!$(N[#6;!X4])]"),
    ("pyridine", "[nX2;!$(n1cc[nX3]c1);!$(n1c[nX3]cc1)]"),
    ("aniline", "[NX3;!$(N~[!#6;!#1]);$(N-c);!$(N-[#6]=[O,S,N]);!$(Nc:n);!$(Nc:c:n);!$(Nc:c:c:n)]"),
)
"""Kinds of basic nitrogen, most basic first; the first atom of the pattern takes the proton."""


def _protonate(molecule: Any, atoms: tuple[int, ...]) -> str:
    from rdkit import Chem

    changed = Chem.RWMol(molecule)
    for index in atoms:
        atom = changed.GetAtomWithIdx(index)
        atom.SetNumExplicitHs(atom.GetTotalNumHs() + 1)
        atom.SetNoImplicit(True)
        atom.SetFormalCharge(1)
    Chem.SanitizeMol(changed)
    return str(Chem.MolToSmiles(changed))


def _basic_nitrogens(molecule: Any) -> list[tuple[int, ...]]:
    """Atoms of each kind of basic nitrogen that is present, the most basic kind first."""
    from rdkit import Chem

    found: list[tuple[int, ...]] = []
    for _, pattern in _KINDS:
        matches = {match[0] for match in molecule.GetSubstructMatches(Chem.MolFromSmarts(pattern))}
        # a guanidine fits the pattern of an amidine, too
        if atoms := tuple(sorted(matches.difference(*found))):
            found.append(atoms)
    return found


def protonation_choices(smiles: str) -> tuple[str, ...]:
    """Cations a neutral amine can become by the rule: one if it is clear, several if it is not, none without an amine.

    With several basic nitrogens: each of the most basic ones protonated, and all basic ones.

    Raises
    ------
    QuantumError
        If the SMILES can't be read.
    """
    from rdkit import Chem

    parse_smiles(smiles)
    molecule = Chem.MolFromSmiles(smiles)
    kinds = _basic_nitrogens(molecule)
    if not kinds:
        return ()
    every = tuple(atom for atoms in kinds for atom in atoms)
    return tuple(dict.fromkeys(_protonate(molecule, atoms) for atoms in (*((a,) for a in kinds[0]), every)))


def protonate(smiles: str) -> str:
    """SMILES of the cation of a neutral amine, proton on the most basic nitrogen; a cation is returned as it is.

    Raises
    ------
    QuantumError
        If the SMILES can't be read, has no basic nitrogen, or several (the message lists the cations to choose
        from).
    """
    charge = parse_smiles(smiles)[1]
    if charge > 0:
        return smiles
    if charge < 0:
        raise QuantumError(f"'{smiles}' has charge {charge:+d}, a cation is needed: write it protonated")
    choices = protonation_choices(smiles)
    if not choices:
        raise QuantumError(f"'{smiles}' has no basic nitrogen to protonate: write the cation with its charge")
    if len(choices) > 1:
        raise QuantumError(f"'{smiles}' has several basic nitrogens: write one of the cations {', '.join(choices)}")
    return choices[0]


def require_cation(smiles: str) -> None:
    """Refuse what is no cation, with the protonated SMILES as a hint.

    Raises
    ------
    QuantumError
        If the SMILES can't be read or its charge is not positive.
    """
    charge = parse_smiles(smiles)[1]
    if charge > 0:
        return
    if charge < 0:
        raise QuantumError(f"'{smiles}' has charge {charge:+d}, a cation is needed: write it with its positive charge")
    choices = protonation_choices(smiles)
    if not choices:
        raise QuantumError(f"'{smiles}' is neutral, a cation is needed: write it with its charge, e.g. 'CCCC[NH3+]'")
    first = "its cation" if len(choices) == 1 else "one of its cations"
    raise QuantumError(
        f"'{smiles}' is a neutral amine, a cation is needed: write {first} {', '.join(f'{c!r}' for c in choices)}"
        + (" (or add --protonate)" if len(choices) == 1 else "")
    )
