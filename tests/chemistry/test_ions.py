"""Looking ions up, and adding one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.chemistry import IonLibrary, Perovskite
from perospin.errors import AmbiguousIonError, DataError, PerospinError, UnknownIonError

LIBRARY = IonLibrary.default()


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("PEA", "PEA"), ("BA", "BA"), ("MA", "MA"), ("PA", "PA"), ("ODA", "ODA"), ("HA", "HA"), ("TMA", "TMA"),
        ("PMA", "PMA"), ("PeA", "PeA"), ("PIP", "PIP"), ("Pip", "PIPD"), ("BZA", "PMA"), ("nBA", "BA"),
        ("GA", "GUA"), ("MBA", "rac-MBA"), ("CH3NH3", "MA"), ("C6H5C2H4NH3", "PEA"), ("Phenethylammonium", "PEA"),
        ("n-butylammonium", "BA"), ("butylammonium", "BA"), ("propylammonium", "PA"), ("caesium", "Cs"),
        ("cesium", "Cs"), ("thiocyanate", "SCN"), ("iodide", "I"), (" PEA ", "PEA"), ("NCS", "SCN"),
    ],
)  # fmt: skip
def test_get(name: str, symbol: str) -> None:
    assert LIBRARY.get(name).symbol == symbol
    assert name in LIBRARY or name != name.strip()


@pytest.mark.parametrize(
    "name",
    ["acetamidinium", "ammonium", "azetidinium", "butylammonium", "dimethylammonium", "ethylammonium",
     "formamidinium", "guanidinium", "hydrazinium", "hydroxylammonium", "imidazolium", "isopropylammonium",
     "methylammonium", "propylammonium", "tetramethylammonium", "trimethylammonium"],
)  # fmt: skip
def test_the_cations_of_the_band_gap_table_have_their_names(name: str) -> None:
    ion = LIBRARY.get(name)
    assert ion.charge == 1
    assert name.removesuffix("ium")[:4] in ion.name


def test_ions_know_themselves() -> None:
    pea = LIBRARY.get("PEA")
    assert (pea.charge, pea.role, pea.composition) == (1, "spacer", {"C": 8, "H": 12, "N": 1})
    assert pea.molar_mass_g_mol == pytest.approx(122.19, abs=0.01)
    assert pea.is_organic
    assert not pea.is_monatomic
    assert pea.n_heavy_atoms == 9
    assert not LIBRARY.get("Cs").is_organic
    assert LIBRARY.get("3AMP").charge == 2
    assert LIBRARY.get("tin(IV)").charge == 4
    assert [ion.charge for ion in LIBRARY.states("Sn")] == [2, 4]
    assert len(LIBRARY) == len(LIBRARY.cations) + len(LIBRARY.metals) + len(LIBRARY.anions) == len(list(LIBRARY))


def test_published_molar_masses() -> None:
    # the 52-material table gives these means over the organic cations
    published = {
        "(BA)2PbI4": 74.14494,
        "(PEA)2PbI4": 122.18788,
        "(3AMP)PbI4": 116.20487,
        "(BA)2(MA)Pb2I7": 60.1183,
        "(4I-PMA)2PbI4": 234.05779,
        "(EOA)2PbI4": 62.09111,
    }
    for formula, mass in published.items():
        organic = Perovskite.parse(formula).organic
        mean = sum(ion.molar_mass_g_mol * float(a) for ion, a in organic) / sum(float(a) for _, a in organic)
        assert mean == pytest.approx(mass, abs=0.005)


@pytest.mark.parametrize("name", sorted(LIBRARY.ambiguous))
def test_ambiguous_abbreviations_list_their_ions(name: str) -> None:
    with pytest.raises(AmbiguousIonError) as error:
        LIBRARY.get(name)
    for symbol in LIBRARY.ambiguous[name]:
        assert f"{symbol} (" in str(error.value)


def test_a_missing_hand_is_ambiguous_but_both_hands_make_a_formula() -> None:
    with pytest.raises(AmbiguousIonError, match="R-4F-MBA"):
        LIBRARY.get("FMBA")
    material = Perovskite.parse("(FMBA)2PbBr4")
    assert [ion.symbol for ion, _ in material.spacers] == ["R-4F-MBA", "S-4F-MBA"]


@pytest.mark.parametrize(("name", "hint"), [("PEEA", "PEA"), ("C6H5CH2NH2", "C6H5CH2NH3")])
def test_unknown_ions_get_a_hint(name: str, hint: str) -> None:
    with pytest.raises(UnknownIonError) as error:
        LIBRARY.get(name)
    assert f"did you mean {hint}" in str(error.value)
    assert f"--ion '{name}=<SMILES>'" in str(error.value)


@given(st.text(max_size=200))
def test_any_name_is_found_or_refused(name: str) -> None:
    try:
        LIBRARY.get(name)
    except PerospinError as error:
        message = str(error)
        assert message
        assert "\n" not in message


def test_own_ion_from_smiles() -> None:
    library = LIBRARY.with_ions({"PEEA": "[NH3+]CCCCCc1ccccc1"})
    ion = library.get("PEEA")
    assert (ion.charge, ion.role, ion.composition) == (1, "spacer", {"C": 11, "H": 18, "N": 1})
    material = Perovskite.parse("PEEA2PbI4", library)
    assert (str(material), material.family) == ("(PEEA)2PbI4", "RP")
    assert Perovskite.parse(str(material), library) == material
    with pytest.raises(UnknownIonError):
        LIBRARY.get("PEEA")  # the shipped library is unchanged


def test_own_ions_from_arguments() -> None:
    library = LIBRARY.with_ions(["QX=C[NH2+]C1CCC1", "QY=[NH3+]CC1CCC(C[NH3+])C1"])
    assert Perovskite.parse("(QX)2(MA)Pb2I7", library).n_layers == 2
    assert Perovskite.parse("(QY)PbI4", library).family == "DJ"


def test_own_name_for_a_known_molecule_is_an_alias() -> None:
    library = LIBRARY.with_ions({"QPEA": "c1ccc(cc1)CC[NH3+]"})
    assert library.get("QPEA").symbol == "PEA"
    assert Perovskite.parse("QPEA2PbI4", library) == Perovskite.parse("(PEA)2PbI4", library)
    assert len(library) == len(LIBRARY)


def test_own_name_settles_an_ambiguity() -> None:
    library = LIBRARY.with_ions({"MPA": "CSCCC[NH3+]"})
    assert library.get("MPA").composition["S"] == 1


@pytest.mark.parametrize(
    ("name", "entry", "says"),
    [
        ("QX", "NCCc1ccccc1", "[NH3+]CCc1ccccc1"),
        ("QX", "c1ccncc1", "[nH+]"),
        ("QX", "CNC", "C[NH2+]C"),
        ("QX", "Nc1ccccc1", "[NH3+]c1ccccc1"),
        ("QX", "CCO", "neutral molecule"),
        ("QX", "[I-]", "charge -1"),
        ("QX", "[NH3+]CC([NH3+])C[NH3+]", "charge +3"),
        ("QX", "C[NH3+].[I-]", "several parts"),
        ("QX", "not smiles", "isn't a valid SMILES"),
        ("QX", "", "isn't a valid SMILES"),
        ("QX", "C" * 500 + "[NH3+]", "at most 400"),
        ("QX", "[CH2]C[NH3+]", "free valence"),
        ("PEA", "CCC[NH3+]", "already stands for PEA"),
        ("Pb", "CCC[NH3+]", "already stands for Pb"),
        ("MAPb", "CCC(C)C(C)[NH3+]", "can already be read"),
        ("Q X", "C[NH2+]C1CCC1", "can't name an ion"),
        ("Q(X)", "C[NH2+]C1CCC1", "can't name an ion"),
        ("q", "C[NH2+]C1CCC1", "can't name an ion"),
        ("", "C[NH2+]C1CCC1", "can't name an ion"),
        ("QX", {"smiles": "C[NH2+]C1CCC1", "role": "metal"}, "role"),
        ("QX", {"smiles": "C[NH2+]C1CCC1", "radius_pm": -3}, "radius_pm"),
        ("QX", {"smiles": "C[NH2+]C1CCC1", "colour": "red"}, "unknown entry 'colour'"),
        ("QX", {"smiles": "C[NH2+]C1CCC1", "aliases": "QZ"}, "list of texts"),
        ("QX", {"name": "x"}, "needs its SMILES"),
        ("QX", 5, "needs its SMILES"),
    ],
)
def test_wrong_own_ions_are_one_sentence(
    name: str, entry: object, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError) as error:
        LIBRARY.with_ions({name: entry})  # type: ignore[dict-item]
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""  # RDKit keeps quiet


@pytest.mark.parametrize("text", ["PEEA", "=C", "PEEA=", ""])
def test_wrong_arguments(text: str) -> None:
    with pytest.raises(DataError, match="NAME=SMILES"):
        LIBRARY.with_ions([text])


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "ions.toml"
    path.write_text(
        '[ions]\nQX = "C[NH2+]C1CCC1"\n'
        '[ions.QY]\nsmiles = "C[NH2+]C1CC1"\nname = "a cage ion"\nrole = "a_site"\naliases = ["QZ"]\nradius_pm = 250\n',
        encoding="utf-8",
    )
    library = IonLibrary.from_toml(path)
    assert library.get("QZ").radius_pm == 250
    assert str(Perovskite.parse("(QX)2(QZ)Pb2I7", library)) == "(QX)2(QY)Pb2I7"
    assert library.with_toml(path).get("QX") == library.get("QX")  # twice the same is no conflict


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[ions", "is not valid TOML"),
        ("a = 1", "needs a table [ions]"),
        ("ions = 3", "needs a table [ions]"),
        (None, "can't be read"),
    ],
)
def test_wrong_toml(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "ions.toml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as error:
        IonLibrary.from_toml(path)
    assert says in str(error.value)


def test_import_and_parse_load_nothing_heavy() -> None:
    code = (
        "import sys; from perospin.chemistry import Perovskite; Perovskite.parse('(PEA)2PbI4'); import perospin.units;"
        "heavy = {'rdkit', 'pandas', 'sklearn', 'scipy', 'jax', 'pymatgen', 'numpy'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
