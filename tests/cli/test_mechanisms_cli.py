from __future__ import annotations

from pathlib import Path

import pytest

from perospin.cli.mechanisms import app
from perospin.errors import PerospinError


def run(*arguments: object) -> None:
    """Run a command as `perospin mechanisms` would; errors are the room's, which the main entry prints."""
    with pytest.raises(SystemExit) as stop:
        app(args=[str(argument) for argument in arguments], prog_name="perospin mechanisms")
    assert not stop.value.code


def refused(*arguments: object) -> str:
    with pytest.raises(PerospinError) as error:
        app(args=[str(argument) for argument in arguments], prog_name="perospin mechanisms")
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


DP = ("rate", "dyakonov_perel")
POINT = ("-p", "rashba=0.05 eV*Angstrom", "-p", "momentum_scattering_time=5 fs", "-p", "mass=0.2 m0")


def test_list_shows_every_law(capsys: pytest.CaptureFixture[str]) -> None:
    from perospin.mechanisms import LAWS

    run("list")
    shown = capsys.readouterr().out
    assert all(name in shown for name in LAWS)


def test_rate_reads_units(capsys: pytest.CaptureFixture[str]) -> None:
    run(*DP, "--param", "temperature=300 K", *POINT, "-p", "regime=motional_narrowing")
    assert capsys.readouterr().out.splitlines() == ["dyakonov_perel: 0.156617 1/ps", "lifetime: 6.385 ps"]


def test_the_example_of_the_help_text_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    import shlex

    run("rate", "--help")
    words = " ".join(line.strip() for line in capsys.readouterr().out.splitlines())
    example = words[words.index("perospin mechanisms rate dyakonov") : words.index("prints")]
    promised = words[words.index("prints") :].split()[1]
    run(*shlex.split(example)[2:])
    assert f"dyakonov_perel: {promised} 1/ps" in capsys.readouterr().out


def test_rate_without_parameters_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    run(*DP)
    assert "temperature [K]" in capsys.readouterr().out


def test_a_law_outside_its_range_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    run(*DP, "-p", "temperature=300 K", *POINT[2:], "-p", "rashba=1.6 eV*Angstrom")
    assert "note: Omega tau_p reaches 0.9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rate", "dyakonov_parel"), "did you mean dyakonov_perel"),
        ((*DP, "-p", "temperature=26 meV", *POINT), "can't convert 'meV' (energy) to 'K' (temperature)"),
        ((*DP, "-p", "temperature=-300 K", *POINT), "temperature must be a positive number, got '-300 K'"),
        ((*DP, "-p", "temperatur=300 K", *POINT), "did you mean temperature?"),
        ((*DP, *POINT), "dyakonov_perel also needs temperature"),
        ((*DP, "-p", "temperature"), "must be NAME=VALUE"),
        ((*DP, "-p", "mass=1", "-p", "mass=2"), "mass is given twice"),
        ((*DP, "-p", "mass=1", "-p", "mass_m0=2"), "mass is given twice"),
        ((*DP, "-p", "axis=y", "-p", "temperature=3 K", *POINT), "axis must be z or x, got 'y'"),
        (("list", "nothing at all"), "no law matches"),
    ],
)
def test_mistakes_are_said_in_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(*arguments)


T1_OF_B = """# T1 against field
field (mT);T1 (us);uncertainty (us);sample
13;66;6;a
20;140;12;a
30;255;20;b
45;420;40;b
70;560;50;c
100;680;60;c
150;740;70;c
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t1.csv"
    path.write_text(T1_OF_B, encoding="utf-8")
    return path


def test_infer_gives_verdict_uncertainty_and_figure(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure, folder = table.with_name("t1.png"), table.with_name("out")
    run("infer", table, "--plot", figure, "--out", folder, "--known", "nuclear_field=12 mT")
    shown = capsys.readouterr()
    assert "limit the spins" in shown.out.splitlines()[0]
    assert "correlation_time = " in shown.out
    assert "columns not read: sample" in shown.out
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in folder.iterdir()) == ["result.json", "rows.csv", "summary.txt"]
    assert sorted(p.name for p in table.parent.iterdir()) == ["out", "t1.csv", "t1.png"]


def test_infer_with_chosen_candidates(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("infer", table, "-c", "constant", "-c", "nuclear_fluctuations", "--max-mechanisms", "1")
    assert "None of the mechanisms considered" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "field_t,lifetime_ps\n0.1,5\n0.2,-4\n0.3,3\n",
            "line 3, column lifetime_ps: must be a positive number, got -4",
        ),
        ("field_t,lifetime_ps\n0.1,5\n0.2,4 K\n0.3,3\n", "line 3, column lifetime_ps: can't convert 'K'"),
        ("field_t,colour\n0.1,5\n0.2,4\n0.3,3\n", "no column lifetime_ps or rate_per_ps"),
        ("\x00\x01\x02", "is not a text file"),
    ],
)
def test_wrong_files_are_said_in_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content, encoding="utf-8")
    assert words in refused("infer", path)


def test_nothing_is_computed_for_a_target_that_can_t_be_written(table: Path) -> None:
    assert "must end in .png" in refused("infer", table, "--plot", table.with_name("x.gif"))
    assert "there is no folder" in refused("infer", table, "--plot", table.parent / "none" / "x.png")
    assert "it is a file" in refused("infer", table, "--out", table)
    assert "unknown constant 'spin'" in refused("infer", table, "--known", "spin=1")
    assert "have uncertainties of their own" in refused("infer", table, "--uncertainty", "0.1")
