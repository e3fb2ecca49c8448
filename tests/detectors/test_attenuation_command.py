"""`perospin attenuation` as a user runs it."""

from __future__ import annotations

import pytest

from perospin.cli import main

CELL = ["--cell-volume", "9918.38", "--formula-units", "16"]


def _run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["attenuation", *arguments])
    return end.value.code


def test_the_papers_device(capsys, tmp_path):
    figure = tmp_path / "mu.png"
    given = ["(m-F-PEA)2PbI4", "--energy", "40", "--thickness", "700 um", *CELL, "-f", str(figure)]
    assert _run(*given) == 0
    printed = capsys.readouterr().out
    assert "14.325" in printed
    assert "93.10" in printed
    assert "I 33.17 keV" in printed
    assert figure.stat().st_size > 10_000


def test_a_density_is_never_taken_silently(capsys):
    assert _run("(PMA)2CsAgBiBr7") == 2
    assert "--density" in capsys.readouterr().err
    assert _run("CsPbBr3") == 0
    assert "estimated from volumes of the ions" in " ".join(capsys.readouterr().out.split())
    assert _run("a-Se") == 0
    assert "handbook value" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [["--energy", "x"], ["--energy", "40000"], ["--thickness=-1"], ["--density", "4160"], ["--cell-volume", "300"]],
)
def test_refused_in_one_sentence(wrong, capsys):
    assert _run("CdTe", *wrong) == 2
    assert len(capsys.readouterr().err) < 420


def test_the_beam_of_a_tube(capsys):
    beam = ["--tube-kv", "50", "--filter", "Al 2 mm", "--gap-ev", "2.29", "--thickness", "0.7"]
    assert _run("(m-F-PEA)2PbI4", *CELL, *beam) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for told in ("mean 31.36 keV", "1.54 mm Al", "1.214e+12 photons/cm2", "of this material it is absent"):
        assert told in printed


@pytest.mark.parametrize(
    "wrong",
    [
        ["--filter", "Al 2 mm"],
        ["--gap-ev", "2"],
        ["--tube-kv", "50", "--filter", "Al"],
        ["--tube-kv", "50", "--filter", "Nothing 2 mm"],
        ["--tube-kv", "5"],
    ],
)
def test_a_wrong_beam_is_refused_in_one_sentence(wrong, capsys):
    assert _run("CdTe", *wrong) == 2
    assert len(capsys.readouterr().err.strip()) < 400


def test_without_the_extra_one_sentence(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "spekpy", None)
    assert _run("CdTe", "--tube-kv", "50") == 2
    assert "pip install 'perospin[xray]'" in capsys.readouterr().err
