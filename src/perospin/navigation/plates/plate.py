"""A plate from its reads to a table: lines, gaps, phases, stability, and which wells not to trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError
from perospin.measurements.reading.plates import PlateRead
from perospin.navigation.plates.gaps import tauc_gaps
from perospin.navigation.plates.line_cuts import PlateCuts
from perospin.navigation.plates.lines import PhaseLine, phase_lines
from perospin.navigation.plates.maps import PlateMap
from perospin.navigation.plates.peaks import Peaks, fit_peaks, per_energy
from perospin.navigation.plates.phases import Phases, phase_fractions
from perospin.navigation.plates.stability import Lasting, time_to_80

__all__ = ["Feature", "PlateResult", "analyse_plate"]

FloatArray = NDArray[np.float64]
_APART = 5.0
"""Robust standard deviations that make an outlier."""
_NEIGHBOURS = 6
_UNEXPLAINED = 0.5


@dataclass(frozen=True)
class Feature:
    """One number of each well.

    Attributes
    ----------
    name, unit : str
    values, errors : array, shape (n_wells,)
        NaN where there is none.
    """

    name: str
    unit: str
    values: FloatArray
    errors: FloatArray

    @property
    def label(self) -> str:
        """Heading of its column."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def error_label(self) -> str:
        """Heading of the column with its errors."""
        return f"{self.name} error ({self.unit})" if self.unit else f"{self.name} error"


@dataclass(frozen=True)
class PlateResult:
    """What a plate gave.

    Attributes
    ----------
    wells : tuple of str
    map : PlateMap
    features : tuple of Feature
    flags : tuple of tuple of str
        What is wrong with each well; empty where it can be trusted.
    energy_ev : array, shape (n_energy,)
        Of the spectra.
    spectra : array, shape (n_wells, n_energy)
        First emission read (or absorption, if there is no other), per energy.
    peaks : Peaks or None
    phases : Phases or None
    lasting : Lasting or None
    sources : tuple of (str, str)
        Files and their hashes.
    kind : str
        emission or absorption.
    warnings : tuple of str
    lines : tuple of PhaseLine
        Lines of the phases, with their sources.
    """

    wells: tuple[str, ...]
    map: PlateMap
    features: tuple[Feature, ...]
    flags: tuple[tuple[str, ...], ...]
    energy_ev: FloatArray
    spectra: FloatArray
    kind: str
    sources: tuple[tuple[str, str], ...]
    peaks: Peaks | None = None
    phases: Phases | None = None
    lasting: Lasting | None = None
    warnings: tuple[str, ...] = field(default=())
    lines: tuple[PhaseLine, ...] = ()

    def feature(self, name: str) -> Feature:
        """Return a feature by its name or heading.

        Raises
        ------
        NavigationError
        """
        for one in self.features:
            if name.casefold() in (one.name.casefold(), one.label.casefold()):
                return one
        known = ", ".join(one.label for one in self.features)
        raise NavigationError(f"this plate has no '{name[:40]}'; it has {known}")


def analyse_plate(
    reads: Sequence[PlateRead],
    plate_map: PlateMap,
    lines: Sequence[PhaseLine] | None = None,
    cuts: PlateCuts | None = None,
) -> PlateResult:
    """Turn the reads of one plate into numbers.

    Parameters
    ----------
    reads : sequence of PlateRead
        Emission, absorption, or both; several emission reads with times make a stability.
    plate_map : PlateMap
    lines : sequence of PhaseLine, optional
        Lines of the phases whose shares are wanted, as `phase_lines` takes them. Default: those of the database for
        the components of the map, if it knows two or more. An empty list asks for none.
    cuts : PlateCuts, optional
        Diffraction of the same wells: layer spacing, layer number and shares beside those of the light.

    Raises
    ------
    NavigationError
        If no well of the reads stands in the map.
    """
    emission = [read for read in reads if read.kind != "absorption"]
    absorption = [read for read in reads if read.kind == "absorption"]
    if not reads:
        raise NavigationError("a plate needs one read or more")
    first = (emission or absorption)[0]
    wells = [well for well in first.wells if well in plate_map.rows]
    if not wells:
        raise NavigationError(
            f"none of the wells of '{first.source}' ({', '.join(first.wells[:4])} ...) stands in the map, which lists "
            f"{', '.join(list(plate_map.rows)[:4])} ..."
        )
    told = [f"{read.name}: {one}" for read in reads for one in read.warnings]
    lacking = sorted(set(plate_map.rows) - set(first.wells))
    if lacking:
        told.append(f"wells of the map that were not read: {', '.join(lacking[:12])}")
    flags: list[list[str]] = [[] for _ in wells]
    features: list[Feature] = []
    energy, spectra = per_energy(first.wavelength_nm, _of(first, wells), bool(emission))
    peaks = phases = lasting = None
    if emission:
        same = [read for read in emission if np.array_equal(read.wavelength_nm, first.wavelength_nm)]
        if len(same) < len(emission):
            told.append(f"{len(emission) - len(same)} emission reads have other wavelengths and were left out")
        stacked = np.concatenate([per_energy(first.wavelength_nm, _of(read, wells))[1] for read in same])
        every = fit_peaks(energy, stacked)
        peaks = _first(every, len(wells))
        over = _saturated(first, wells)
        for mine, high, told_of in zip(flags, over, peaks.status, strict=True):
            if high:
                mine.append("saturated")
            if told_of:
                mine.append("empty" if told_of.startswith("no line") else told_of)
        features += [
            Feature("peak energy", "eV", peaks.energy_ev, peaks.energy_error_ev),
            Feature("peak width", "eV", peaks.fwhm_ev, peaks.fwhm_error_ev),
            Feature("peak area", "a.u.", peaks.area, peaks.area_error),
        ]
        timed = sorted((read.time_s, i) for i, read in enumerate(same) if read.time_s is not None)
        if len(timed) >= 5:
            area = every.area.reshape(len(same), len(wells)).T[:, [i for _, i in timed]]
            lasting = time_to_80(np.array([t for t, _ in timed], dtype=float), area)
            with np.errstate(invalid="ignore"):
                half = (lasting.upper_s - lasting.lower_s) / (2 * 1.96)
            features.append(Feature("t80", "s", lasting.t80_s, np.where(np.isfinite(half), half, np.nan)))
    if absorption:
        read = absorption[0]
        present = [well for well in wells if well in read.wells]
        grid, curve = per_energy(read.wavelength_nm, _of(read, present), emission=False)
        gap, error = (np.full(len(wells), np.nan) for _ in range(2))
        place = [wells.index(well) for well in present]
        gap[place], error[place] = tauc_gaps(grid, curve)
        features.append(Feature("band gap", "eV", gap, error))
        if not emission:
            for i in np.flatnonzero(~np.isfinite(gap)):
                flags[i].append("empty")
    chosen, said = phase_lines(plate_map, wells, (float(energy[0]), float(energy[-1])), lines)
    told += said
    if chosen:
        phases = phase_fractions(energy, spectra, {line.name: line.energy_ev for line in chosen})
        nothing = np.full(len(wells), np.nan)
        # a spectrum that the phases don't explain says nothing of their shares
        empty = np.array(["empty" in one for one in flags]) | ~(phases.residual < _UNEXPLAINED)
        if strange := int((phases.residual >= _UNEXPLAINED).sum()):
            told.append(
                f"in {strange} wells more than half of the light comes from none of the phases: no shares there"
            )
        features += [
            Feature(f"share of {name}", "", np.where(empty, np.nan, phases.shares[:, k]), nothing)
            for k, name in enumerate(phases.names)
        ]
    if cuts is not None:
        layers = [Feature(*numbers) for numbers in cuts.numbers(wells)]
        features += layers
        if bare := [w for w, d in zip(wells, layers[0].values, strict=True) if w in cuts.cuts and not np.isfinite(d)]:
            told.append(f"line cuts without a (00l) series: {', '.join(bare[:12])}")
        if other := [w for w in cuts.cuts if w not in wells]:
            told.append(f"line cuts of wells that were not read: {', '.join(other[:12])}")
    _outliers(wells, plate_map, features, flags)
    return PlateResult(
        tuple(wells),
        plate_map,
        tuple(features),
        tuple(map(tuple, flags)),
        energy,
        spectra,
        "emission" if emission else "absorption",
        tuple(dict.fromkeys((read.source, read.sha256) for read in reads)),
        peaks,
        phases,
        lasting,
        tuple(told),
        tuple(chosen),
    )


def _of(read: PlateRead, wells: Sequence[str]) -> FloatArray:
    """Spectra of some wells; NaN where one wasn't read."""
    place = {well: i for i, well in enumerate(read.wells)}
    made = np.full((len(wells), len(read.wavelength_nm)), np.nan)
    for i, well in enumerate(wells):
        if well in place:
            made[i] = read.signal[place[well]]
    return made


def _saturated(read: PlateRead, wells: Sequence[str]) -> list[bool]:
    """Whether the detector was over its range, or several points stand at one same highest value."""
    place = {well: i for i, well in enumerate(read.wells)}
    told = []
    for well in wells:
        row = read.signal[place[well]]
        top = np.nanmax(row) if np.isfinite(row).any() else np.nan
        flat = int((row == top).sum()) >= max(5, len(row) // 20) and bool(top > 0)
        told.append(bool(read.saturated[place[well]].any()) or flat)
    return told


def _first(peaks: Peaks, count: int) -> Peaks:
    return Peaks(**{name: value[:count] for name, value in peaks.__dict__.items()})


def _outliers(wells: Sequence[str], plate_map: PlateMap, features: Sequence[Feature], flags: list[list[str]]) -> None:
    """Flag wells that differ from their replicates, or from the nearest compositions of the plate."""
    sound = np.array([not one for one in flags])
    groups: dict[str, list[int]] = {}
    for i, well in enumerate(wells):
        groups.setdefault(plate_map.name(well), []).append(i)
    shares = plate_map.composition(list(wells))
    for feature in features[:3]:
        values = np.where(sound, feature.values, np.nan)
        errors = np.nan_to_num(feature.errors)
        if feature.name == "peak area":
            errors = errors / np.where(values > 0, values, np.inf)
            values = np.log(np.where(values > 0, values, np.nan))
        # 2 meV, or 1 % of an area, is no difference, whatever the statistics of few wells say
        least = _APART * np.sqrt(2.0) * errors + (1e-2 if feature.name == "peak area" else 2e-3)
        _worst_first(values, feature.name, "replicates", _same(groups, len(wells)), None, flags, least)
        _worst_first(values, feature.name, "neighbours", _nearest(shares), shares, flags, least)


def _worst_first(
    values: FloatArray,
    name: str,
    word: str,
    near: Sequence[Sequence[int]],
    shares: FloatArray | None,
    flags: list[list[str]],
    least: FloatArray,
) -> None:
    """Flag the worst well, leave it out, and look again, so that its neighbours don't suffer from it."""
    values = values.copy()
    for _ in range(max(1, len(values) // 8)):
        apart = np.array([_apart(values, i, others, shares) for i, others in enumerate(near)])
        known = np.abs(apart[np.isfinite(apart)])
        if len(known) < 6:
            return
        limit = _APART * max(1.4826 * float(np.median(known)), 1e-9)
        over = np.nan_to_num(np.abs(apart) / np.maximum(limit, least))
        worst = int(np.argmax(over))
        if over[worst] <= 1.0:
            return
        flags[worst].append(f"{name} apart from its {word}")
        values[worst] = np.nan


def _apart(values: FloatArray, i: int, others: Sequence[int], shares: FloatArray | None) -> float:
    """Difference from the median of the replicates, or from a plane through the nearest compositions."""
    rest = [j for j in others if j != i and np.isfinite(values[j])]
    if not np.isfinite(values[i]) or len(rest) < 2:
        return float("nan")
    if shares is None:
        return float(values[i] - np.median(values[rest]))
    if len(rest) < _NEIGHBOURS:
        return float("nan")
    plane = np.hstack([shares[rest] - shares[i], np.ones((len(rest), 1))])
    return float(values[i] - np.linalg.lstsq(plane, values[rest], rcond=None)[0][-1])


def _same(groups: Mapping[str, Sequence[int]], count: int) -> list[Sequence[int]]:
    made: list[Sequence[int]] = [()] * count
    for rows in groups.values():
        for i in rows:
            made[i] = rows
    return made


def _nearest(shares: FloatArray) -> list[Sequence[int]]:
    """Wells of the nearest compositions, a line between two phases or a triangle; none if compositions are unknown."""
    if shares.shape[1] == 0 or not np.isfinite(shares).all():
        return [()] * len(shares)
    distance = np.linalg.norm(shares[:, None, :] - shares[None, :, :], axis=2)
    order = np.argsort(distance, axis=1, kind="stable")[:, : _NEIGHBOURS + 1]
    spacing = np.median(np.sort(distance, axis=1)[:, min(_NEIGHBOURS, len(shares) - 1)])
    return [[int(j) for j in row if distance[i, j] <= 2.0 * spacing] for i, row in enumerate(order)]
