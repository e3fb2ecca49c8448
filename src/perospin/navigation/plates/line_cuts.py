"""Line cuts of diffraction: their files, and what their (00l) series say of a film and of the wells of a plate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError
from perospin.navigation.plates.scattering import (
    CU_K_ALPHA_A,
    LayerSpacing,
    layer_spacings,
    orientation,
    q_of_two_theta,
)
from perospin.navigation.worklists.labware import split_well
from perospin.text import shorten

__all__ = ["AXES", "Film", "LineCut", "PlateCuts", "cuts_of_wells", "film", "first_spacing", "read_cut"]

FloatArray = NDArray[np.float64]
AXES = ("two-theta", "q", "q-nm")
"""Angle in degrees, 1/Angstrom, 1/nm."""
_SMALL_Q, _SMALL_ANGLE = 4.0, 8.0
_TWO_THETA = re.compile(r"2\s*-?_?\s*(?:theta|θ|th\b)|two[\s_-]?theta|zweitheta", re.IGNORECASE)
_Q = re.compile(r"(?<![a-z])q(?:[_-]?(?:xy|z|r))?(?![a-z])", re.IGNORECASE)
_PER_NM = re.compile(r"1\s*/\s*nm|nm\s*\^?\s*[-−⁻]", re.IGNORECASE)


@dataclass(frozen=True)
class LineCut:
    """One line cut.

    Attributes
    ----------
    name : str
    q_per_a : array, shape (n,)
        Rising, 1/Angstrom.
    intensity : array, shape (n,)
    axis : str
        What the file's first column is; one of `AXES`.
    told : bool
        Whether the file or the caller said so; otherwise it follows from its range.
    """

    name: str
    q_per_a: FloatArray
    intensity: FloatArray
    axis: str
    told: bool


@dataclass(frozen=True)
class Film:
    """What line cuts say of a film.

    Attributes
    ----------
    series, in_plane : list of LayerSpacing
        Of the cut (out of plane), and of the one in plane; the strongest first.
    orientation : str or None
        lying, standing, mixed or none; None without a cut in plane.
    """

    series: list[LayerSpacing]
    in_plane: list[LayerSpacing]
    orientation: str | None

    def shares(self) -> dict[int, float]:
        """Share of each layer number in the heights of all (00l) peaks; empty if no layer number is known.

        Structure factors and textures differ, so that shares of peaks are not volumes.
        """
        found: dict[int, float] = {}
        for one in (*self.series, *self.in_plane):
            if one.n is not None:
                found[round(one.n)] = found.get(round(one.n), 0.0) + one.intensity
        whole = sum(found.values())
        return {n: found[n] / whole for n in sorted(found)}


def read_cut(path: Path | str, axis: str | None = None, wavelength_a: float = CU_K_ALPHA_A) -> LineCut:
    """Read a cut: the first column is 2 theta or q, the second the intensity; further ones are left out.

    What the first column is stands in the heading. Without a heading, a range up to 4 is q in 1/Angstrom and one beyond
    8 is 2 theta in degrees.

    Parameters
    ----------
    path : path
    axis : {"two-theta", "q", "q-nm"}, optional
        Overrules the file.
    wavelength_a : float
        For 2 theta. Default: copper K alpha.

    Raises
    ------
    NavigationError
        If it can't be told what the first column is.
    DataError
        If the file holds no table.
    """
    from perospin.measurements.reading.grid import read_grid
    from perospin.sheets.files import read_raw

    if axis is not None and axis not in AXES:
        raise NavigationError(f"the axis of a cut is {', '.join(AXES)}, not '{shorten(axis, 20)}'")
    if not 0.1 < wavelength_a < 5.0:
        raise NavigationError(f"a wavelength lies between 0.1 and 5 Angstrom, not {wavelength_a:g}")
    raw = read_raw(Path(path))
    grid = read_grid(raw)
    x, y = grid.values[:, 0], grid.values[:, 1]
    seen = np.isfinite(x) & np.isfinite(y)
    x, y = x[seen], y[seen]
    if len(x) and x[0] > x[-1]:
        x, y = x[::-1], y[::-1]
    told = axis or _axis_of(" ".join((*grid.before[-3:], *grid.units[:1])))
    found = told or _axis_by_range(x, raw.name)
    if found == "two-theta":
        if len(x) and not (x.min() >= 0.0 and x.max() < 180.0):
            raise NavigationError(f"'{shorten(raw.name, 40)}' has angles 2 theta outside 0 to 180 degrees")
        x = q_of_two_theta(x, wavelength_a)
    elif found == "q-nm":
        x = x / 10.0
    return LineCut(raw.name, x, y, found, told is not None)


def _axis_of(words: str) -> str | None:
    if _TWO_THETA.search(words):
        return "two-theta"
    if _Q.search(words):
        return "q-nm" if _PER_NM.search(words) else "q"
    return None


def _axis_by_range(x: FloatArray, name: str) -> str:
    most = float(x.max()) if len(x) else 0.0
    if _SMALL_Q < most < _SMALL_ANGLE:
        raise NavigationError(
            f"'{shorten(name, 40)}' ends at {most:g}, which may be degrees 2 theta or 1/Angstrom; say which by --axis"
        )
    return "q" if most <= _SMALL_Q else "two-theta"


def first_spacing(text: str) -> tuple[float, str | None, str]:
    """Spacing of n = 1 from a number of Angstrom, or from the shipped crystals of a formula.

    Parameters
    ----------
    text : str
        ``16.4`` or ``(PEA)2PbI4``.

    Returns
    -------
    spacing_a : float
    halide : str or None
        That of the formula.
    source : str

    Raises
    ------
    NavigationError
        If no crystal of the formula is known, or it is not one of single layers.
    FormulaError
        If it is no formula.
    """
    from perospin.chemistry.perovskite import Perovskite
    from perospin.descriptors.crystals import crystals_of

    try:
        return float(text), None, "as given"
    except ValueError:
        made = Perovskite.parse(text)
    if made.n_layers != 1 or len(made.x_site) != 1:
        raise NavigationError(f"'{shorten(text, 40)}' must have single layers (n = 1) and one halide")
    rows = crystals_of(made.formula).dropna(subset=["layer_spacing_a"])
    if not len(rows):
        raise NavigationError(f"no crystal of {made.formula} is in the shipped table; give the spacing in Angstrom")
    files = ", ".join(map(str, rows["file"][:4])) + (" and others" if len(rows) > 4 else "")
    spacing = float(rows["layer_spacing_a"].median())
    return spacing, made.x_site[0][0].symbol, f"{made.formula}, {files} of the shipped crystals"


def film(cut: LineCut, in_plane: LineCut | None = None, first_a: float | None = None, halide: str = "I") -> Film:
    """Tell layers, their numbers and how they lie from one cut, or from two.

    Parameters
    ----------
    cut : LineCut
        A powder pattern, or the cut out of plane.
    in_plane : LineCut, optional
    first_a : float, optional
        Spacing of n = 1, Angstrom.
    halide : {"I", "Br", "Cl"}

    Raises
    ------
    NavigationError
    """
    series = layer_spacings(cut.q_per_a, cut.intensity, first_a, halide)
    if in_plane is None:
        return Film(series, [], None)
    other = layer_spacings(in_plane.q_per_a, in_plane.intensity, first_a, halide)
    return Film(series, other, orientation(series, other))


def cuts_of_wells(
    folder: Path | str, axis: str | None = None, wavelength_a: float = CU_K_ALPHA_A
) -> dict[str, LineCut]:
    """Read the cuts of a plate: files whose name is a well (``A1.xy``) or ends with one (``film_B12.dat``).

    Raises
    ------
    NavigationError
        If no file is named so, or two are of one well.
    """
    found: dict[str, LineCut] = {}
    place = Path(folder)
    if not place.is_dir():
        raise NavigationError(f"'{shorten(place.name, 60)}' is no folder of line cuts, one file a well")
    for path in sorted(one for one in place.iterdir() if one.is_file() and not one.name.startswith(".")):
        try:
            row, column = split_well(re.split(r"[^A-Za-z0-9]+", path.stem)[-1])
        except NavigationError:
            continue
        well = f"{chr(ord('A') + row)}{column + 1}"
        if well in found:
            raise NavigationError(f"two cuts are of well {well}: '{found[well].name}' and '{shorten(path.name, 60)}'")
        found[well] = read_cut(path, axis, wavelength_a)
    if not found:
        raise NavigationError(f"no file in '{shorten(place.name, 60)}' is named by its well, such as A1.xy")
    return found


@dataclass(frozen=True)
class PlateCuts:
    """The line cuts of a plate.

    Attributes
    ----------
    cuts : dict of str to LineCut
        By well.
    first_a : float or None
        Spacing of n = 1, Angstrom.
    halide : str
    """

    cuts: Mapping[str, LineCut]
    first_a: float | None = None
    halide: str = "I"

    def numbers(self, wells: Sequence[str]) -> list[tuple[str, str, FloatArray, FloatArray]]:
        """Name, unit, values and errors of what the cuts say of some wells; NaN where there is no cut or no series."""
        films = [film(self.cuts[w], None, self.first_a, self.halide) if w in self.cuts else None for w in wells]
        strongest = [one.series[0] if one is not None and one.series else None for one in films]
        nothing = np.full(len(wells), np.nan)

        def column(name: str) -> FloatArray:
            told = (None if one is None else getattr(one, name) for one in strongest)
            return np.array([np.nan if value is None else value for value in told], dtype=float)

        made = [("layer spacing", "A", column("spacing_a"), column("error_a"))]
        if self.first_a is not None:
            made.append(("layer number", "", column("n"), column("n_error")))
            shares = [one.shares() if one is not None else {} for one in films]
            for n in sorted({n for one in shares for n in one}):
                part = np.array([one.get(n, 0.0) if one else np.nan for one in shares])
                made.append((f"share of n={n} by diffraction", "", part, nothing))
        return made
