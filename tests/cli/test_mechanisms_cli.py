from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
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
    run("rate", "--help")
    words = " ".join(line.strip() for line in capsys.readouterr().out.splitlines())
    example = words[words.index("perospin mechanisms rate dyakonov") : words.index("prints")]
    promised = words[words.index("prints") :].split()[1]
    run(*shlex.split(example)[2:])
    assert f"dyakonov_perel: {promised} 1/ps" in capsys.readouterr().out


def test_rate_without_parameters_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    run(*DP)
    shown = capsys.readouterr().out
    assert "temperature [K]" in shown
    assert "Omega tau_p up to 0.3" in shown
    assert 'perospin mechanisms rate dyakonov_perel -p temperature="300 K"' in shown


def test_things_are_called_by_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    run("rate", "exciton_exchange_thermal")
    assert "exchange_slope [eV*Angstrom]: exchange slope" in capsys.readouterr().out
    run("rate", "dephasing_time")
    assert "spin_lifetime [ps]: T2* at zero field" in capsys.readouterr().out


def test_the_lifetime_of_a_flip_rate_is_half_of_one_over_it(capsys: pytest.CaptureFixture[str]) -> None:
    from perospin.mechanisms import get_law

    example = shlex.split(get_law("raman_flip").example)[4:]
    run("rate", "raman_flip", *example)
    first, second = capsys.readouterr().out.splitlines()
    rate = float(first.split()[1])
    assert second == f"lifetime of the polarisation, which decays at twice the flip rate: {0.5e-12 / rate:.4g} s"


def test_integral_forms_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """physics.md 2 and 1: alpha^2 F = lambda (Omega/Omega_D)^2 to 10 meV; rho ~ sqrt(eps)."""
    energy = np.linspace(0.0, 10.0, 2001)
    spectrum = tmp_path / "a2f.csv"
    spectrum.write_text("energy (meV),a2F\n" + "".join(f"{e},{1e-4 * (e / 10) ** 2}\n" for e in energy))
    run("integral", "elliott_yafet", spectrum, "-p", "temperature=300 K")
    assert float(capsys.readouterr().out.split()[1]) == pytest.approx(4.904963e-2, rel=1e-3)
    energy = np.linspace(0.0, 1.5, 6001)
    states = tmp_path / "dos.csv"
    states.write_text("energy_ev;states\n" + "".join(f"{e};{e**0.5}\n" for e in energy))
    point = ("-p", "temperature=300 K", *POINT)
    run("integral", "dyakonov_perel", states, *point)
    assert float(capsys.readouterr().out.split()[1]) == pytest.approx(0.1566173, rel=1e-3)
    run("integral", "dyakonov_perel", states, *point, "--scattering-exponent", "-0.5")
    assert float(capsys.readouterr().out.split()[1]) == pytest.approx(0.1178158, rel=1e-2)
    assert "also needs temperature" in refused("integral", "elliott_yafet", spectrum)
    assert "has no integral form" in refused("integral", "bir_aronov_pikus", spectrum)
    short = tmp_path / "short.csv"
    short.write_text("energy (meV),states\n0,0\n1,1\n2,1.4\n")
    assert "must reach from the band edge (0) to 8 kT" in refused("integral", "dyakonov_perel", short, *point)
    short.write_text("energy,states\n0,0\n1,1\n2,1.4\n")
    assert "name two columns, the energy with its unit" in refused("integral", "elliott_yafet", short, *point[:2])


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
13;112;10;a
20;178;15;a
30;265;20;b
45;430;40;b
70;560;50;c
100;690;60;c
150;735;70;c
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
    known = ("--known", "nuclear_field=12 mT")
    run("infer", table, "-c", "constant", "-c", "nuclear_fluctuations", "--max-mechanisms", "1", *known)
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
