"""Abbreviations by source: the Perovskite Database's ion list, its clashes with ours, and what it added."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from perospin import Perovskite
from perospin.chemistry import IonLibrary
from perospin.chemistry._tables import read_table
from perospin.chemistry.names import get_names
from perospin.errors import AmbiguousIonError, DataError, PerospinError

ROWS = read_table("names_nomad.csv")
LIBRARY = IonLibrary.default()
NOMAD = LIBRARY.with_names("nomad")
ADDED = [ion for ion in LIBRARY.cations if ion.listed_in]
#: The library without what the list added: what was read before.
BEFORE = IonLibrary([ion for ion in LIBRARY if not ion.listed_in], LIBRARY.ambiguous)


def flat(smiles: str) -> str:
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False))


def test_every_row_has_a_verdict_that_its_drawing_bears_out() -> None:
    counts = dict.fromkeys(("known", "added", "protons", "hand", "uncertain"), 0)
    for row in ROWS:
        counts[row["verdict"]] += 1
        if row["verdict"] == "uncertain":
            assert row["remark"]
            assert not row["symbol"]
            continue
        ion = LIBRARY.get(row["symbol"])
        if ion.smiles is None:  # lithium and sodium, metals here
            assert ion.is_monatomic
        elif row["verdict"] in ("known", "added"):
            assert flat(ion.smiles) == flat(row["drawn"])
            assert ion.charge == int(row["charge"])
        else:
            assert row["remark"]
    assert counts == {"known": 144, "added": 79, "protons": 21, "hand": 7, "uncertain": 44}


@pytest.mark.parametrize("ion", ADDED, ids=lambda ion: ion.symbol)
def test_an_added_ion_is_one_sound_cation(ion) -> None:  # type: ignore[no-untyped-def]
    molecule = Chem.MolFromSmiles(ion.smiles)
    assert Chem.GetFormalCharge(molecule) == ion.charge
    assert ion.charge in (1, 2)
    assert "." not in ion.smiles
    assert not sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
    formula = rdMolDescriptors.CalcMolFormula(Chem.AddHs(molecule)).partition("+")[0]
    assert sorted(formula) == sorted("".join(f"{e}{n if n > 1 else ''}" for e, n in ion.elements))
    assert "Perovskite Database" in ion.note
    assert "Apache-2.0" in ion.note


def test_a_clash_names_both_molecules_and_how_to_say_which() -> None:
    kept = Perovskite.parse("(CPA)2PbI4")
    assert str(kept) == "(ClPA)2PbI4"
    (caution,) = kept.cautions
    for part in ("3-chloropropylammonium", "cyclopropylammonium", "CPA3", "'nomad'", "'perospin'", "--names"):
        assert part in caution
    other = Perovskite.parse("(CPA)2PbI4", names="nomad")
    assert (str(other), other.cautions) == ("(CPA3)2PbI4", ())
    own = Perovskite.parse("(CPA)2PbI4", names="perospin")
    assert (own, own.cautions) == (kept, ())


def test_no_clash_is_silent() -> None:
    """Each row whose drawing is another molecule than ours is told, refused or told apart by its protons."""
    told = 0
    for row in ROWS:
        try:
            ours = LIBRARY.get(row["name"])
        except PerospinError:
            continue  # unknown or ambiguous here: the message asks
        if ours.is_monatomic or flat(str(ours.smiles)) == flat(row["drawn"]) or row["verdict"] in ("protons", "hand"):
            continue
        assert LIBRARY.clash(row["name"]), row["name"]
        told += 1
    assert told == 17
    assert max(len(LIBRARY.clash(row["name"])) for row in ROWS) <= 400


def test_a_row_that_contradicts_itself_is_refused_under_its_names() -> None:
    for row in ROWS:
        if row["verdict"] == "uncertain" and row["name"] not in ("La", "Tl"):
            with pytest.raises(AmbiguousIonError, match="no certain structure") as caught:
                NOMAD.get(row["name"])
            assert len(str(caught.value)) <= 400


def test_other_protons_are_told() -> None:
    material = Perovskite.parse("(DAH)PbI4", names="nomad")
    assert str(material) == "(HDA)PbI4"
    assert "drawn with charge +1" in material.cautions[0]


def test_an_unknown_list_is_an_error() -> None:
    with pytest.raises(DataError, match="there are: perospin, nomad"):
        LIBRARY.with_names("nomda")


@pytest.mark.parametrize("ion", ADDED, ids=lambda ion: ion.symbol)
def test_no_added_name_could_be_read_before(ion) -> None:  # type: ignore[no-untyped-def]
    for text in (ion.symbol, f"({ion.symbol})2PbI4", f"({ion.symbol})PbI4", f"{ion.symbol}2PbI4"):
        with pytest.raises(PerospinError):
            Perovskite.parse(text, BEFORE)


_PARTS = sorted(
    {ion.symbol for ion in ADDED}
    | {"MA", "FA", "Cs", "PEA", "BA", "Pb", "Sn", "I", "Br", "Cl", "2", "3", "4", "0.5", "(", ")", "T", "P", "F", "C"}
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PARTS), min_size=2, max_size=8).map("".join))
def test_what_was_read_before_is_read_the_same(text: str) -> None:
    try:
        before = Perovskite.parse(text, BEFORE)
    except PerospinError:
        return
    assert Perovskite.parse(text) == before


def test_every_shipped_formula_is_read_as_before() -> None:
    from perospin.database import curated_records

    formulas = {record.formula for record in curated_records() if record.formula}
    assert len(formulas) > 350
    for formula in formulas:
        assert Perovskite.parse(formula) == Perovskite.parse(formula, BEFORE)


def test_the_list_is_named_with_its_licence() -> None:
    chosen = get_names("nomad")
    assert (chosen.licence, len(chosen.rows)) == ("Apache-2.0", 295)
