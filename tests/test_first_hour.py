"""The first hour of a newcomer: four tasks with files made here, each outcome checked, times printed.

And every command of docs/first_hour.md, and of the README's block of commands, runs as printed.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from perospin.cli.main import main
from perospin.spectra import simulate_pump_probe

ROOT = Path(__file__).resolve().parents[1]
MARK = "<!-- commands: run by tests/test_first_hour.py -->"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture
def clock(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Lines to print at the end, with the time that the task took."""
    start, lines = time.perf_counter(), []
    yield lines
    with capsys.disabled():
        print(f"\n{lines[0]}: {time.perf_counter() - start:.1f} s")


def _traces(lifetime_ps: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    delay = np.arange(-2.0, 30.0, 0.2)
    same, counter = simulate_pump_probe(delay, lifetime_ps, population_lifetime_ps=80.0, noise=0.004, seed=5)
    return delay, same, counter


def _origin(path: Path) -> Path:
    """Origin's export with names of rows, factors in the units, a decimal comma, in UTF-16."""
    rows = zip(*_traces(), strict=True)
    head = "Long Name\tDelay\tSC\tCC\nUnits\tps\t10^3 counts\t10^3 counts\nComments\t\t295K\t295K\n"
    body = "".join(f"{i}\t{t:.4f}\t{a:.6f}\t{b:.6f}\n" for i, (t, a, b) in enumerate(rows, 1))
    path.write_text(head + body.replace(".", ","), encoding="utf-16")
    return path


def test_origin_exports_to_a_lifetime(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.append("time to the first lifetime")
    monkeypatch.chdir(tmp_path)
    path = _origin(tmp_path / "origin.txt")
    assert run("fit", "pump-probe", str(path), "--save", "fit") == 0
    told = capsys.readouterr()
    line = next(line for line in told.out.splitlines() if "=>" in line)
    value = float(re.search(r"= ([\d.]+) ±", line)[1])  # type: ignore[index]
    assert value == pytest.approx(3.0, abs=0.05)
    assert "decay time of the spin polarisation" in line
    assert "convention polarisation" in line
    assert "no record, because --material and --source were not given" in told.err
    made = {item.name for item in (tmp_path / "fit").iterdir()}
    assert {"figure.svg", "figure.pdf", "figure-log.svg", "curve.csv", "methods.txt", "fit.json"} <= made
    assert "record.json" not in made
    head = (tmp_path / "fit" / "curve.csv").read_text().splitlines()[0]
    assert "delay (ps)" in head
    assert "population (SC + CC) fit" in head
    assert "1/e decay time" in (tmp_path / "fit" / "methods.txt").read_text()
    # an option that sounds like a method changes no convention
    assert run("fit", "pump-probe", str(path), "--kinetic") == 0
    again = next(line for line in capsys.readouterr().out.splitlines() if "=>" in line)
    assert float(re.search(r"= ([\d.]+) ±", again)[1]) == pytest.approx(3.0, abs=0.05)  # type: ignore[index]


def test_doubts_come_with_their_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    delay, same, counter = _traces()
    table = np.column_stack([delay, counter, same])
    swapped = tmp_path / "swapped.csv"
    np.savetxt(swapped, table, delimiter=",", header="Delay (ps),SC,CC", comments="")
    assert run("fit", "pump-probe", str(swapped)) == 0
    assert "are same (SC) and counter (CC) swapped?" in capsys.readouterr().out
    assert run("fit", "pump-probe", str(swapped), "--irf-fwhm-ps", "150") == 2
    error = capsys.readouterr().err
    assert "longer than your scan" in error
    assert "--irf-fwhm-ps 0.15" in error
    pairs = [simulate_pump_probe(delay, t, population_lifetime_ps=80.0, noise=0.002, seed=6) for t in (1.0, 12.0)]
    both = [0.6 * a + 0.4 * b for a, b in zip(*pairs, strict=True)]
    two = tmp_path / "two.csv"
    np.savetxt(two, np.column_stack([delay, *both]), delimiter=",", header="Delay (ps),SC,CC", comments="")
    assert run("fit", "pump-probe", str(two)) == 0
    told = capsys.readouterr().out
    assert "two spin lifetimes fit better" in told
    assert "give --components 2" in told


@pytest.mark.slow
def test_a_supervisors_table_to_a_page_and_a_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.append("time to the first page of an own table")
    openpyxl = pytest.importorskip("openpyxl")
    monkeypatch.chdir(tmp_path)
    book = openpyxl.Workbook()
    for line in (ROOT / "examples" / "materials.csv").read_text(encoding="utf-8").splitlines():
        cells = line.split(",")
        book.active.append([cells[0], float(cells[1]) if cells[1][:1].isdigit() else cells[1], cells[2]])
    book.save("table.xlsx")
    assert run("study", "new", "table.xlsx", "--formula", "material", "--target", "spin_lifetime_ps") == 0
    assert "as its logarithm" in capsys.readouterr().err
    assert run("study", "run", "table.toml", "--out", "page", "--quiet") == 0
    page = (tmp_path / "page" / "report.html").read_text(encoding="utf-8")
    for told in ("Half of the held-out predictions", "On this page", "perospin predict", "leave one spacer out"):
        assert told in page
    assert "nan %" not in page
    assert "1 materials" not in page
    capsys.readouterr()
    assert run("predict", "(HA)2PbI4", "--study", "page", "--json") == 0
    found = json.loads(capsys.readouterr().out)[0]
    assert found["quantity"] == "spin lifetime"
    assert found["low"] < found["value"] < found["high"]


def test_all_mistakes_of_a_table_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("material;PL (eV)\n(QQQ)2PbI4;2,1\nMAPbI3;abc\n(BA)3PbI4;2,4\n")
    out = tmp_path / "t.toml"
    assert run("study", "new", str(table), "--formula", "material", "--target", "pl_ev", "-o", str(out)) == 2
    error = capsys.readouterr().err
    assert "3 mistakes" in error
    assert "QQQ" in error
    assert "'abc' is not a number" in error
    assert "row 3" in error
    assert not out.exists()


def test_a_crystal_to_an_si_table(tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: list[str]) -> None:
    pytest.importorskip("pymatgen.core")
    clock.append("time to the SI table (four formats)")
    crystal = str(ROOT / "examples" / "crystals" / "PEA2PbCl4_HybriD3_216.cif")
    for ending in ("csv", "xlsx", "md", "tex"):
        assert run("describe", crystal, "--table", "si", "--out", str(tmp_path / f"si.{ending}")) == 0
    assert "| d | layer spacing | Å | 16.89 |" in (tmp_path / "si.md").read_text(encoding="utf-8")
    assert "$\\theta$ & mean metal-halide-metal angle & $^\\circ$ & $152.3$" in (tmp_path / "si.tex").read_text("utf-8")
    import openpyxl

    sheet = openpyxl.load_workbook(tmp_path / "si.xlsx").active
    spacing = next(row for row in sheet.iter_rows(values_only=True) if row[1] == "layer spacing")
    assert spacing[3] == pytest.approx(16.89)
    capsys.readouterr()
    assert run("describe", crystal, "--columns", "Pb-Cl-Pb,layer spacing") == 0
    told = capsys.readouterr().out
    assert "152.3" in told
    assert "16.89" in told


@pytest.mark.slow
def test_which_spacer_to_buy(capsys: pytest.CaptureFixture[str], clock: list[str]) -> None:
    clock.append("time to predictions of three spacers")
    assert run("predict", "(3AMP)PbI4", "(BA)2PbI4", "(MYI)2PbI4", "--ion", "MYI=C=CCC[NH3+]") == 0
    told = capsys.readouterr()
    assert "MYI = BEA (but-3-en-1-ylammonium, known)" in told.err
    first = told.out.splitlines()[1]
    assert first.startswith("  spin lifetime ")
    assert " ps, 90 % interval" in first
    # the model of lifetimes is asked where it is kept, else named with its option
    assert "the other model, study lifetimes, says" in told.out or "--temperature 295K" in told.out
    assert all(len(line) <= 80 for line in told.out.splitlines() if " " in line.strip())
    assert run("predict", "MAPbI3", "--temperature", "4K") == 0
    told = capsys.readouterr()
    assert "it answers because" in told.out
    assert "the other model, study spin-relaxation" in told.out
    assert run("predict", "MAPbI3") == 0
    assert "the other model, study lifetimes, says" in " ".join(capsys.readouterr().out.split())


def _commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    if page == "README.md":
        text = text.partition(MARK)[2]
    lines = [line for block in re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL) for line in block.splitlines()]
    return [line for line in lines if line.startswith("perospin ")]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", ["docs/first_hour.md", "README.md"])
def test_every_command_runs_as_printed(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = _commands(page)
    if page == "README.md" and not commands:
        pytest.skip(f"the README has no block of commands behind the mark '{MARK}'")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEROSPIN_STORE", str(tmp_path / "store.sqlite"))
    for command in commands:
        code = run(*shlex.split(command, comments=True)[1:])
        assert code == 0, f"{command}: {capsys.readouterr().err}"
