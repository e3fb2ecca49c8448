"""From a plate reader's file to what a campaign is told, by the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from perospin.cli.main import main
from perospin.navigation.plates.peaks import HC_EV_NM

NM = np.arange(440.0, 840.0, 2.0)
WELLS = [f"{row}{column}" for row in "ABCD" for column in range(1, 7)]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    signal = rng.normal(100.0, 20.0, (24, len(NM)))
    for i in range(23):  # D6 stays empty
        signal[i] += 20_000 * np.exp(-0.5 * ((HC_EV_NM / NM - 1.6 - 0.03 * i) / 0.05) ** 2)
    lines = [f"{w:.0f}\t" + "\t".join(f"{v:.1f}" for v in signal[:, j]) for j, w in enumerate(NM)]
    text = "\r\n".join(["Read 1:EM Spectrum", "Wavelength\t" + "\t".join(WELLS), *lines, ""])
    (tmp_path / "read.txt").write_bytes(text.encode("utf-16"))
    rows = [f"{w},m{i},{'control' if i == 0 else 'sample'},{i / 23},{1 - i / 23}" for i, w in enumerate(WELLS)]
    (tmp_path / "map.csv").write_text("\n".join(["well,name,role,made x,made y", *rows]) + "\n")
    (tmp_path / "candidates.csv").write_text(
        "\n".join(["name,x,y", *(f"m{i},{i / 23:.2f},{1 - i / 23:.2f}" for i in range(24))]) + "\n"
    )
    return tmp_path


def test_a_plate_is_told_to_a_campaign(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["plate", files / "read.txt", "--map", files / "map.csv", "--out", files / "out"]
    assert run(*given, "--value", "pl (eV)=peak energy") == 0
    assert "24 wells, 1 flagged" in capsys.readouterr().out
    rows = list(csv.DictReader((files / "out" / "results.csv").open()))
    assert len(rows) == 23
    assert rows[-1]["outcome"] == "failed"
    assert float(rows[4]["pl (eV)"]) == pytest.approx(1.6 + 0.03 * 5, abs=0.01)
    record = json.loads((files / "out" / "record.json").read_text())
    assert record["wells"][0]["map"]["role"] == "control"
    with np.load(files / "out" / "spectra.npz", allow_pickle=False) as kept:
        assert kept["spectra"].shape == (24, len(NM))
    assert "B2" in (files / "out" / "report.html").read_text()
    campaign = files / "c"
    made = ["campaign", "new", campaign, "--candidates", files / "candidates.csv", "--objective", "max pl (eV)"]
    assert run(*made) == 0
    assert run("campaign", "tell", campaign, files / "out" / "results.csv") == 0
    assert "told 23 outcomes" in capsys.readouterr().out
    assert run("campaign", "export", campaign, "--out", files / "log.csv") == 0
    log = list(csv.DictReader((files / "log.csv").open()))
    assert float(log[3]["made x"]) == pytest.approx(4 / 23)
    assert float(log[3]["meant x"]) == pytest.approx(0.17)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--value", "pl"], "is no value; write 'gap (eV)=peak energy'"),
        (["--value", "pl=colour"], "this plate has no 'colour'; it has peak energy (eV)"),
        (["--lines", "n=1:red"], "is no line"),
        (["--lines", "n=1:9.5"], "lies outside the spectra"),
        (["--map", "read.txt"], "is no map of a plate"),
    ],
)
def test_mistakes_get_one_sentence_and_no_file(
    files: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    assert run("plate", "read.txt", "--map", "map.csv", "--out", "out", *more) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("perospin: ") == 1
    assert not (files / "out").exists()


def test_garbage(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "bad.txt").write_bytes(bytes(range(256)) * 20)
    assert run("plate", files / "bad.txt", "--map", files / "map.csv", "--out", files / "out") == 2
    assert "not a text file" in capsys.readouterr().err
    assert not (files / "out").exists()
