from __future__ import annotations

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

    monkeypatch.setattr("perospin.database.exporting.write_records", full)
    with pytest.raises(DataError, match="No space left"):
        export_records(RECORDS, target)
    assert target.read_text(encoding="utf-8") == "precious"
    assert list(tmp_path.iterdir()) == [target]


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="use one of: csv, parquet, json, bibtex"):
        export_records(RECORDS, tmp_path / "out.xlsx")
