from __future__ import annotations

from pathlib import Path

import pytest

from perospin.cli import main
from perospin.descriptors.molecules import parse_smiles
from perospin.errors import QuantumError


def _run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["cations", *(str(argument) for argument in arguments)])
    return int(stop.value.code or 0)


def test_a_table_without_a_folder_is_refused_before_hours_of_computing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perospin.descriptors.build_table", None)  # it must not come so far
    assert _run("table", "fast", "--out", tmp_path / "none" / "x.csv") == 2
    assert "there is no folder" in capsys.readouterr().err


def test_an_unknown_level_is_reported_before_any_progress(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("compute", "PEA", "--level", "best") == 2
    error = capsys.readouterr().err
    assert error.startswith("perospin: unknown level 'best'")
    assert len(error.strip().splitlines()) == 1


def test_figures_are_never_folded_at_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert _run("compare") == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("PEA "))
    assert [len(cell.partition(".")[2]) for cell in row.split()[1:]] == [4] * 5


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of its own and a stand-in for the calculations: fluorine fails, all others are answered."""
    from perospin.descriptors.quantum import engine, program_versions

    monkeypatch.setenv("PEROSPIN_CACHE", str(tmp_path / "cache"))

    def run_request(request: engine.Request, timeout_s: float, stop: object = None) -> dict[str, object]:
        if "F" in request.smiles:
            raise QuantumError(f"'{request.smiles}': the self-consistent field did not converge")
        molecule, _ = parse_smiles(request.smiles)
        n = molecule.GetNumAtoms()
        values = {"homo_ev": -20.0, "lumo_ev": -2.0, "gap_ev": 18.0, "dipole_debye": 1.0}
        values |= {"polarisability_bohr3": 20.0, "molecular_radius_a": 1.5}
        return {
            "smiles": request.smiles,
            "values": {"ammonium_charge_e": 0.7, "ammonium_esp_max_v": 7.0} if request.geometry else values,
            "conformer": {"rule": "lowest GFN2-xTB energy", "n_found": 1, "above_lowest_gfn2_ev": 0.0},
            "symbols": [a.GetSymbol() for a in molecule.GetAtoms()],
            "positions_a": [[1.1 * i, 0.1 * i * i, 0.0] for i in range(n)],
            "seconds": 0.1,
            "versions": dict(program_versions()),
        }

    monkeypatch.setattr(engine, "run_request", run_request)
    return tmp_path


def test_a_neutral_amine_is_refused_with_its_cation(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("compute", "CCCCCCCN") == 2
    assert "write its cation 'CCCCCCC[NH3+]' (or add --protonate)" in capsys.readouterr().err
    assert _run("compute", "CCCCCCCN", "--protonate") == 0
    assert "-20.000" in capsys.readouterr().out
    assert _run("compute", "NCCCCCCCN", "--protonate") == 2
    assert "several basic nitrogens" in capsys.readouterr().err


def test_a_symbol_a_name_and_a_smiles_are_the_same_cation(
    answers: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert _run("compute", "MA", "C[NH3+]") == 0
    said = capsys.readouterr()
    first, second = said.out.splitlines()[2:4]
    assert first.split()[1:] == second.split()[1:]
    assert _run("compute", "CCCCN", "--protonate") == 0
    assert "CCCCN is BA" in capsys.readouterr().err
    assert _run("compute", "CN", "--protonate") == 2
    assert "'CN' is cyanide in the library, which is no cation" in capsys.readouterr().err


def test_an_unknown_symbol_is_refused_before_anything_is_computed(
    answers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("compute", "CCCCCC[NH3+]", "PEEA") == 2
    assert "PEEA" in capsys.readouterr().err
    assert not (answers / "cache").exists()


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_file_of_cations_becomes_a_table_with_a_row_for_every_line(
    answers: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    listed, out = answers / "mine.csv", answers / f"out{ending}"
    listed.write_text("Name,SMILES\na,CCCCC[NH3+]\nb,FCCCC[NH3+]\nc,CCCCCN\nd,not one\ne,C[C@H](CC)[NH3+]\n")
    assert _run("compute", listed, "--out", out, "--extra", "--workers", "2") == 2
    assert "3 of 5 cations failed: b, c, d" in capsys.readouterr().err
    frame = (pd.read_csv if ending == ".csv" else pd.read_parquet)(out).set_index("name")
    assert list(frame["status"]) == ["ok", "failed", "failed", "failed", "ok"]
    assert frame.loc["a", ["charge", "homo_ev", "hardness_ev", "ammonium_esp_max_v", "chiral"]].tolist() == [
        *(1, -20.0, 9.0, 7.0, 0)
    ]
    assert frame.loc["e", "chiral"] == 1
    failures = pd.read_csv(answers / "out.failures.csv").set_index("name")
    assert "did not converge" in failures.loc["b", "reason"]
    assert "--protonate" in failures.loc["c", "reason"]
    assert "can't read the SMILES" in failures.loc["d", "reason"]
    listed.write_text("Name,SMILES\na,CCCCC[NH3+]\n")
    assert _run("compute", listed, "--out", out) == 0
    assert not (answers / "out.failures.csv").exists()  # the old one would mislead


def test_a_text_file_has_a_smiles_a_line(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = answers / "mine.smi"
    listed.write_text("# mine\nCCCCC[NH3+] pentyl\n\nCCCCCC[NH3+]\n")
    assert _run("compute", listed) == 0
    out = capsys.readouterr().out
    assert "pentyl" in out
    assert "row 2" in out


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("x,y\n1,2\n", (), "no column 'smiles'; it has x, y"),
        ("smiles\n", (), "holds no SMILES"),
        ("smiles\nC[NH3+]\n", ("--name-column", "who"), "no column 'who'"),
        ("smiles\nC[NH3+]\n", ("--out", "x.xlsx"), "must end in .csv or .parquet"),
        ("smiles\nC[NH3+]\n", ("--workers", "2", "--scheduler", "tcp://a:1"), "not both"),
    ],
)
def test_a_file_that_can_not_be_used_is_one_sentence(
    answers: Path, content: str, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = answers / "mine.csv"
    listed.write_text(content)
    assert _run("compute", listed, *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_the_cache_is_listed_verified_compacted_and_imported(
    answers: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run("compute", "CCCCC[NH3+]", "CCCCCC[NH3+]") == 0
    capsys.readouterr()
    assert _run("cache", "list") == 0
    assert "2 results in" in capsys.readouterr().out
    assert _run("cache", "compact") == 0
    assert "2 results in 1 file " in capsys.readouterr().out
    (answers / "cache" / "results" / "x.parquet").write_bytes(b"PAR1")
    assert _run("cache", "verify") == 2
    assert "1 of 2 cached files can't be used" in capsys.readouterr().err
    assert _run("cache", "verify", "--remove") == 0
    assert _run("cache", "verify") == 0
    monkeypatch.setenv("PEROSPIN_CACHE", str(answers / "other"))
    assert _run("cache", "import", answers / "cache") == 0
    assert _run("cache", "import", answers / "cache") == 0
    out = capsys.readouterr().out
    assert "2 results taken over" in out
    assert "0 results taken over" in out
    assert _run("cache", "import", answers) == 2
    assert "no cached results" in capsys.readouterr().err


def test_a_table_keeps_the_shipped_rows_that_fit(
    answers: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made once, a table is shipped; made again elsewhere, nothing is computed and nothing changes."""
    from perospin.descriptors.cations import table as cations
    from perospin.descriptors.quantum import engine

    made, again = answers / "tables" / "cations_published.csv", answers / "again.csv"
    made.parent.mkdir()
    assert _run("table", "published", "--out", made) == 2  # the stand-in fails on fluorine
    capsys.readouterr()
    monkeypatch.setattr(cations, "files", lambda _package: answers)
    monkeypatch.setenv("PEROSPIN_CACHE", str(answers / "empty"))
    monkeypatch.setattr(engine, "run_request", None)  # nothing may be computed
    cations._shipped.cache_clear()
    cations._shipped_geometries.cache_clear()
    try:
        assert _run("table", "published", "--out", again) == 2
        assert again.read_bytes() == made.read_bytes()
        assert again.with_suffix(".xyz").read_bytes() == made.with_suffix(".xyz").read_bytes()
        # other versions than the table's: nothing of it is kept
        monkeypatch.setattr(cations, "program_versions", lambda: {"rdkit": "0", "tblite": "0", "pyscf": "0"})
        capsys.readouterr()
        assert _run("table", "published", "--out", again) == 2
        assert "no cation could be computed" in capsys.readouterr().err
    finally:
        cations._shipped.cache_clear()
        cations._shipped_geometries.cache_clear()
