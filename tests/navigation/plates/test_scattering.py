"""Layer spacings from line cuts that were made with known ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.cli.main import main
from perospin.errors import NavigationError, PerospinError
from perospin.navigation.plates.line_cuts import PlateCuts, cuts_of_wells, first_spacing, read_cut
from perospin.navigation.plates.scattering import layer_spacings, orientation, q_of_two_theta

Q = np.linspace(0.15, 2.2, 2000)


def cut(spacings: dict[float, float], seed: int = 0, extra: float = 0.0) -> np.ndarray:
    y = 50.0 / Q + np.random.default_rng(seed).normal(0, 3.0, len(Q))
    for d, strength in spacings.items():
        for order in range(1, 9):
            y += strength / order * np.exp(-0.5 * ((Q - 2 * np.pi * order / d) / 0.008) ** 2)
    return y + extra * np.exp(-0.5 * ((Q - 1.0) / 0.01) ** 2)


@settings(max_examples=40, deadline=None)
@given(st.floats(13.0, 36.0), st.integers(0, 20))
def test_one_series(d: float, seed: int) -> None:
    found = layer_spacings(Q, cut({d: 2000.0}, seed))
    assert found
    assert found[0].spacing_a == pytest.approx(d, abs=5 * max(found[0].error_a, 0.01))
    assert found[0].orders[:3] == (1, 2, 3)
    assert found[0].intensity > 0.9


def test_layer_numbers_of_two_phases() -> None:
    # (PEA)2PbI4 has 16.4 A; one more sheet is 6.3 A
    found = layer_spacings(Q, cut({22.7: 3000.0, 16.4: 800.0}), first_a=16.4)
    assert [round(one.n or 0, 1) for one in found[:2]] == [2.0, 1.0]
    assert found[0].intensity > found[1].intensity


def test_a_peak_without_a_series_is_none() -> None:
    assert layer_spacings(Q, cut({}, extra=3000.0)) == []
    assert layer_spacings(Q, cut({})) == []


def test_orientation() -> None:
    layers, nothing = layer_spacings(Q, cut({22.7: 3000.0})), layer_spacings(Q, cut({}))
    told = [orientation(a, b) for a in (layers, nothing) for b in (layers, nothing)]
    assert told == ["mixed", "lying", "standing", "none"]


def test_q_of_copper() -> None:
    # n = 1 PEA: 5.4 degrees of Cu K alpha are 16.4 A
    assert 2 * np.pi / q_of_two_theta(np.array([5.385]))[0] == pytest.approx(16.4, abs=0.01)


def test_mistakes() -> None:
    for bad, said in (((Q[::-1], Q), "rising q"), ((Q[:10], Q[:10]), "50 points")):
        with pytest.raises(NavigationError, match=said):
            layer_spacings(*bad)
    with pytest.raises(NavigationError, match="the halide is I, Br or Cl"):
        layer_spacings(Q, cut({}), halide="F")


def write(path: Path, x: np.ndarray, y: np.ndarray, head: str = "") -> Path:
    text = "\n".join(f"{a:.6f}\t{b:.3f}" for a, b in zip(x, y, strict=True)) + "\n"
    path.write_text((head + "\n" if head else "") + text)
    return path


def test_files_of_cuts(tmp_path: Path) -> None:
    y = cut({22.7: 3000.0})
    angle = 2 * np.degrees(np.arcsin(Q * 1.5406 / (4 * np.pi)))
    for name, x, head, axis, told in (
        ("a.xy", angle, "", "two-theta", False),
        ("b.xy", angle, "2Theta (deg)\tIntensity", "two-theta", True),
        ("c.dat", Q, "", "q", False),
        ("d.dat", Q, "q_z (1/A)\tI", "q", True),
        ("e.dat", 10 * Q, "q (nm^-1)\tI", "q-nm", True),
        ("f.dat", Q[::-1], "q (1/A)\tI", "q", True),
    ):
        found = read_cut(write(tmp_path / name, x, y if x[0] < x[-1] else y[::-1], head))
        assert (found.axis, found.told) == (axis, told), name
        assert found.q_per_a == pytest.approx(Q, abs=2e-6)
        assert found.intensity == pytest.approx(y, abs=1e-3)
    with pytest.raises(NavigationError, match="which may be degrees 2 theta or"):
        read_cut(write(tmp_path / "g.dat", 3 * Q, y))
    assert read_cut(tmp_path / "a.xy", wavelength_a=0.7).q_per_a[-1] > Q[-1]
    with pytest.raises(NavigationError, match="a wavelength lies between"):
        read_cut(tmp_path / "a.xy", wavelength_a=15.4)


def test_the_spacing_of_single_layers_comes_from_crystals() -> None:
    spacing, halide, source = first_spacing("(PEA)2PbI4")
    assert spacing == pytest.approx(16.4, abs=0.2)
    assert halide == "I"
    assert "of the shipped crystals" in source
    assert first_spacing("16.4")[:2] == (16.4, None)
    for text, said in (("(PEA)2(MA)Pb2I7", "single layers"), ("(CPA)2SnBr4", "no crystal of|unknown ion")):
        with pytest.raises(PerospinError, match=said):
            first_spacing(text)


def test_cuts_of_a_plate(tmp_path: Path) -> None:
    write(tmp_path / "A1.xy", Q, cut({22.7: 3000.0, 16.4: 800.0}), "q (1/A)\tI")
    write(tmp_path / "film_B02.xy", Q, cut({}), "q (1/A)\tI")
    (tmp_path / "notes.txt").write_text("no cut")
    cuts = cuts_of_wells(tmp_path)
    assert sorted(cuts) == ["A1", "B2"]
    found = {name: values for name, _, values, _ in PlateCuts(cuts, 16.4).numbers(["A1", "A2", "B2"])}
    assert found["layer number"][0] == pytest.approx(2.0, abs=0.02)
    assert np.isnan(found["layer number"][1:]).all()
    assert found["share of n=2 by diffraction"][0] == pytest.approx(0.8, abs=0.1)
    assert found["share of n=1 by diffraction"][0] + found["share of n=2 by diffraction"][0] == pytest.approx(1.0)
    write(tmp_path / "A01.dat", Q, cut({22.7: 3000.0}), "q (1/A)\tI")
    with pytest.raises(NavigationError, match="two cuts are of well A1"):
        cuts_of_wells(tmp_path)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lying = write(tmp_path / "out.dat", Q, cut({22.7: 3000.0}), "q (1/A)\tI")
    plain = write(tmp_path / "in.dat", Q, cut({}), "q (1/A)\tI")
    given = ["diffraction", lying, "--in-plane", plain, "--first", "(PEA)2PbI4", "--out", tmp_path / "found.json"]
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in given])
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "n = 2.0" in said
    assert "layers: lying" in said
    assert json.loads((tmp_path / "found.json").read_text())["series"][0]["spacing_a"] == pytest.approx(22.7, abs=0.01)
    with pytest.raises(SystemExit) as ended:
        main(["diffraction", str(plain)])
    assert ended.value.code == 2
    assert "no series of three (00l) peaks" in capsys.readouterr().err
