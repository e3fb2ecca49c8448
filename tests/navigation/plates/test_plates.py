"""Plates of spectra made from known numbers give these numbers back."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from perospin.database import curated_records
from perospin.errors import NavigationError
from perospin.measurements.reading.plates import PlateRead
from perospin.navigation.plates.gaps import tauc_gaps
from perospin.navigation.plates.lines import known_lines, load_lines, phase_lines
from perospin.navigation.plates.maps import PlateMap, load_map
from perospin.navigation.plates.peaks import HC_EV_NM, fit_peaks, per_energy
from perospin.navigation.plates.phases import phase_fractions
from perospin.navigation.plates.plate import analyse_plate
from perospin.navigation.plates.stability import time_to_80
from perospin.navigation.worklists.labware import plate_of

NM = np.arange(420.0, 840.0, 2.0)
EV = HC_EV_NM / NM
RNG = np.random.default_rng(3)


def line(energy: float, fwhm: float = 0.1, area: float = 50.0) -> np.ndarray:
    """Emission per nm of a Gaussian line per eV."""
    sigma = fwhm / 2.3548200450309493
    per_ev = area * np.exp(-0.5 * ((EV - energy) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return per_ev * HC_EV_NM / NM**2


def read_of(signal: np.ndarray, wells: list[str], time_s: float | None = None, kind: str = "emission") -> PlateRead:
    return PlateRead("r", kind, NM, tuple(wells), signal, ~np.isfinite(signal), time_s, "plate.txt", "0" * 64)


def map_of(tmp_path: Path, wells: list[str], names: list[str], shares: list[float] | None = None):  # type: ignore[no-untyped-def]
    rows = [
        f"{w},{n}" + (f",{s},{1 - s}" if shares else "") for w, n, s in zip(wells, names, shares or names, strict=True)
    ]
    (tmp_path / "map.csv").write_text("\n".join(["well,name" + (",made A,made B" if shares else ""), *rows]) + "\n")
    return load_map(tmp_path / "map.csv")


def test_the_jacobian_keeps_the_area() -> None:
    signal = line(1.8, 0.12)
    energy, changed = per_energy(NM, signal)
    assert np.trapezoid(changed, energy) == pytest.approx(np.trapezoid(signal, NM), rel=1e-3)
    assert np.trapezoid(changed, energy) == pytest.approx(50.0, rel=1e-3)
    # without it the line would stand elsewhere: lambda^2 falls towards the blue
    wide = line(1.8, 0.4)
    assert energy[np.argmax(per_energy(NM, wide)[1])] == pytest.approx(1.8, abs=0.005)
    assert energy[np.argmax(wide[::-1])] > 1.81


def test_lines_are_found_with_honest_errors() -> None:
    true = RNG.uniform(1.6, 2.7, 200)
    width, area = RNG.uniform(0.05, 0.15, 200), RNG.uniform(20.0, 200.0, 200)
    clean = np.array([line(*one) for one in zip(true, width, area, strict=True)])
    energy, signal = per_energy(NM, clean + RNG.normal(0, 0.02, clean.shape) + 0.5)
    found = fit_peaks(energy, signal)
    assert sum(not one for one in found.status) > 195
    good = np.array([not one for one in found.status])
    assert np.abs(found.energy_ev - true)[good].max() < 0.01
    pull = (found.energy_ev - true)[good] / found.energy_error_ev[good]
    assert np.quantile(np.abs(pull), 0.68) < 1.8
    assert np.median(found.fwhm_ev[good] / width[good]) == pytest.approx(1.0, abs=0.02)
    assert np.median(found.area[good] / area[good]) == pytest.approx(1.0, abs=0.03)


def test_empty_saturated_and_outlying_wells_are_flagged(tmp_path: Path) -> None:
    wells = plate_of(96).wells[:24]
    signal = np.array([line(1.8 + 0.05 * (i // 3)) for i in range(24)]) + RNG.normal(0, 0.01, (24, len(NM)))
    signal[4] = RNG.normal(0, 0.01, len(NM))
    signal[7, np.argmax(signal[7])] = np.nan
    signal[12] = line(2.4) + RNG.normal(0, 0.01, len(NM))
    result = analyse_plate([read_of(signal, wells)], map_of(tmp_path, wells, [f"s{i // 3}" for i in range(24)]))
    assert result.flags[4] == ("empty",)
    assert np.isnan(result.feature("peak energy").values[4])
    assert "saturated" in result.flags[7]
    assert "peak energy apart from its replicates" in result.flags[12]
    assert sum(bool(one) for one in result.flags) == 3


def test_outliers_by_composition(tmp_path: Path) -> None:
    wells = plate_of(96).wells
    shares = [float(s) for s in np.linspace(0, 1, 96)]
    signal = np.array([line(1.6 + 0.7 * s) for s in shares]) + RNG.normal(0, 0.01, (96, len(NM)))
    signal[40] = line(2.4) + RNG.normal(0, 0.01, len(NM))
    result = analyse_plate([read_of(signal, wells)], map_of(tmp_path, wells, wells, shares))
    assert [i for i, one in enumerate(result.flags) if one] == [40]
    assert result.flags[40] == ("peak energy apart from its neighbours",)


def test_a_direct_gap() -> None:
    gaps = np.array([1.6, 1.9, 2.3])
    energy = np.sort(EV)
    curve = np.sqrt(np.maximum(energy - gaps[:, None], 0.0)) / energy + 0.05
    found, error = tauc_gaps(energy, curve + RNG.normal(0, 1e-4, curve.shape))
    assert found == pytest.approx(gaps, abs=0.01)
    assert (error < 0.01).all()
    many = np.repeat(curve, 60, axis=0)
    noisy = tauc_gaps(energy, many + RNG.normal(0, 1e-3, many.shape))[0] - np.repeat(gaps, 60)
    assert abs(np.median(noisy)) < 0.008
    assert np.quantile(np.abs(noisy), 0.9) < 0.02
    assert np.isnan(tauc_gaps(energy, RNG.normal(0, 1e-3, (3, len(energy))))[0]).all()


@pytest.mark.parametrize("step_nm", [1.0, 5.0])
@pytest.mark.parametrize("gap", [1.6, 2.4])
def test_the_error_of_a_gap_covers_the_gap(step_nm: float, gap: float) -> None:
    rng = np.random.default_rng(1)
    energy = np.sort(HC_EV_NM / np.arange(420.0, 840.0, step_nm))
    clean = np.sqrt(np.maximum(energy - gap, 0.0)) / energy + 0.05
    for noise in (1e-4, 1e-3, 3e-3):
        found, error = tauc_gaps(energy, clean + rng.normal(0, noise, (100, len(energy))))
        pull = np.abs(found - gap) / error
        assert np.mean(pull < 1.0) > 0.68
        assert np.mean(pull < 2.0) > 0.95
        # nor is it a mere guess: a few times the scatter of repeats
        assert np.median(error) < 12.0 * np.std(found)
        assert abs(np.median(found) - gap) < 0.004


def test_times_to_80_percent() -> None:
    times = np.linspace(0, 3600, 20)
    first = np.exp(-np.log(1.25) * times / np.array([600.0, 1800.0])[:, None])
    steep = (1 + np.exp(-5)) / (1 + np.exp((times - 1500.0) / 300.0))
    found = time_to_80(times, np.vstack([first, steep]) * 30 + RNG.normal(0, 0.1, (3, 20)))
    assert found.law == ("first order", "first order", "sigmoid")
    # the sigmoid by its own formula
    at = 1500 + 300 * np.log((1 + np.exp(-5)) / 0.8 - 1)
    assert found.t80_s == pytest.approx([600, 1800, at], rel=0.03)
    assert (found.lower_s < found.t80_s).all()
    assert (found.upper_s > found.t80_s).all()


def test_phase_shares() -> None:
    energy = np.linspace(1.4, 2.6, 200)

    def shape(e: float) -> np.ndarray:
        return np.exp(-0.5 * ((energy - e) / 0.03) ** 2) / (0.03 * np.sqrt(2 * np.pi))

    shares = RNG.dirichlet([1.0, 1.0, 1.0], 96)
    # lines stand 10 to 20 meV beside the known ones
    signal = shares @ np.array([shape(2.37), shape(2.16), shape(1.62)]) * 40 + RNG.normal(0, 0.2, (96, 200))
    found = phase_fractions(energy, signal, {"n=1": 2.36, "n=2": 2.18, "3D": 1.61})
    assert np.abs(found.shares - shares).max() < 0.06
    assert np.allclose(found.shares.sum(axis=1), 1.0)
    assert (found.shares >= 0).all()
    assert np.median(found.residual) < 0.1
    with pytest.raises(NavigationError, match="'n=9' at 3 eV lies outside"):
        phase_fractions(energy, signal, {"n=9": 3.0})


def test_maps(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("\ufeff,A1,A2,H12\nPEA2PbI4,50,25,0\nFAPbI3,0,25,50\n")
    plate = load_map(file)
    assert plate.composition(["A1", "A2", "H12"]).tolist() == [[1, 0], [0.5, 0.5], [0, 1]]
    for text, said in (
        ("well,name\nA1,x\na01,y\n", "lists the well A1 twice"),
        ("well,name\n1A,x\n", "'1A' is no well"),
        ("name,value\nx,1\n", "is no map of a plate"),
        (",A1,A2\nx,1,?\n", "is no number of 0 or more"),
    ):
        file.write_text(text)
        with pytest.raises(NavigationError, match=said):
            load_map(file)


def test_no_well_in_common(tmp_path: Path) -> None:
    with pytest.raises(NavigationError, match="stands in the map"):
        analyse_plate([read_of(line(1.8)[None], ["H12"])], map_of(tmp_path, ["A1"], ["x"]))


@pytest.mark.slow
def test_384_wells_and_20_reads_within_20_s(tmp_path: Path) -> None:
    wells = plate_of(384).wells
    energies = RNG.uniform(1.6, 2.5, 384)
    reads = [
        read_of(
            np.array([line(e, area=50 * np.exp(-t / 20)) for e in energies]) + RNG.normal(0, 0.01, (384, len(NM))),
            wells,
            60.0 * t,
        )
        for t in range(20)
    ]
    plate = map_of(tmp_path, wells, wells)
    start = time.process_time()
    result = analyse_plate(reads, plate)
    print(f"{time.process_time() - start:.1f} s")
    assert time.process_time() - start < 20.0
    assert np.nanmax(np.abs(result.feature("peak energy").values - energies)) < 0.01
    assert np.nanmedian(result.feature("t80").values) == pytest.approx(1200 * np.log(1.25), rel=0.02)


def test_lines_move_with_the_composition() -> None:
    energy = np.linspace(1.4, 2.7, 260)
    bromide = np.linspace(0.0, 1.0, 48)
    bulk = 1.57 + 0.74 * bromide
    shares = RNG.dirichlet([1.0, 1.0], 48)
    shapes = [np.exp(-0.5 * ((energy - e[:, None]) / 0.03) ** 2) for e in (np.full(48, 2.5), bulk)]
    signal = 40 * (shares[:, :1] * shapes[0] + shares[:, 1:] * shapes[1]) + RNG.normal(0, 0.2, (48, 260))
    found = phase_fractions(energy, signal, {"n=1": np.full(48, 2.5), "3D": bulk + 0.01})
    assert np.abs(found.shares - shares).max() < 0.05
    # a line that stays where it is can't follow
    assert np.nanmedian(phase_fractions(energy, signal, {"n=1": 2.5, "3D": 1.9}).residual) > 5 * np.median(
        found.residual
    )


def test_lines_come_from_the_database_or_it_says_what_it_lacks(tmp_path: Path) -> None:
    wells = plate_of(96).wells[:12]
    x = np.linspace(0.05, 0.95, 12)

    def plate(*components: str) -> PlateMap:
        shares = [x, (1 - x) / 2, (1 - x) / 2] if len(components) == 3 else [x, 1 - x]
        rows = {
            w: {"well": w, **{f"made {c}": repr(float(s[i])) for c, s in zip(components, shares, strict=True)}}
            for i, w in enumerate(wells)
        }
        return PlateMap(rows)

    both = plate("PEA2PbI4", "MAPbI3", "MAPbBr3")
    lines, missing = known_lines(both, wells)
    assert [one.name for one in lines] == ["3D"]
    gap = {one.formula: one.value for one in curated_records() if one.property == "band_gap" and not one.theory}
    assert lines[0].energy_ev == pytest.approx(np.full(12, (gap["MAPbI3"] + 2.31) / 2))
    assert "10.48550/arXiv.1610.01088" in lines[0].source
    assert missing[:2] == ["(PEA)2PbI4", "(PEA)2(MA)Pb2I7"]
    none, said = phase_lines(both, wells, (1.4, 2.7))
    assert none == []
    assert "knows one line (3D 1.94 eV)" in said[0]
    assert "no measured one of (PEA)2PbI4, (PEA)2(MA)Pb2I7" in said[0]
    # a calculated gap, or one without its exciton, is no line
    assert known_lines(plate("(BA)2(MA)3Pb4I13", "CsSnF3"), wells)[0] == []
    # a film without layers asks for nothing
    assert phase_lines(plate("FAPbI3", "MAPbI3"), wells, (1.4, 2.7)) == ([], [])
    (tmp_path / "lines.csv").write_text("phase,energy (eV),source\nPEA2PbI4,2.36,ours\nn=2,2.2,\n")
    own, said = phase_lines(both, wells, (1.4, 2.7), load_lines(tmp_path / "lines.csv"))
    assert [(one.name, float(np.mean(one.energy_ev))) for one in own[:2]] == [("n=1", 2.36), ("n=2", 2.2)]
    assert own[0].source == "(PEA)2PbI4: 2.36 eV (ours)"
    assert own[1].source == "lines.csv"
    assert "(PEA)2(MA)2Pb3I10" in said[0]
    assert "(PEA)2(MA)Pb2I7" not in said[0]
    shorter, said = phase_lines(both, wells, (2.1, 2.7), load_lines(tmp_path / "lines.csv"))
    assert [one.name for one in shorter] == ["n=1", "n=2"]
    assert said[-1] == "phases whose line lies outside the spectra, left out: 3D"
    for text, word in (
        ("phase,energy\nx,1\n", "needs the columns"),
        ("phase,energy (eV)\nx,abc\n", "is no line: a phase and an energy"),
        ("phase,energy (eV)\nx,2\nx,2.1\n", "gives the phase 'x' twice"),
    ):
        (tmp_path / "lines.csv").write_text(text)
        with pytest.raises(NavigationError, match=word):
            load_lines(tmp_path / "lines.csv")
