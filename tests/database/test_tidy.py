from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.database import Conditions, Record, Source, read_records, write_records
from perospin.database.record import COLUMNS
from perospin.database.tidy import RecordRow, check_rows, read_cells, to_cells, validate_row
from perospin.errors import DataError

GOOD = {"material": "MAPbI3", "property": "tau_spin", "value": "2.5", "unit": "ps", "doi": "10.1039/d5sc07406a"}

numbers = st.none() | st.floats(1e-6, 2000.0)
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)


@st.composite
def records(draw: st.DrawFn) -> Record:
    conditions = Conditions(
        dimensionality=draw(words), n_layers=draw(st.none() | st.integers(1, 9)), phase=draw(words), form=draw(words),
        size_nm=draw(numbers), carrier=draw(st.sampled_from(["", "electron", "hole", "exciton", "unspecified"])),
        technique=draw(words), temperature_k=draw(numbers), field_t=draw(numbers), fluence_uj_cm2=draw(numbers),
        lifetime_convention=draw(st.sampled_from(["", "spin_flip", "polarisation_decay", "hanle_width"])),
    )  # fmt: skip
    source = Source(
        doi=draw(st.sampled_from(["", "10.1039/d5sc07406a"])), first_author="Li", year=draw(st.none() | st.just(2025)),
        evidence=draw(st.sampled_from(["primary", "secondary"])), url=draw(words),
    )  # fmt: skip
    return Record.measured(
        "(PEA)2PbI4", "tau_spin", draw(st.floats(1e-6, 1e12)), draw(st.sampled_from(["ps", "ns", "1/ps"])), source,
        uncertainty=draw(st.none() | st.floats(0, 10)), conditions=conditions, note=draw(words),
        limit=draw(st.sampled_from(["value", "upper", "lower", "up_to"])), estimated=draw(st.booleans()),
        theory=draw(st.booleans()), origin=draw(words),
    )  # fmt: skip


def test_row_model_and_record_name_the_same_fields() -> None:
    assert tuple(RecordRow.model_fields) == COLUMNS
    assert {f.name for f in fields(Source)} | {f.name for f in fields(Conditions)} <= set(COLUMNS)


@settings(deadline=None)
@given(records())
def test_text_and_record_are_inverse(record: Record) -> None:
    again, issues = validate_row(to_cells(record), 2)
    assert issues == []
    assert again == record


@settings(deadline=None)
@given(st.lists(records(), min_size=1, max_size=4))
def test_file_and_records_are_inverse(tmp_path_factory: pytest.TempPathFactory, many: list[Record]) -> None:
    path = tmp_path_factory.mktemp("tidy") / "records.csv"
    assert write_records(many, path) == len(many)
    assert read_records(path) == many


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("property", "tau", "unknown property 'tau'"),
        ("value", "1,5", "not a number"),
        ("value", "", "missing; every record needs a value"),
        ("value", "inf", "finite"),
        ("value", "-2", "greater than 0"),
        ("unit", "meV", "does not fit tau_spin"),
        ("unit", "", "missing; every record needs a unit"),
        ("material", "(PEEA)2PbI4", "unknown ion 'PEEA'"),
        ("material", "", "missing; every record needs a material"),
        ("uncertainty", "-1", "at least 0"),
        ("limit", "about", "must be one of: value, upper, lower, up_to"),
        ("temperature_k", "-4", "at least 0 K"),
        ("temperature_k", "warm", "not a number"),
        ("size_nm", "0", "greater than 0 nm"),
        ("carrier", "elec", "must be one of: electron, hole, exciton"),
        ("n_layers", "2.5", "not a whole number"),
        ("year", "25", "at least 1900"),
        ("doi", "see text", "neither a DOI"),
        ("estimated", "perhaps", "true or false"),
        ("evidence", "hearsay", "must be one of: primary, secondary"),
        ("composition", "sure", "must be one of: known, other, unknown"),
    ],
)
def test_each_bad_cell_is_named(column: str, cell: str, words: str) -> None:
    record, issues = validate_row({**GOOD, column: cell}, 7)
    assert record is None
    assert [(issue.row, issue.column, issue.value) for issue in issues] == [(7, column, cell)]
    assert words in issues[0].message
    assert "\n" not in str(issues[0])


def test_all_bad_cells_of_a_row_are_found_at_once() -> None:
    cells = {**GOOD, "material": "(PEEA)2PbI4", "unit": "meV", "value": "x", "temperature_k": "-1", "doi": "abc"}
    _, issues = validate_row(cells, 3)
    assert {issue.column for issue in issues} == {"material", "unit", "value", "temperature_k", "doi"}


def test_a_value_without_any_source_is_refused() -> None:
    _, issues = validate_row({k: v for k, v in GOOD.items() if k != "doi"}, 2)
    assert [(issue.column, "needs a source" in issue.message) for issue in issues] == [("doi", True)]


def test_unknown_material_can_be_kept_as_text() -> None:
    record, issues = validate_row({**GOOD, "material": "a chiral film"}, 2, allow_unknown=True)
    assert issues == []
    assert record is not None
    assert (record.material, record.formula, record.composition) == ("a chiral film", "", "unknown")


def test_formula_must_be_canonical() -> None:
    _, issues = validate_row({**GOOD, "material": "PEA2PbI4", "formula": "PEA2PbI4"}, 2)
    assert [(i.column, i.message) for i in issues] == [("formula", "not canonical; write (PEA)2PbI4")]


def test_ragged_row_and_foreign_column() -> None:
    header = ["material", "property", "value", "unit", "doi", "colour"]
    rows = [["MAPbI3", "tau_spin", "1", "ps", "10.1039/d5sc07406a", "red"], ["MAPbI3", "tau_spin", "1"]]
    found, issues = check_rows(header, rows)
    assert len(found) == 1
    assert [(i.row, i.column) for i in issues] == [(1, "colour"), (3, "colour")]
    assert "3 cells where the header has 6" in issues[1].message


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separator_and_byte_order_mark_are_recognised(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\ufeff" + separator.join(GOOD) + "\n" + separator.join(GOOD.values()) + "\n", encoding="utf-8")
    assert [r.value for r in read_records(path)] == [2.5]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b,a\n1,2,3\n", "two columns named 'a'"),
        (b"material\n\x00\x01\x02\x03\n", "not a text file"),
        (b'a,b\n"1,2\n', "unclosed quotation mark"),
        (b",,\n1,2,3\n", "must name the columns"),
    ],
)
def test_unusable_file_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_cells(path)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't read"):
        read_cells(tmp_path / "none.csv")


def test_read_records_tells_the_first_bad_cell(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(",".join(GOOD) + "\nMAPbI3,tau_spin,x,meV,10.1039/d5sc07406a\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 2, column 'value': not a number.* \(and 1 more bad cells\)"):
        read_records(path)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_table_or_one_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "any.csv"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        header, rows = read_cells(path)
    except DataError:
        return
    check_rows(header, rows)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=20)))
def test_any_row_gives_a_record_or_issues(cells: dict[str, str]) -> None:
    record, issues = validate_row(cells, 2)
    assert (record is None) == bool(issues)
