from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from perospin.database import (
    Record,
    Source,
    cited_sources,
    export_records,
    read_records,
    select_records,
    to_bibtex,
    to_json,
)
from perospin.errors import DataError

RECORDS = select_records(["T1", "T2", "exciton_binding_energy"], user=False)


def test_csv_reads_back(tmp_path: Path) -> None:
    assert export_records(RECORDS, tmp_path / "out.csv") == len(RECORDS)
    assert read_records(tmp_path / "out.csv") == RECORDS


def test_parquet_reads_back(tmp_path: Path) -> None:
    export_records(RECORDS, tmp_path / "out.parquet")
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert frame["value"].tolist() == [r.value for r in RECORDS]
    assert frame.index.tolist() == [r.record_id for r in RECORDS]


def test_json_reads_back(tmp_path: Path) -> None:
    export_records(RECORDS, tmp_path / "out.json")
    rows = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [Record.from_dict(row) for row in rows] == RECORDS
    assert json.loads(to_json(RECORDS)) == rows


def test_bibtex_cites_each_source_once(tmp_path: Path) -> None:
    export_records(RECORDS, tmp_path / "out.bib")
    text = (tmp_path / "out.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@(?:article|misc)\{(.*),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(cited_sources(RECORDS))
    assert text.count("{") == text.count("}")
    assert "eprint = {2603.03038}" in text
    assert sum(int(n) for n in re.findall(r"note = \{(\d+) record", text)) == len(RECORDS)


def test_bibtex_escapes_and_separates() -> None:
    one = Record.measured("MAPbI3", "T1", 1.0, "ns", Source(first_author="Müller & Co", year=2020, url="a.org"))
    two = Record.measured("MAPbI3", "T2_star", 1.0, "ns", Source(first_author="Müller & Co", year=2020, url="b.org"))
    text = to_bibtex([one, two])
    assert r"Müller \& Co" in text
    assert r"T2\_star" in text
    assert "@misc{mullerco2020," in text
    assert "@misc{mullerco2020_2," in text


def test_a_failed_export_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.csv"
    target.write_text("precious", encoding="utf-8")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("perospin.database.tidy.to_cells", full)
    with pytest.raises(DataError, match="no space left"):
        export_records(RECORDS, target)
    assert target.read_text(encoding="utf-8") == "precious"
    assert list(tmp_path.iterdir()) == [target]


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="use one of: csv, parquet, json, bibtex"):
        export_records(RECORDS, tmp_path / "out.xlsx")


ATTACK = '=HYPERLINK("http://x.y","z")'


@pytest.mark.parametrize("text", [ATTACK, "+A1", "-2+3", "@SUM(A1)", "'=1+1", "''=1", "＝1", "- a remark", "it's"])
def test_a_spreadsheet_gets_no_formula(tmp_path: Path, text: str) -> None:
    record = Record.measured("MAPbI3", "T1", 1.0, "ns", Source(first_author=text), note=text)
    export_records([record], tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8")
    cells = next(csv.DictReader(io.StringIO(lines.split("\n", 1)[0] + "\n" + lines.split("\n", 1)[1])))
    assert not any(cells[name].startswith(("=", "+", "-", "@", "＝")) for name in ("first_author", "note"))
    assert read_records(tmp_path / "out.csv") == [record]


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    record = Record.measured("MAPbI3", "g_factor", -1.5, "1", Source(first_author="Me"))
    export_records([record], tmp_path / "out.csv")
    assert ",-1.5," in (tmp_path / "out.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", [r"\input{/etc/passwd}", "a}, note = {b", "{{{", "}}}", r"50 % & #1_x $y$ ~z^2", "name}}\n@article{x,"]
)
def test_bibtex_fields_can_t_be_left(text: str) -> None:
    source = Source(first_author=text, url=f"http://x.org/{text}")
    entry = to_bibtex([Record.measured("MAPbI3", "T1", 1.0, "ns", source)])
    depth, deepest = 0, []
    for sign in entry:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
        deepest.append(depth)
    assert depth == 0
    assert entry.count("@") == 1 + text.count("@") * 2
    assert [line[:2] for line in entry.splitlines()[1:-1]] == ["  "] * (len(entry.splitlines()) - 2)
    assert r"\input" not in entry


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\x00b", "a\u202eb", "a\x7fb", "a\x9bb"])
def test_control_characters_are_refused_and_not_printed(text: str) -> None:
    for make in (
        lambda: Source(first_author=text),
        lambda: Record.measured("MAPbI3", "T1", 1.0, "ns", Source(first_author="Me"), note=text),
        lambda: Record.measured(text, "T1", 1.0, "ns", Source(first_author="Me"), composition="other"),
        lambda: Record.measured("MAPbI3", "T1", 1.0, text, Source(first_author="Me")),
        lambda: Record.measured("MAPbI3", text, 1.0, "ns", Source(first_author="Me")),
        lambda: Source(doi=text),
    ):
        with pytest.raises(DataError) as caught:
            make()
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) <= 400
