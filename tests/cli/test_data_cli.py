from __future__ import annotations

import json
from pathlib import Path

import pytest

from perospin.cli import main

TABLE = """Compound,Lifetime,T,Ref
(PEA)2PbI4,0.31,293,10.1039/d5sc07406a
(3AMP)PbI4,5.1,298,arXiv:2603.03038
"""
MAPPING = """[columns]
material = "Compound"
value = "Lifetime"
temperature_k = "T"
doi = "Ref"
[constants]
property = "tau_spin"
unit = "ps"
"""


class Shell:
    """Runs a command line as a person at a terminal of 100 columns would."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as caught:
            main(["data", *arguments])
        out, self.err = self._capsys.readouterr()
        assert (caught.value.code or 0) == code, (out, self.err)
        return out


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "map.toml").write_text(MAPPING, encoding="utf-8")
    return Shell(capsys)


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "-p", "tau_spin"),
        ("list", "-p", "g_lum", "--unknown"),
        ("list", "--all", "--unknown", "--theory"),
        ("show", "MAPbI3"),
        ("show", "(PEA)2PbI4", "--notes"),
        ("show", "chiral"),
        ("sources",),
        ("import", "table.csv", "--mapping", "map.toml", "--dry-run"),
        ("--help",),
        ("import", "--help"),
    ],
)
def test_screens_fit_100_columns(shell: Shell, arguments: tuple[str, ...]) -> None:
    out = shell(*arguments)
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 100


def test_overview_and_list(shell: Shell) -> None:
    overview = shell("list")
    assert "tau_spin" in overview
    assert "eV*Angstrom" in overview
    listed = shell("list", "-p", "T1", "--carrier", "electron")
    assert "tau_spin" not in listed
    assert "Belykh 2026" in listed
    assert "max 9e8" in listed
    assert shell("list", "-p", "T1", "-n", "2").count("\n") < shell("list", "-p", "T1").count("\n")
    assert "no record passes" in shell("list", "-p", "T1", "--min-temperature", "2000")


def test_list_json_is_for_machines(shell: Shell) -> None:
    rows = json.loads(shell("list", "-p", "g_factor", "--json"))
    assert {row["property"] for row in rows} == {"g_factor"}
    assert all(row["composition"] == "known" for row in rows)
    more = json.loads(shell("list", "-p", "g_factor", "--unknown", "--json"))
    assert len(more) > len(rows)
    assert json.loads(shell("list", "--json"))[0]["property"] == "tau_spin"


def test_show_marks_theory_and_quotations(shell: Shell) -> None:
    out = shell("show", "CH3NH3PbI3")
    assert out.startswith("MAPbI3  3D")
    assert "HSE06" in out
    assert '*"' in out
    rows = json.loads(shell("show", "MAPbI3", "--json"))
    assert any(row["theory"] for row in rows)
    assert {row["formula"] for row in rows} == {"MAPbI3"}


def test_square_brackets_of_directions_are_printed(shell: Shell) -> None:
    assert "[001]" in shell("show", "MAPbI3")


def test_import_show_export_remove(shell: Shell, tmp_path: Path) -> None:
    assert "no bad cell" in shell("check", "table.csv", "--mapping", "map.toml")
    assert "nothing was imported" in shell("import", "table.csv", "--mapping", "map.toml", "--dry-run")
    assert not (tmp_path / "store.sqlite").exists()
    assert "imported 2 records (user-1 to user-2)" in shell("import", "table.csv", "--mapping", "map.toml")
    assert "10.1039/d5sc07406a"[:12] in shell("list", "-t", "user")
    assert "5.1" in shell("show", "(3AMP)PbI4")
    assert "already in the store as user-1" in shell("import", "table.csv", "--mapping", "map.toml", code=2)
    again = shell("import", "table.csv", "--mapping", "map.toml", "--skip-known")
    assert "imported 0 records, 2 known ones passed over" in again
    for name, words in (("out.csv", "2 records"), ("out.json", "2 records"), ("out.bib", "2 sources of 2 records")):
        assert f"wrote {words} to {name}" in shell("export", name, "-t", "user")
    assert "wrote 2 records" in shell("export", "out.parquet", "-t", "user")
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))[0]["value"] == 0.31
    assert "removed 1 record" in shell("remove", "user-1")
    assert json.loads(shell("list", "-t", "user", "--json"))[0]["record_id"] == "user-2"


def test_bad_cells_are_all_listed_and_nothing_is_imported(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE + "(PEEA)2PbI4,x,-5,\n", encoding="utf-8")
    out = shell("import", "table.csv", "--mapping", "map.toml", code=2)
    assert [line.split()[:2] for line in out.splitlines() if line.strip().startswith("4 ")] == [
        ["4", "Lifetime"], ["4", "T"], ["4", "Compound"], ["4", "Ref"],
    ]  # fmt: skip
    assert "4 bad cells" in out
    assert "nothing was imported" in out
    assert not (tmp_path / "store.sqlite").exists()
    report = json.loads(shell("check", "table.csv", "--mapping", "map.toml", "--json", code=2))
    assert {cell["column"] for cell in report["bad_cells"]} == {"Lifetime", "T", "Compound", "Ref"}
    assert report["rows"] == 3


def test_add(shell: Shell) -> None:
    done = shell("add", "BA2PbI4", "-p", "tau_spin", "-v", "5", "-u", "1/ps", "--author", "Me", "--temperature", "295")
    assert done.startswith("user-1: (BA)2PbI4, tau_spin = 0.2 ps (Me)")
    row = json.loads(shell("add", "BA2PbI4", "-p", "T1", "-v", "3", "-u", "us", "--doi", "arXiv:2603.03038", "--json"))[
        0
    ]
    assert (row["value"], row["original_unit"], row["doi"]) == (3e6, "us", "10.48550/arXiv.2603.03038")
    shell("add", "an alloy", "-p", "T1", "-v", "3", "-u", "us", "--author", "Me", "--allow-unknown")
    assert "(XyzEA)2PbI4" in shell(
        "add", "(XyzEA)2PbI4", "-p", "T1", "-v", "3", "-u", "us", "--author", "Me",
        "--ion", "XyzEA=[NH3+]CCCC(Cl)CCBr",
    )  # fmt: skip


def test_sources(shell: Shell) -> None:
    rows = json.loads(shell("sources", "--json"))
    assert rows == sorted(rows, key=lambda row: -row["records"])
    assert any(row["doi"] == "10.1039/d5sc07406a" for row in rows)
    assert "Belykh" in shell("sources", "-p", "T1")


def test_check_curated(shell: Shell) -> None:
    out = shell("check", "curated")
    assert "spin52: 52 records, no bad cell" in out
    assert set(json.loads(shell("check", "curated", "--json"))) >= {"excitons", "hoip192"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("list", "-p", "tau_spn"), "did you mean tau_spin"),
        (("list", "-t", "nothing"), "no curated table 'nothing'"),
        (("show", "ZZZ9"), "nothing is known about 'ZZZ9'"),
        (("check", "none.csv"), "can't read 'none.csv'"),
        (("import", "table.csv"), "no column for property, value, unit"),
        (("import", "table.csv", "--mapping", "none.toml"), "can't read the mapping"),
        (("export", "out.xyz"), "use one of: csv, parquet, json, bibtex"),
        (("remove", "user-7"), "no record user-7"),
        (("add", "BA2PbI4", "-p", "T1", "-v", "3", "-u", "meV", "--author", "Me"), "does not fit T1"),
        (("add", "BA2PbI4", "-p", "T1", "-v", "3", "-u", "ps"), "needs a source"),
        (("add", "(PEEA)2PbI4", "-p", "T1", "-v", "3", "-u", "ps", "--author", "Me"), "unknown ion 'PEEA'"),
        (("add", "BA2PbI4", "-p", "T1", "-v", "3", "-u", "ps", "--ion", "XEA"), "isn't of the form NAME=SMILES"),
        (("list", "-p", "T1", "--store", "nosuchdb://x/y"), "can't open the store"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_2(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    out = shell(*arguments, code=2)
    assert words in shell.err
    assert shell.err.startswith("perospin: ")
    assert shell.err.count("\n") == 1
    assert "Traceback" not in out + shell.err


def test_a_column_that_is_not_read_is_named(shell: Shell, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("material,property,value,unit,first_author,temperature,x\nMAPbI3,tau_spin,7,ps,Giovanni,295,1\n")
    assert "columns not read: temperature (did you mean temperature_k?), x" in shell("check", str(table))


@pytest.mark.parametrize("option", ["--carrier", "--evidence"])
def test_a_filter_outside_the_vocabulary_is_refused(shell: Shell, option: str) -> None:
    shell("list", option, "foo", code=2)
    assert "unknown" in shell.err
    assert "use one of" in shell.err


def test_a_binary_mapping_is_one_sentence(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "map.toml").write_bytes(b"\xff\xfe\x00")
    shell("check", str(tmp_path / "table.csv"), "--mapping", str(tmp_path / "map.toml"), code=2)
    assert "is not UTF-8 text (byte 0); is it a TOML file?" in shell.err


def test_an_empty_export_writes_nothing(shell: Shell, tmp_path: Path) -> None:
    shell("export", str(tmp_path / "none.csv"), "-m", "MAPbCl3", "-p", "magnetoresistance", code=2)
    assert "no record fits the selection" in shell.err
    assert not (tmp_path / "none.csv").exists()


def test_a_store_that_is_not_there_is_named_and_not_made(shell: Shell, tmp_path: Path) -> None:
    gone = tmp_path / "gone.sqlite"
    shell("list", "--store", str(gone), code=2)
    assert f"there is no store at '{gone}'" in shell.err.replace("\n", " ")
    assert not gone.exists()


def test_sources_are_never_cut(shell: Shell) -> None:
    assert "…" not in shell("sources")
