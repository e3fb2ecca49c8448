"""The one reader of tables: whatever a spreadsheet writes, the same cells come back, or one sentence."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import DataError
from perospin.sheets.labels import is_opaque, is_unit, kind_of_unit
from perospin.sheets.origin import without_row_names
from perospin.sheets.table import error_of, label_of, open_table

NUMBERS = st.floats(min_value=-1e6, max_value=1e6).map(lambda x: round(x, 4))
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


def cells(path: Path) -> list[list[str]]:
    return [row for _, row in open_table(path).rows]


def read(path: Path) -> list[tuple[float, ...]]:
    return [tuple(float(cell) for cell in row[1:]) for row in cells(path)]


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, delimiter=st.sampled_from(";\t"), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_decimal_commas_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]], delimiter: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    # four decimals: three would look like separated thousands
    lines = [f"(PEA)2PbI4{delimiter}{a:.4f}{delimiter}{b:.4f}".replace(".", ",") for a, b in rows]
    path.write_text("\n".join([delimiter.join(("material", "PL (eV)", "error")), *lines]), encoding=encoding)
    assert read(path) == [(round(a, 4), round(b, 4)) for a, b in rows]


@settings(deadline=None, max_examples=30)
@given(rows=ROWS)
def test_a_workbook_says_the_same_as_its_text(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("t")
    book = openpyxl.Workbook()
    book.active.append(["material", "a", "b"])
    for a, b in rows:
        book.active.append(["MAPbI3", a, b])
    book.save(folder / "t.xlsx")
    assert read(folder / "t.xlsx") == rows


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_one_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "any.xlsx"
    path.write_bytes(content)
    try:
        cells(path)
    except DataError as error:
        told = str(error)
    else:
        told = ""
    assert len(told) <= 400


def test_thousands_that_may_be_decimals_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("material;value\nMAPbI3;1,234\nCsPbI3;2,500\n")
    with pytest.raises(DataError, match="decimal comma or separated thousands"):
        cells(path)


def test_a_row_of_units_and_comments_is_no_row_of_values(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("Long Name\tdelay\tSC\nUnits\tps\t10^3 counts\nComments\t\t295K\n1\t0.5\t3\n2\t0.7\t4\n")
    table = open_table(path)
    assert [label.unit for label in table.labels] == ["ps", "10^3 counts"]
    assert [row for _, row in table.rows] == [["0.5", "3"], ["0.7", "4"]]


def test_other_texts_keep_their_first_column() -> None:
    lines = ["Units\tps", "1\t2", "3\t4"]
    assert without_row_names(lines) == lines


def test_several_sheets_are_named_and_one_is_chosen(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "first"
    book.active.append(["material", "a"])
    book.active.append(["MAPbI3", 1])
    book.create_sheet("second").append(["x", "y"])
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(DataError, match=r"2 sheets with cells \(first, second\)"):
        open_table(tmp_path / "b.xlsx")
    assert [row for _, row in open_table(f"{tmp_path / 'b.xlsx'}:first").rows] == [["MAPbI3", "1"]]


def test_a_formula_without_its_value_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["material", "a"])
    book.active.append(["MAPbI3", "=1+1"])
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(DataError, match=r"row 2, column 2 of sheet 'Sheet'.*formula without its value"):
        open_table(tmp_path / "b.xlsx")


@pytest.mark.parametrize(
    ("headings", "found"),
    [
        (("PL (eV)", "PL error (eV)"), 1),
        (("pl_ev", "pl_sd_ev"), 1),
        (("PL", "±"), 1),
        (("PL", "gap error"), None),
        (("PL", "terror"), None),
    ],
)
def test_error_columns_are_found_by_their_headings(headings: tuple[str, ...], found: int | None) -> None:
    assert error_of([label_of(text) for text in headings], 0) == found


def test_powers_of_ten_are_units_but_never_hide_a_factor() -> None:
    assert is_unit("10^3")
    assert is_opaque("10^3 counts")
    assert kind_of_unit("10^3 counts") == "counts"
    assert not is_unit("10^3 fs")  # a delay would be a thousand times too short
