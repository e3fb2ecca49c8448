"""One device from a folder to a page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from perospin.cli import main
from perospin.detectors import fit_device
from perospin.detectors.device import Device
from perospin.errors import DataError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "detector"


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(EXAMPLES, tmp_path / "device"))


def test_a_folder_becomes_a_page(folder, capsys):
    with pytest.raises(SystemExit) as end:
        main(["detector", "report", str(folder)])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert "attenuated at 40 keV: 93.1 %" in printed
    page = (folder / "report.html").read_text(encoding="utf-8")
    for words in ("mobility-lifetime product", "density of traps", "sensitivity", "detection limit", "drift"):
        assert words in page
    assert page.count("data:image/png") == 9
    assert "it is extrapolated" in page


def test_five_files_are_enough_and_faults_are_named(folder):
    for name in ("capacitance", "pulses", "cycles"):
        (folder / f"{name}.csv").unlink()
    (folder / "notes.txt").write_text("nothing\n")
    (folder / "dose.csv").write_text("dose rate (uGy/s),current (nA)\n1,1\n")
    result = fit_device(folder)
    assert set(result.fits) == {"hecht", "detection-limit", "drift"}
    told = " ".join(result.notes)
    assert "notes.txt was not used" in told
    assert "dose.csv was not fitted" in told
    assert "it needs the permittivity" in told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("gap_mm = 0.7", "lacks formula, area_mm2"),
        ('formula = "CdTe"\ngap_mm = -1\narea_mm2 = 1', "positive number"),
        ('formula = "CdTe"\ngap_mm = 1\narea_mm2 = 1\ncolour = 2', "unknown name 'colour'"),
        ("gap", "can't be read"),
    ],
)
def test_a_wrong_description_is_refused(folder, content, message):
    (folder / "device.toml").write_text(content)
    with pytest.raises(DataError, match=message):
        fit_device(folder)


def test_a_folder_without_anything_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"device\.toml"):
        fit_device(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        fit_device(tmp_path / "no")
    shutil.copy(EXAMPLES / "device.toml", tmp_path)
    with pytest.raises(DataError, match="no measurement"):
        fit_device(tmp_path)


def test_names_in_a_page_are_escaped(folder):
    from perospin.detectors import write_page

    (folder / "dark.csv").rename(folder / "dark <b>.csv")
    write_page(fit_device(folder), folder / "page.html")
    assert "<b>" not in (folder / "page.html").read_text(encoding="utf-8")


def test_a_size_without_an_end_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "device.toml"
    file.write_text('formula = "MAPbI3"\ngap_mm = inf\narea_mm2 = 1\n')
    with pytest.raises(DataError, match="must be a positive number"):
        Device.load(file)
    file.write_text("[" * 100_000)
    with pytest.raises(DataError, match="can't be read"):
        Device.load(file)
