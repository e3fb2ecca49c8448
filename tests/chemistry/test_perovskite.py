"""Parsing, roles, families and formats of perovskite formulae."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings

from perospin.chemistry import IonLibrary, Perovskite
from perospin.errors import AmbiguousIonError, FormulaError, PerospinError, UnknownIonError
from strategies import (
    DIVALENT_SPACERS,
    MONOVALENT_SPACERS,
    amounts,
    cubic_amounts,
    layered_amounts,
    perovskites,
)

STYLES = ("plain", "unicode", "latex", "html")


def sites(material: Perovskite) -> tuple[dict[str, float], ...]:
    return tuple(
        {ion.symbol: float(amount) for ion, amount in site}
        for site in (material.spacers, material.a_site, material.b_site, material.x_site)
    )


@pytest.mark.parametrize(
    ("text", "formula", "family", "n"),
    [
        ("MAPbI3", "MAPbI3", "3D", None),
        ("CH3NH3PbI3", "MAPbI3", "3D", None),
        ("(CH3NH3)PbI3", "MAPbI3", "3D", None),
        ("CH(NH2)2PbI3", "FAPbI3", "3D", None),
        ("HC(NH2)2PbI3", "FAPbI3", "3D", None),
        ("MA2Pb2I6", "MAPbI3", "3D", None),
        ("FA0.9Cs0.1PbI2.8Br0.2", "FA0.9Cs0.1PbI2.8Br0.2", "3D", None),
        ("Cs0.05(FA0.83MA0.17)0.95Pb(I0.83Br0.17)3", "FA0.7885MA0.1615Cs0.05PbI2.49Br0.51", "3D", None),
        ("(FAPbI3)0.85(MAPbBr3)0.15", "FA0.85MA0.15PbI2.55Br0.45", "3D", None),
        ("MAPb0.57Sn0.43I3", "MAPb0.57Sn0.43I3", "3D", None),
        ("(PEA)2(MA)3Pb4I13", "(PEA)2(MA)3Pb4I13", "RP", 4),
        ("BA2PbI4", "(BA)2PbI4", "RP", 1),
        ("(BA)4Pb2I8", "(BA)2PbI4", "RP", 1),
        ("BA2CsPb2I7", "(BA)2CsPb2I7", "RP", 2),
        ("BA2(MA)Pb2I7 (n = 2)", "(BA)2(MA)Pb2I7", "RP", 2),
        ("PEA2PbI4(MAPbI3)2", "(PEA)2(MA)2Pb3I10", "RP", 3),
        ("(PEAI)2PbI2", "(PEA)2PbI4", "RP", 1),
        ("(MAI)PbI2", "MAPbI3", "3D", None),
        ("(R-MBA)2PbI4", "(R-MBA)2PbI4", "RP", 1),
        ("(3AMP)(MA)Pb2I7", "(3AMP)(MA)Pb2I7", "DJ", 2),
        ("3AMP(MA)Pb2I7", "(3AMP)(MA)Pb2I7", "DJ", 2),
        ("[C6H5CH2NH3]2PbI4", "(PMA)2PbI4", "RP", 1),
        ("[C6H5(CH2)2NH3]2PbI4", "(PEA)2PbI4", "RP", 1),
        ("(C6H5C2H4NH3)2PbI4", "(PEA)2PbI4", "RP", 1),
        ("(phenethylammonium)2PbI4", "(PEA)2PbI4", "RP", 1),
        ("(butane-1,4-diammonium)PbI4", "(BDA)PbI4", "DJ", 1),
        ("(PEA)2PbI2Br2", "(PEA)2PbI2Br2", "RP", 1),
        ("(BA)1.8(PEA)0.2PbI4", "(BA)1.8(PEA)0.2PbI4", "RP", 1),
        ("(BA)(PEA)PbI4", "(BA)(PEA)PbI4", "RP", 1),
        ("(PEA)1.8(BDA)0.1PbI4", "(PEA)1.8(BDA)0.1PbI4", "RP", 1),
        ("Cs2AgBiBr6", "Cs2AgBiBr6", "double", None),
        ("CsAg0.5Bi0.5Br3", "Cs2AgBiBr6", "double", None),
        ("(MA)2KBiCl6", "MA2KBiCl6", "double", None),
        ("Cs2Au2I6", "Cs2Au2I6", "double", None),
        ("CsAuI3", "Cs2Au2I6", "double", None),
        ("Cs2AgInCl6", "Cs2AgInCl6", "double", None),
        ("(BA)2CsAgBiBr7", "(BA)2CsAgBiBr7", "RP", 2),
        ("(BA)4AgBiBr8", "(BA)4AgBiBr8", "RP", 1),
        ("(4AMPY)2AgBiBr8", "(4AMPY)2AgBiBr8", "DJ", 1),
        ("Cs3Bi2I9", "Cs3Bi2I9", "A3B2X9", None),
        ("(MA)3Bi2I9", "(MA)3Bi2I9", "A3B2X9", None),
        ("(GUA)(MA)3Pb3I10", "(GUA)(MA)3Pb3I10", "ACI", 3),
        ("GUAMAPbI4", "(GUA)(MA)PbI4", "ACI", 1),
        ("(BDA)0.5MA3Pb3I10", "(BDA)0.5(MA)3Pb3I10", "ACI", 3),
        ("(EA)4Pb3Cl10", "(EA)4Pb3Cl10", "RP", 3),
        ("(EA)2(MA)2Pb3Br10", "(EA)2(MA)2Pb3Br10", "RP", 3),
        ("(GUA)2PbI4", "(GUA)2PbI4", "RP", 1),
        ("Cs2PbI2Cl2", "Cs2PbI2Cl2", "RP", 1),
        ("MA2Pb(SCN)2I2", "(MA)2PbI2(SCN)2", "RP", 1),
        ("PEAPbI3", "(PEA)PbI3", "other", None),
        ("Cs4PbBr6", "Cs4PbBr6", "other", None),
        ("CsPb2Br5", "CsPb2Br5", "other", None),
        ("Cs2SnI6", "Cs2SnI6", "other", None),
        ("Cs2SbCl6", "Cs4Sb2Cl12", "other", None),
        ("MDABCO-NH4I3", "(MDABCO)(NH4)I3", "other", None),
        ("(PEA)2(MA)2.5Pb3.5I11.5", "(PEA)4(MA)5Pb7I23", "other", None),
        ("MA3Pb3I7Br2", "MA3Pb3I7Br2", "3D", None),
        ("(R/S-MPEA)2PbI4", "(R-MPEA)(S-MPEA)PbI4", "RP", 1),
        ("(MBA)2PbI4", "(rac-MBA)2PbI4", "RP", 1),
        ("  MAPbI3 ", "MAPbI3", "3D", None),
        ("(PEA)₂PbI₄", "(PEA)2PbI4", "RP", 1),
        ("FA₀.₉Cs₀.₁PbI₃", "FA0.9Cs0.1PbI3", "3D", None),
        ("MA PbI₃", "MAPbI3", "3D", None),
        (r"$(\mathrm{PEA})_2\mathrm{PbI}_{4}$", "(PEA)2PbI4", "RP", 1),
        (r"\ce{(PEA)2(MA)Pb2I7}", "(PEA)2(MA)Pb2I7", "RP", 2),
        ("(PEA)<sub>2</sub>PbI<SUB>4</SUB>", "(PEA)2PbI4", "RP", 1),
        ("（PEA）2PbI4", "(PEA)2PbI4", "RP", 1),
        ("(4F‑PEA)2PbI4", "(4F-PEA)2PbI4", "RP", 1),
    ],
)
def test_parse(text: str, formula: str, family: str, n: int | None) -> None:
    material = Perovskite.parse(text)
    assert (str(material), material.family, material.n_layers) == (formula, family, n)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(PEA)2(MA)3Pb4I13", ({"PEA": 2}, {"MA": 3}, {"Pb": 4}, {"I": 13})),
        ("(EA)4Pb3Cl10", ({"EA": 2}, {"EA": 2}, {"Pb": 3}, {"Cl": 10})),
        ("(GUA)(MA)3Pb3I10", ({"GUA": 1}, {"MA": 3}, {"Pb": 3}, {"I": 10})),
        ("(BA)2(GUA)Pb2I7", ({"BA": 2}, {"GUA": 1}, {"Pb": 2}, {"I": 7})),
        ("(IBA)2(EA)2Pb3I10", ({"iBA": 2}, {"EA": 2}, {"Pb": 3}, {"I": 10})),
        ("(MA)2KBiCl6", ({}, {"MA": 2}, {"K": 1, "Bi": 1}, {"Cl": 6})),
        ("Cs3Bi2I9", ({}, {"Cs": 3}, {"Bi": 2}, {"I": 9})),
        ("PEAPbI3", ({"PEA": 1}, {}, {"Pb": 1}, {"I": 3})),
    ],
)
def test_sites(text: str, expected: tuple[dict[str, float], ...]) -> None:
    assert sites(Perovskite.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "charges"),
    [("Cs2SnI6", [4]), ("CsSnI3", [2]), ("Cs2AgBiBr6", [1, 3]), ("Cs2Au2I6", [1, 3]), ("(MA)2CuCl4", [2]),
     ("Cs3Cu2I5", [1]), ("Cs2TeI6", [4]), ("CsPb0.5Sn0.5I3", [2, 2])],
)  # fmt: skip
def test_charge_states_follow_from_neutrality(text: str, charges: list[int]) -> None:
    material = Perovskite.parse(text)
    assert [ion.charge for ion, _ in material.b_site] == charges
    total = sum(
        ion.charge * amount
        for site in (material.spacers, material.a_site, material.b_site, material.x_site)
        for ion, amount in site
    )
    assert total == 0


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", FormulaError, ["empty"]),
        ("   ", FormulaError, ["empty"]),
        ("(PEEA)2PbI4", UnknownIonError, ["'PEEA'", "position 2", "did you mean PEA", "--ion 'PEEA=<SMILES>'"]),
        ("PEEA2PbI4", UnknownIonError, ["'PEEA'", "position 1", "did you mean PEA"]),
        ("XYZPbI3", UnknownIonError, ["'XYZ'", "position 1"]),
        ("(MAPbZ3)2", UnknownIonError, ["'Z'", "position 6"]),
        ("(pEa)2PbI4", UnknownIonError, ["did you mean", "PEA"]),
        ("(MPA)2PbI4", AmbiguousIonError, ["MOPA", "R-MPEA", "S-MPEA"]),
        ("(C5)2PbI4", AmbiguousIonError, ["PeA", "PeDA"]),
        ("(PyrEA)PbI4", AmbiguousIonError, ["2AEPY", "3AEPY", "4AEPY"]),
        ("MAPbI4", FormulaError, ["isn't charge neutral", "net charge of -1"]),
        ("BA2FAPbI7", FormulaError, ["isn't charge neutral", "-2"]),
        ("MAPbI3-xClx", FormulaError, ["'-x'", "position 7", "give each amount"]),
        ("MAPbClxI3-x", FormulaError, ["'x' behind Cl", "position 7"]),
        ("MAxFA1-xPbI3", FormulaError, ["'x' behind MA"]),
        ("CsPb(I1-xBrx)3", FormulaError, ["'-x' behind I", "position 8"]),
        ("(C8H12N)2PbI4", UnknownIonError, ["composition of", "PEA", "R-MBA", "write the one you mean"]),
        ("(BA)2(MA)n-1PbnI3n+1", FormulaError, ["'n-1"]),
        ("MHyPb(Br,Cl)3", FormulaError, ["','", "without their amounts"]),
        ("CsPbX3", FormulaError, ["'X' stands for any halide"]),
        ("(MA)4PbI6*2H2O", FormulaError, ["'*2H2O'", "hydrates", "(MA)4PbI6 alone"]),
        ("(MA)4PbI6·2H2O", FormulaError, ["hydrates"]),
        ("(3AP)PbBr3Cl.H2O", FormulaError, ["hydrates"]),
        ("MAPbI3·DMF", FormulaError, ["solvent"]),
        ("MAPbBr3/CsPbBr3", FormulaError, ["'/' joins two materials", "position 8"]),
        ("CsPbBr3:Sr", FormulaError, ["dopant"]),
        ("Cs₀FAPbI3", FormulaError, ["amount of Cs is 0"]),
        ("2MAPbI3", FormulaError, ["'2' stands in front"]),
        ("Pb2+", FormulaError, ["charges aren't written"]),
        ("(PEA2PbI4", FormulaError, ["never closed", "position 1"]),
        ("PEA)2PbI4", FormulaError, ["closes no bracket", "position 4"]),
        ("(PEA]2PbI4", FormulaError, ["']' closes '('"]),
        ("()PbI4", FormulaError, ["nothing between the brackets"]),
        ("PbI2", FormulaError, ["no cation beside the metal"]),
        ("MAI", FormulaError, ["no metal"]),
        ("MA2Pb", FormulaError, ["no halide"]),
        ("BiOI", UnknownIonError, ["'O'"]),
        ("perovskite film", FormulaError, ["no part of a formula"]),
        ("phenethylammonium2PbI4", FormulaError, ["brackets"]),
        ("BA2(MA)Pb2I7 (n = 3)", FormulaError, ["n = 3", "n = 2"]),
        ("(((((((((MA)))))))))PbI3", FormulaError, ["nested"]),
        (r"\frac{MA}{2}PbI3", FormulaError, ["LaTeX"]),
        ("MAPbI_", FormulaError, ["no subscript"]),
        ("MAPbI3}", FormulaError, ["closes nothing"]),
        ("MAPb1234567890123I3", FormulaError, ["more than 12 digits"]),
        ("[BrC6H5CH2NH3]2PbI4", UnknownIonError, ["BrC6H4CH2NH3"]),
        ("(F-XYZ)2PbI4", UnknownIonError, ["'F-XYZ'"]),
        ("MA\x00PbI3", FormulaError, ["position 3"]),
        ("MAPbI³", FormulaError, ["position 6"]),
        ("x" * 5000, FormulaError, ["5000 characters"]),
    ],
)  # fmt: skip
def test_errors_say_where_and_what(text: str, error: type[PerospinError], says: list[str]) -> None:
    with pytest.raises(error) as caught:
        Perovskite.parse(text)
    message = str(caught.value)
    for part in says:
        assert part in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("value", [None, 3, b"MAPbI3", ["MAPbI3"]])
def test_only_text_is_parsed(value: object) -> None:
    with pytest.raises(FormulaError, match="a formula is text"):
        Perovskite.parse(value)  # type: ignore[arg-type]


@given(perovskites())
@settings(max_examples=300, deadline=None)
def test_every_format_gives_the_material_back(material: Perovskite) -> None:
    for style in STYLES:
        assert Perovskite.parse(material.format(style)) == material  # type: ignore[arg-type]
    assert hash(Perovskite.parse(str(material))) == hash(material)


@given(amounts())
@settings(max_examples=200, deadline=None)
def test_scale_doesn_t_matter(content: dict[str, Fraction]) -> None:
    doubled = {symbol: 2 * amount for symbol, amount in content.items()}
    assert Perovskite.from_ions(doubled) == Perovskite.from_ions(content)


@given(amounts())
@settings(max_examples=200, deadline=None)
def test_ratios_and_neutrality_are_kept(content: dict[str, Fraction]) -> None:
    material = Perovskite.from_ions(content)
    found: dict[str, Fraction] = {}
    charge = Fraction(0)
    for site in (material.spacers, material.a_site, material.b_site, material.x_site):
        for ion, amount in site:
            found[ion.symbol] = found.get(ion.symbol, Fraction(0)) + amount
            charge += ion.charge * amount
    assert charge == 0
    factors = {found[symbol] / amount for symbol, amount in content.items()}
    assert len(factors) == 1
    assert set(found) == set(content)


@given(cubic_amounts())
@settings(max_examples=100, deadline=None)
def test_cubic_is_3d(content: dict[str, Fraction]) -> None:
    material = Perovskite.from_ions(content)
    assert (material.family, material.n_layers, material.spacers) == ("3D", None, ())


@given(layered_amounts(MONOVALENT_SPACERS, 2))
@settings(max_examples=100, deadline=None)
def test_monovalent_spacers_give_rp(content: dict[str, Fraction]) -> None:
    material = Perovskite.from_ions(content)
    assert material.family == "RP"
    assert sum(amount for _, amount in material.b_site) / sum(amount for _, amount in material.spacers) == Fraction(
        material.n_layers or 0, 2
    )


@given(layered_amounts(DIVALENT_SPACERS, 1))
@settings(max_examples=100, deadline=None)
def test_divalent_spacers_give_dj(content: dict[str, Fraction]) -> None:
    material = Perovskite.from_ions(content)
    assert material.family == "DJ"
    assert material.n_layers == sum(amount for _, amount in material.b_site) / sum(a for _, a in material.spacers)


def test_every_cation_round_trips_alone_and_in_pairs() -> None:
    library = IonLibrary.default()
    cage = [ion for ion in library.cations if ion.role == "a_site"]
    for ion in library.cations:
        material = Perovskite.from_ions({ion: 2 // ion.charge, "Pb": 1, "I": 4})
        assert Perovskite.parse(str(material)) == material
    for a in cage:
        for b in cage:
            if a != b:
                for metals in ("AgBi", "NaIn"):
                    material = Perovskite.from_ions({a: 1, b: 1, metals[:2]: 1, metals[2:]: 1, "Cl": 6})
                    assert Perovskite.parse(str(material)) == material


def test_organic_cations_and_mass() -> None:
    material = Perovskite.parse("(BA)2(MA)Pb2I7")
    assert {ion.symbol: float(amount) for ion, amount in material.organic} == {"BA": 2, "MA": 1}
    assert Perovskite.parse("Cs2PbI2Cl2").organic == ()
    assert {ion.symbol: float(a) for ion, a in Perovskite.parse("(EA)4Pb3Cl10").organic} == {"EA": 4}
    # C9H30I7N3Pb2 from standard atomic masses
    expected = 9 * 12.011 + 30 * 1.008 + 7 * 126.904 + 3 * 14.007 + 2 * 207.2
    assert material.molar_mass_g_mol == pytest.approx(expected, rel=1e-5)
    assert material.composition["C"] == 9.0


def test_styles() -> None:
    material = Perovskite.parse("FA0.9Cs0.1PbI2.8Br0.2")
    assert material.format("unicode") == "FA₀.₉Cs₀.₁PbI₂.₈Br₀.₂"
    assert material.format("latex") == r"$\text{FA}_{0.9}\text{Cs}_{0.1}\text{Pb}\text{I}_{2.8}\text{Br}_{0.2}$"
    assert material.format("html") == "FA<sub>0.9</sub>Cs<sub>0.1</sub>PbI<sub>2.8</sub>Br<sub>0.2</sub>"
    with pytest.raises(FormulaError, match="unknown style"):
        material.format("word")  # type: ignore[arg-type]


def test_from_ions_refuses_bad_amounts() -> None:
    for amount in (0, -1, "x", float("nan")):
        with pytest.raises(FormulaError, match="positive number"):
            Perovskite.from_ions({"MA": amount, "Pb": 1, "I": 3})


def test_describe() -> None:
    assert Perovskite.parse("(PEA)2PbI4").describe() == "(PEA)2PbI4: RP, n = 1, spacer PEA, B Pb(+2), X I"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "()" * 5_000,
        "MA" * 2_000,
        "MA" * 1_999 + "!",
        "PbI" * 1_300 + "z",
        "z" + "Pb" * 1_900 + "z",
        "-x" * 2_000,
        "1" * 4_000,
        "MA-" + "1" * 3_000,
        "((((((((" * 400 + "MA" + "))))))))" * 400,
        "((((((((MA" + "MA)" * 8 + "(((((((" * 100,
        "(((((((" + "(MA)" * 900 + ")))))))q",
        "{" * 2_000 + "}" * 2_000,
        "_{" * 1_900,
        "\\mathrm{" * 400,
        "C6H5CH2" * 500,
        "R/S-" * 900,
        "Cs" * 1000 + "Pb" * 900,
        "n = " * 900,
        " " * 3_999 + "n",
        "₂" * 3_999,
        "𝔐" * 3_000,
    ],
)
def test_adversarial_text_is_refused_quickly(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(PerospinError):
        Perovskite.parse(text)
    assert time.perf_counter() - start < 2.0


def test_charge_states_don_t_depend_on_the_order_of_the_metals() -> None:
    materials = {Perovskite.parse(f"MA2{metals}I10") for metals in ("SnGeSnGe", "Ge2Sn2", "Sn2Ge2")}
    assert len(materials) == 1
