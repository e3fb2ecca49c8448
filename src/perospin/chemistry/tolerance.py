"""Geometric factors of the perovskite structure. Radii in angstrom; scalars or arrays that broadcast."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


def _positive(**radii: ArrayLike) -> list[Float]:
    from perospin.errors import DataError

    arrays = []
    for name, value in radii.items():
        array = np.asarray(value, dtype=float)
        if np.any(array <= 0):
            raise DataError(f"{name} must be a positive length in angstrom, got {np.min(array):g}")
        arrays.append(array)
    return arrays


def goldschmidt_tolerance(r_a: ArrayLike, r_b: ArrayLike, r_x: ArrayLike) -> Float:
    r"""Goldschmidt's tolerance factor :math:`t = (r_A + r_X) / [\sqrt 2 (r_B + r_X)]`.

    Parameters
    ----------
    r_a, r_b, r_x
        Radii of the A, B and X ions (angstrom); they broadcast. NaN gives NaN.

    Returns
    -------
    ndarray
        Tolerance factor; about 0.8 to 1.0 for three-dimensional perovskites.

    Raises
    ------
    DataError
        If a radius isn't positive.

    Notes
    -----
    For layered perovskites use the cage cation and n >= 2: a spacer fits no cage, and t > 1.1 merely says so. The
    52-material table of 10.1039/d5sc07406a uses the composition mean of the organic cations' radii instead.
    """
    a, b, x = _positive(r_a=r_a, r_b=r_b, r_x=r_x)
    return np.asarray((a + x) / (np.sqrt(2.0) * (b + x)))


def effective_radius(r_mass: ArrayLike, r_ion: ArrayLike) -> Float:
    """Kieslich's effective radius of a molecular cation.

    Parameters
    ----------
    r_mass
        Distance from the centre of mass to the farthest atom that isn't hydrogen (angstrom).
    r_ion
        Ionic radius of that atom (angstrom).

    Returns
    -------
    ndarray
        Effective radius (angstrom). Kieslich, Sun, Cheetham, Chem. Sci. 5, 4712 (2014), doi 10.1039/C4SC02211D.
    """
    return np.asarray(np.asarray(r_mass, dtype=float) + np.asarray(r_ion, dtype=float))


def kieslich_tolerance(r_a: ArrayLike, r_b: ArrayLike, r_x: ArrayLike, height_x: ArrayLike | None = None) -> Float:
    r"""Tolerance factor of hybrid perovskites with effective radii, doi 10.1039/C4SC02211D.

    Parameters
    ----------
    r_a
        Effective radius of the A cation (angstrom), see :func:`effective_radius`: 2.17 for methylammonium, 2.53 for
        formamidinium.
    r_b
        Radius of the metal (angstrom).
    r_x
        Radius of the anion, of the cylinder for a molecular one (angstrom).
    height_x
        Height of the cylinder of a molecular anion (angstrom): then
        :math:`\alpha = (r_A + r_X) / [\sqrt 2 (r_B + h_X / 2)]`. Without it the form is Goldschmidt's.

    Raises
    ------
    DataError
        If a length isn't positive.
    """
    if height_x is None:
        return goldschmidt_tolerance(r_a, r_b, r_x)
    a, b, x, h = _positive(r_a=r_a, r_b=r_b, r_x=r_x, height_x=height_x)
    return np.asarray((a + x) / (np.sqrt(2.0) * (b + h / 2.0)))


def octahedral_factor(r_b: ArrayLike, r_x: ArrayLike) -> Float:
    r"""Octahedral factor :math:`\mu = r_B / r_X` (radii in angstrom); octahedra form for about 0.44 to 0.90.

    Raises
    ------
    DataError
        If a radius isn't positive.
    """
    b, x = _positive(r_b=r_b, r_x=r_x)
    return np.asarray(b / x)


def bartel_tau(r_a: ArrayLike, r_b: ArrayLike, r_x: ArrayLike, n_a: ArrayLike = 1) -> Float:
    r"""Bartel's tolerance factor :math:`\tau = r_X/r_B - n_A [n_A - (r_A/r_B) / \ln(r_A/r_B)]`.

    Parameters
    ----------
    r_a, r_b, r_x
        Radii of the A, B and X ions (angstrom); they broadcast.
    n_a
        Charge of the A cation.

    Returns
    -------
    ndarray
        tau; a perovskite is expected below 4.18. NaN where r_a <= r_b, where tau isn't defined.
        Bartel et al., Sci. Adv. 5, eaav0693 (2019), doi 10.1126/sciadv.aav0693.

    Raises
    ------
    DataError
        If a radius isn't positive.
    """
    a, b, x = _positive(r_a=r_a, r_b=r_b, r_x=r_x)
    charge = np.asarray(n_a, dtype=float)
    ratio = np.where(a > b, a / b, np.nan)
    return np.asarray(x / b - charge * (charge - ratio / np.log(ratio)))
