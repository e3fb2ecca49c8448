"""``perospin data publish``, ``lost``, ``structures`` and exports to other databases, as a new user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perospin.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    assert (caught.value.code or 0) == code, (out, err)
    return out + err


def test_publish_and_import_again(capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, "data", "publish", "(PEA)2PbI4", "--out", "set", "--creator", "Curie, Marie")
    assert "published 18 records" in told
    assert "before you ask for a DOI, give --title, --description" in told
    assert "identifier" in told or "record_id" in told  # what is lost
    assert "imported 18 records" in run(capsys, "data", "import", "set")
    again = run(capsys, "data", "import", "set", code=2)
    assert "nothing was imported" in again
    Path("set/records.csv").write_text("changed")
    assert "was changed after it was published" in run(capsys, "data", "import", "set", code=2)


def test_export_says_what_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, "data", "export", "x.json", "--to", "nomad", "--property", "band_gap")
    assert "NOMAD perovskite schema" in told
    assert "technique" in told
    archives = json.loads(Path("x.json").read_text(encoding="utf-8"))
    assert archives[0]["data"]["m_def"].endswith("PerovskiteComposition")
    assert "nothing is lost" in run(capsys, "data", "lost", "csv")
    assert "there is no format 'nomads'" in run(capsys, "data", "export", "x", "--to", "nomads", code=2)
    assert "there is no direction" in run(capsys, "data", "lost", "mars", code=2)


def test_a_nomad_archive_wants_a_source(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "data", "export", "x.archive.json", "--property", "band_gap")
    archive = next(a for a in json.loads(Path("x.archive.json").read_text(encoding="utf-8")) if "ref" in a["data"])
    del archive["data"]["ref"]
    Path("y.json").write_text(json.dumps(archive))
    assert "needs a source" in run(capsys, "data", "import", "y.json", code=2)
    assert "imported 1 record" in run(capsys, "data", "import", "y.json", "--doi", "10.1000/example")


def test_crystals_of_an_optimade_file(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pymatgen")
    told = run(capsys, "data", "structures", str(EXAMPLES / "optimade.jsonl"), "--out", "cif")
    assert "wrote 1 crystal" in told
    assert [path.suffix for path in Path("cif").iterdir()] == [".cif"]
    assert "no _perospin_records" in run(capsys, "data", "import", str(EXAMPLES / "optimade.jsonl"), code=2)


def test_whose_names(capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, "cations", "names", "CPA")
    assert "CPA3" in told
    assert "144 known, 79 added, 21 protons, 7 hand" in told
    table = "material,property,value,unit,first_author\n(CPA)2PbI4,tau_spin,3,ps,Me\n"
    Path("t.csv").write_text(table)
    asked = run(capsys, "data", "import", "t.csv", "--dry-run")
    assert "cyclopropylammonium" in " ".join(asked.split())
    assert "cyclopropylammonium" not in run(capsys, "data", "import", "t.csv", "--names", "nomad")
    assert "(CPA3)2PbI4" in run(capsys, "data", "export", "o.csv", "--table", "user") + Path("o.csv").read_text()
    assert "there is no list of names 'x'" in run(capsys, "data", "import", "t.csv", "--names", "x", code=2)
