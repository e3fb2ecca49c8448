"""What a formula spells: unknown ions spelt by known ones, two materials in one formula, short forms, rounding."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.chemistry import IonLibrary, Perovskite
from perospin.errors import FormulaError, UnknownIonError
from strategies import perovskites

FIELD_CASES = Path(__file__).parents[1] / "data" / "field_cases" / "formula_joined" / "list.txt"


@pytest.mark.parametrize("text", FIELD_CASES.read_text(encoding="utf-8").split("\n")[:-1])
def test_field_cases_are_refused(text: str) -> None:
    with pytest.raises(FormulaError, match=r"joins two materials|an additive|a short form"):
        Perovskite.parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("(ImBA)PbI4", "ImBA"),
        ("(ImPEA)PbI4", "ImPEA"),
        ("(PPBA)PbI4", "PPBA"),
        ("(PPBA)2PbI4", "PPBA"),
        ("(2TImBrI)2PbI4", "2TImBrI"),  # an abbreviation that ends in I
        ("(PDAI)PbI3", "PDAI"),
        ("(LiBA)PbI4", "LiBA"),  # a metal in front
        ("(PEA-MA)PbI4", "PEA-MA"),
        ("(PEA2MA)Pb2I7", "PEA2MA"),
        ("(FAMA)PbI4", "FAMA"),
        ("BrBAPbI2", "BrBA"),
        ("ClMAPbI2", "ClMA"),
        ("PDAIPbI3", "PDAI"),
    ],
)
def test_an_unknown_ion_isn_t_split_into_known_ones(text: str, name: str) -> None:
    with pytest.raises(UnknownIonError, match=f"unknown ion '{name}'.*it isn't read as .* --ion '{name}=<SMILES>'"):
        Perovskite.parse(text)


def test_such_an_ion_can_be_defined() -> None:
    ions = IonLibrary.default().with_ions({"ImBA": "[NH3+]CCc1c[nH]c[nH+]1", "BrBA": "[NH3+]CCCCBr"})
    assert str(Perovskite.parse("(ImBA)PbI4", ions)) == "(HIS)PbI4"  # the library has it as histammonium
    assert str(Perovskite.parse("(BrBA)2PbI4", ions)) == "(BrBA)2PbI4"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("MAPbI3MAPbI3", "two materials"),
        ("MAPbI3 CsPbBr3", "two materials"),
        ("(MAPbI3)(MAPbBr3)", "two materials"),
        ("MAPbI3(CsPbBr3)0.1", "two materials"),
        ("(MAPbI3MAPbI3)2", "two materials"),
        ("CsPbBr3Cs4PbBr6", "two materials"),
        ("MAPbI3–CsPbBr3", "joins two materials.*give MAPbI3 alone"),
        ("MAI-PbI2", "joins two materials"),
        ("MAIPbI2", "two compounds"),
        ("FASnI3(PEAI)0.1", "additive"),
        ("(FAPbI3)0.85(MAPbBr3)0.15(MACl)0.3", "additive"),
        ("(FASnI3)0.9(SnF2)0.1", "additive"),
        ("FA0.83Cs0.16PbI3 (PEAI)0.01", "additive"),
        ("FAPbI3 | MAPbBr3", "'|' joins two materials"),
        ("CsPbBr3@Cs4PbBr6", "'@' joins two materials"),
        ("MAPbI3+PEAI", "'\\+' joins two materials"),
        ("MAPbI3, CsPbI3", "',' joins two materials"),
        ("MAPbI3 and CsPbI3", "'and' joins two materials"),
        ("FAMAPbI3", "'FAMA' is a short form without amounts"),
        ("CsFAPbIBr3", "'CsFA' is a short form without amounts"),
        ("FA-CsPbIBr3", "'FA-Cs' is a short form"),
        ("ImBAPbI4", "'ImBA' is a short form without amounts, or one unknown ion"),
        ("CD3ND3PbI3", "isotope"),
        ("(C6D5C2H4NH3)2PbI4", "isotope"),
        ("(d5-PEA)2PbI4", "isotope"),
        ("MAPbI3-d6", "isotope"),
        ("MAd6PbI3", "isotope"),
        ("d-MAPbI3", "isotope"),
        ("DC(ND2)2PbI3", "isotope"),
        ("(13CH3NH3)PbI3", "isotope"),
        ("MASb2I9", "isn't charge neutral"),
        ("MA2SnI5", "isn't charge neutral"),
        ("CsSnI4", "isn't charge neutral"),
        ("Cs2SnGeI8", "can be balanced by Ge\\(\\+2\\) Sn\\(\\+4\\) or Ge\\(\\+4\\) Sn\\(\\+2\\)"),
        ("MA0.97PbI3", "isn't charge neutral"),
    ],
)
def test_what_isn_t_one_compound_is_refused(text: str, says: str) -> None:
    with pytest.raises(FormulaError, match=says) as caught:
        Perovskite.parse(text)
    assert len(str(caught.value)) <= 400


@pytest.mark.parametrize(
    ("text", "formula", "family", "caution"),
    [
        ("(FAPbI3)0.95(MAPbBr3)0.05", "FA0.95MA0.05PbI2.85Br0.15", "3D", ""),
        ("BDAMA3Pb4I13", "(BDA)(MA)3Pb4I13", "DJ", ""),
        ("BDAMAPb2I7", "(BDA)(MA)Pb2I7", "DJ", ""),
        ("GAMA3Pb3I10", "(GUA)(MA)3Pb3I10", "ACI", ""),
        ("[(PEA)2MA]Pb2I7", "(PEA)2(MA)Pb2I7", "RP", ""),
        ("Cs2(AgBi)Br6", "Cs2AgBiBr6", "double", ""),
        ("Cs2Pb(ICl)2", "Cs2PbI2Cl2", "RP", ""),
        ("(PEA)2[PbI4]", "(PEA)2PbI4", "RP", ""),
        ("Cs2SnI6", "Cs2SnI6", "other", ""),
        ("DMABA2Pb2I7", "(BA)2(DMA)Pb2I7", "RP", "'DMABA' is read as the two ions DMA and BA"),
        ("PEA2PbI4(MAPbI3)2", "(PEA)2(MA)2Pb3I10", "RP", "PEA2PbI4 and (MAPbI3)2 are added up"),
        ("(PEAI)2(MAPbI3)3PbI2", "(PEA)2(MA)3Pb4I13", "RP", "are added up"),
        ("(PEAI)2PbI2", "(PEA)2PbI4", "RP", "are added up"),
        ("Cs2Au2I6", "Cs2Au2I6", "double", "Au is read in two charge states"),
        ("Cs2SbCl6", "Cs4Sb2Cl12", "other", "Sb is read in two charge states"),
        ("MASnI5", "(MA)SnI5", "other", "Sn(+4) is what the amounts ask for"),
        ("Cs0.33FA0.33MA0.33PbI3", "Cs0.33FA0.33MA0.33PbI3", "3D", "net charge of -0.01 e"),
        ("FA0.79MA0.16Cs0.04PbI2.49Br0.51", "FA0.79MA0.16Cs0.04PbI2.49Br0.51", "3D", "-0.01 e"),
        ("FA0.83Cs0.17PbI2.49Br0.5", "FA0.83Cs0.17PbI2.49Br0.5", "3D", "+0.01 e"),
        ("(PEA)2PbI3.98", "(PEA)2PbI3.98", "RP", "+0.02 e"),
        ("(BA)2(FA0.67MA0.31)Pb2I7", "(BA)2(FA)0.67(MA)0.31Pb2I7", "RP", "-0.02 e"),
    ],
)
def test_custom_is_read_and_doubt_is_told(text: str, formula: str, family: str, caution: str) -> None:
    material = Perovskite.parse(text)
    assert (str(material), material.family) == (formula, family)
    if caution:
        assert any(caution in said for said in material.cautions)
    else:
        assert material.cautions == ()


def test_cautions_play_no_part_in_equality() -> None:
    material = Perovskite.parse("(PEAI)2PbI2")
    assert material.cautions
    assert material == Perovskite.parse("(PEA)2PbI4")
    assert hash(material) == hash(Perovskite.parse("(PEA)2PbI4"))


@given(perovskites())
@settings(max_examples=200, deadline=None)
def test_canonical_formulae_are_spelt_without_doubt(material: Perovskite) -> None:
    again = Perovskite.parse(str(material))
    assert again == material
    assert not any("two ions" in said or "added up" in said for said in again.cautions)


@given(perovskites(), st.integers(-20, 20))
@settings(max_examples=200, deadline=None)
def test_rounding_keeps_family_and_amounts(material: Perovskite, thousandths: int) -> None:
    """A halide amount off by up to 0.02 a metal changes neither the family nor what was written."""
    ions = {ion: amount for site in (material.spacers, material.a_site, material.b_site) for ion, amount in site}
    if len({ion.symbol for ion in ions}) < len(material.spacers) + len(material.a_site) + len(material.b_site):
        return  # an ion on two sites or in two charge states
    metals = sum(amount for _, amount in material.b_site)
    halide, amount = material.x_site[0]
    rounded = amount + Fraction(thousandths, 1000) * metals
    if rounded <= 0:
        return
    amounts = {**ions, **dict(material.x_site), halide: rounded}
    read = Perovskite.from_ions({ion.symbol: value for ion, value in amounts.items()})
    if material.family in ("3D", "RP", "DJ", "A3B2X9"):
        assert (read.family, read.n_layers) == (material.family, material.n_layers)
    assert any("rounding" in said for said in read.cautions) == (thousandths != 0)
