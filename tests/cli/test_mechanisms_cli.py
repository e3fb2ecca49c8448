from __future__ import annotations

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
