from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.database import Conditions, Record, Source
from perospin.database.record import COLUMNS, normalise_doi, to_canonical
from perospin.database.vocabulary import PROPERTIES, get_property
from perospin.errors import DataError, FormulaError
from perospin.units import convert

SOURCE = Source(doi="10.1039/d5sc07406a", first_author="Li", year=2025)


def test_value_is_converted_and_the_original_kept() -> None:
    record = Record.measured("PEA2PbI4", "T1", 25.0, "us", SOURCE, uncertainty=2.0)
    assert record.value == pytest.approx(25e6)
    assert record.uncertainty == pytest.approx(2e6)
    assert (record.unit, record.original_value, record.original_unit) == ("ps", 25.0, "us")
    assert record.formula == "(PEA)2PbI4"
    assert record.material == "PEA2PbI4"


def test_rate_becomes_a_lifetime_with_its_uncertainty() -> None:
    record = Record.measured("BA2PbI4", "tau_spin", 5.0, "1/ps", SOURCE, uncertainty=0.5)
    assert record.value == pytest.approx(0.2)
    assert record.uncertainty == pytest.approx(0.02)


def test_rate_in_another_unit() -> None:
    assert to_canonical("tau_spin", 1e12, "1/s")[0] == pytest.approx(1.0)


@settings(deadline=None)
@given(st.floats(1e-3, 1e9), st.sampled_from(["fs", "ns", "us", "s"]))
def test_lifetime_units_agree_with_the_unit_table(value: float, unit: str) -> None:
    assert to_canonical("T1", value, unit)[0] == pytest.approx(convert(value, unit, "ps"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"property": "tau_spn"}, "did you mean tau_spin"),
        ({"unit": "meV"}, "does not fit tau_spin"),
        ({"unit": "parsec per fortnight"}, "parsec"),
        ({"value": -1.0}, "greater than 0"),
        ({"value": math.nan}, "finite"),
        ({"value": 0.0, "unit": "1/ps"}, "greater than 0"),
        ({"uncertainty": -1.0}, "negative"),
        ({"limit": "about"}, "must be one of"),
        ({"composition": "sure"}, "must be one of"),
        ({"material": ""}, "empty"),
    ],
)
def test_a_wrong_record_is_one_clear_sentence(change: dict[str, object], words: str) -> None:
    good: dict[str, object] = {"material": "MAPbI3", "property": "tau_spin", "value": 1.0, "unit": "ps"}
    with pytest.raises((DataError, FormulaError), match=words) as caught:
        Record.measured(source=SOURCE, **{**good, **change})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_unreadable_formula_is_an_error_unless_said_to_be_unknown() -> None:
    with pytest.raises(FormulaError, match="PEEA"):
        Record.measured("(PEEA)2PbI4", "tau_spin", 1.0, "ps", SOURCE)
    record = Record.measured("(PEEA)2PbI4", "tau_spin", 1.0, "ps", SOURCE, composition="unknown")
    assert (record.formula, record.composition) == ("", "unknown")


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        (Source, {}, "needs a source"),
        (Source, {"doi": "see abstract"}, "neither a DOI"),
        (Source, {"url": "x.org", "year": 20}, "between 1900 and 2100"),
        (Source, {"url": "x.org", "evidence": "hearsay"}, "primary, secondary"),
        (Conditions, {"carrier": "elec"}, "must be one of"),
        (Conditions, {"temperature_k": -3.0}, "between 0 and 3000"),
        (Conditions, {"field_t": math.inf}, "finite"),
        (Conditions, {"excitation_nm": 0.0}, "greater than 0"),
        (Conditions, {"fluence_uj_cm2": -1.0}, "negative"),
        (Conditions, {"n_layers": 0}, "1 or more"),
        (Conditions, {"lifetime_convention": "T1"}, "must be one of"),
    ],
)
def test_wrong_source_or_condition(kind: type, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        kind(**arguments)


@pytest.mark.parametrize(
    "text",
    [
        "10.48550/arXiv.2603.03038",
        "arXiv:2603.03038v2",
        "2603.03038",
        "https://arxiv.org/abs/2603.03038v1",
        "https://doi.org/10.48550/arXiv.2603.03038",
        "doi:10.48550/arXiv.2603.03038",
    ],
)
def test_doi_and_arxiv_spellings_meet(text: str) -> None:
    assert normalise_doi(text) == "10.48550/arXiv.2603.03038"
    assert Source(doi=text).arxiv == "2603.03038"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_doi_or_one_error(text: str) -> None:
    try:
        plain = normalise_doi(text)
    except DataError:
        return
    assert normalise_doi(plain) == plain


@settings(deadline=None)
@given(
    prop=st.sampled_from(sorted(PROPERTIES)),
    value=st.floats(1e-9, 1e12),
    temperature=st.none() | st.floats(0, 1000),
    note=st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]), max_size=30),
    theory=st.booleans(),
)
def test_dictionary_and_record_are_inverse(
    prop: str, value: float, temperature: float | None, note: str, theory: bool
) -> None:
    record = Record.measured(
        "MAPbI3", prop, value, get_property(prop).unit, SOURCE,
        conditions=Conditions(temperature_k=temperature), note=note, theory=theory,
    )  # fmt: skip
    flat = record.to_dict()
    assert tuple(flat) == COLUMNS
    assert Record.from_dict(flat) == record
    assert Record.from_dict(flat).fingerprint() == record.fingerprint()


def test_fingerprint_sees_content_and_not_the_identifier() -> None:
    record = Record.measured("MAPbI3", "T1", 1.0, "ns", SOURCE)
    assert record.with_id("user-7").fingerprint() == record.fingerprint()
    assert Record.measured("MAPbI3", "T2", 1.0, "ns", SOURCE).fingerprint() != record.fingerprint()


def test_from_dict_names_what_is_wrong() -> None:
    with pytest.raises(DataError, match="unknown column 'colour'"):
        Record.from_dict({"colour": "red"})
    with pytest.raises(DataError, match="needs the column 'material'"):
        Record.from_dict({"value": 1.0})


def test_user_defined_cation() -> None:
    from perospin.chemistry import IonLibrary

    library = IonLibrary.default().with_ions({"XyzEA": "[NH3+]CCCC(Cl)CCBr"})
    record = Record.measured("(XyzEA)2PbI4", "T1", 1.0, "ns", SOURCE, ions=library)
    assert (record.formula, record.composition) == ("(XyzEA)2PbI4", "known")


def test_every_canonical_unit_is_a_unit() -> None:
    for prop in PROPERTIES.values():
        assert convert(1.5, prop.unit, prop.unit) == 1.5


def test_minus_zero_is_zero() -> None:
    source = Source(first_author="Me")
    minus = Record.measured("MAPbI3", "g_factor", -0.0, "1", source, conditions=Conditions(field_t=-0.0))
    plus = Record.measured("MAPbI3", "g_factor", 0.0, "1", source, conditions=Conditions(field_t=0.0))
    assert minus.fingerprint() == plus.fingerprint()
