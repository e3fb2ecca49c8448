"""From a campaign's suggestions to a worklist, by the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from perospin.cli.main import main


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return int(ended.value.code or 0)


SPACE = (
    '[fractions.mix]\ncomponents = ["PEA2PbI4", "FAPbI3"]\nstep = 0.05\n[variables.anneal_c]\nvalues = [100.0, 120.0]\n'
)
STOCKS = (
    "name,solutes,concentration (M),solvent,volume (uL),labware,well\n"
    "PEA,PEA2PbI4,0.5,DMF,4000,stocks_24,A1\n"
    "FA,FAPbI3,1.0,DMF=0.8; DMSO=0.2,4000,stocks_24,A2\n"
    "dmf,,,DMF,4000,stocks_24,A3\n"
)


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    (tmp_path / "space.toml").write_text(SPACE)
    (tmp_path / "stocks.csv").write_text(STOCKS)
    (tmp_path / "plate.json").write_text(
        '{"name": "nest_96_wellplate_2ml_deep", "wells": 96, "volume_ul": 2000, "material": "polypropylene",'
        ' "racks": {"stocks_24": {"name": "opentrons_24_aluminumblock_generic_2ml_screwcap", "wells": 24,'
        ' "volume_ul": 5000}}}'
    )
    folder = tmp_path / "c"
    assert run("campaign", "new", folder, "--space", tmp_path / "space.toml", "--objective", "max pl (eV)") == 0
    assert run("campaign", "suggest", folder, "--count", "8") == 0
    return tmp_path


def ask(tmp_path: Path, *more: str) -> int:
    given = ["--stocks", tmp_path / "stocks.csv", "--labware", tmp_path / "plate.json", "--out", tmp_path / "w"]
    return run("campaign", "worklist", tmp_path / "c", *given, *more)


@pytest.mark.parametrize("name", ["opentrons-flex", "tecan-evo", "hand"])
def test_a_worklist_and_its_map(waiting: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        ask(waiting, "--robot", name, "--concentration", "0.4", "--control", "ref: FAPbI3=1", "--replicates", "2") == 0
    )
    assert "18 wells" in capsys.readouterr().out
    rows = list(csv.DictReader((waiting / "w" / "map.csv").open()))
    assert len(rows) == 18
    assert sum(row["role"] == "control" for row in rows) == 2
    for row in rows:
        made = [float(row[f"made mix:{name}"]) for name in ("PEA2PbI4", "FAPbI3")]
        assert sum(made) == pytest.approx(1.0)
        assert float(row["meant mix:FAPbI3"]) == pytest.approx(made[1], abs=0.01)
        # the volumes beside it make it: 0.5 M and 1 M
        amounts = [0.5 * float(row["PEA (uL)"]), float(row["FA (uL)"])]
        assert amounts[1] / sum(amounts) == pytest.approx(made[1])
    assert {row["anneal_c"] for row in rows if row["role"] == "sample"} <= {"100.0", "120.0"}
    assert ask(waiting, "--out", str(waiting / "w2"), "--after", str(waiting / "w" / "map.csv")) == 0
    later = {row["well"] for row in csv.DictReader((waiting / "w2" / "map.csv").open())}
    assert not later & {row["well"] for row in rows}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--concentration", "3"], "no worklist was written: "),
        (["--robot", "tecan"], "no worklist is written for 'tecan'"),
        (["--volume", "12000"], "holds 2000 uL; 12000 uL don't fit"),
        (["--layout", "spiral"], "a layout is rows, random, blocked"),
        (["--replicates", "20"], "need 160 wells; 96 are free"),
        (["--control", "FAPbI3=x"], "is no control"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_no_file(
    waiting: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(waiting, *more) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("perospin: ") == 1
    assert not (waiting / "w").exists()


def test_formulas_are_mixed_from_salts(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(
        '[materials]\nspacers = ["PEA", "BA"]\na_cations = ["MA"]\nlayers = [1, 2]\n', encoding="utf-8"
    )
    rows = [f"{salt},{salt},1.5,DMF,4000,stocks_24,A{i}" for i, salt in enumerate(("PEAI", "BAI", "MAI", "PbI2"), 1)]
    (tmp_path / "stocks.csv").write_text(
        "\n".join(
            ["name,solutes,concentration (M),solvent,volume (uL),labware,well", *rows, "DMF,,,DMF,9000,stocks_24,B1"]
        )
    )
    folder = tmp_path / "c"
    assert run("campaign", "new", folder, "--space", tmp_path / "space.toml", "--objective", "max pl (eV)") == 0
    assert run("campaign", "suggest", folder, "--count", "4") == 0
    given = ["--stocks", tmp_path / "stocks.csv", "--labware", "96-deep", "--out", tmp_path / "w"]
    assert run("campaign", "worklist", folder, *given, "--concentration", "0.2") == 0
    for row in csv.DictReader((tmp_path / "w" / "map.csv").open()):
        # 0.2 M of formula units in 100 uL: 20 umol of Pb a layer, and 1.5 M of PbI2
        layers = 2 if "Pb2" in row["name"] else 1
        assert float(row["PbI2 (uL)"]) == pytest.approx(layers * 20 / 1.5, abs=0.2)
        assert float(row["made Pb"]) == pytest.approx(float(row["meant Pb"]), abs=0.005)


def test_a_table_needs_no_campaign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stocks.csv").write_text(STOCKS)
    table = tmp_path / "mine.csv"
    table.write_text("name,PEA2PbI4,FAPbI3,anneal_c\nedge,1,0,100\nhalf,0.5,0.5,120\n")
    given = ["--stocks", tmp_path / "stocks.csv", "--out", tmp_path / "w", "--concentration", "0.4"]
    assert run("campaign", "worklist", table, *given) == 0
    assert "2 wells" in capsys.readouterr().out
    rows = {row["name"]: row for row in csv.DictReader((tmp_path / "w" / "map.csv").open())}
    assert float(rows["half"]["made FAPbI3"]) == pytest.approx(0.5, abs=0.01)
    assert float(rows["edge"]["anneal_c"]) == 100
    table.write_text("name,PEA2PbI4,FAPbI3\nedge,0.9,0.9\n")
    assert run("campaign", "worklist", table, *given[:2], "--out", tmp_path / "w2") == 2
    assert not (tmp_path / "w2").exists()
