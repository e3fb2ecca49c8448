"""Laws as integrals over a spectrum or a density of states that the user has in a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.observations import read_text
from perospin.mechanisms.laws.dyakonov_perel import dyakonov_perel_integral_rate, rashba_precession
from perospin.mechanisms.laws.elliott_yafet import elliott_yafet_integral_rate
from perospin.mechanisms.quantities import QUANTITIES, read_value
from perospin.units import HBAR2_OVER_M0_EV_A2, KB_EV_K, convert

__all__ = ["read_energies", "tabulated_rate"]

_UNIT = re.compile(r".*?[\[(]\s*(\S+?)\s*[\])]\s*|.*_(\w+)")
_NEEDS = {
    "elliott_yafet": ("temperature_k",),
    "dyakonov_perel": ("temperature_k", "rashba_ev_a", "momentum_scattering_time_ps", "mass_m0"),
}


def read_energies(path: str | Path) -> tuple[Float, Float]:
    """Read a CSV file of two columns: energies and a function of them.

    Parameters
    ----------
    path : str or Path
        The first line names the columns, the energy with its unit: ``energy_mev`` or ``energy (eV)``. Comma, semicolon
        and tab separate; lines that start with # are skipped.

    Returns
    -------
    energies_mev, values : ndarray, (n,)
        Increasing energies (meV), and what is in the second column, not negative.

    Raises
    ------
    DataError
        If the file isn't such a table; the message names the line.
    """
    lines = [
        (i, line)
        for i, line in enumerate(read_text(Path(path)).splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not lines:
        raise DataError(f"'{path}' holds no table: the file is empty")
    delimiter = max((",", ";", "\t"), key=lines[0][1].count)
    rows = list(csv.reader(io.StringIO("\n".join(line for _, line in lines)), delimiter=delimiter, strict=False))
    heading = rows[0][0].strip()
    match = _UNIT.fullmatch(heading)
    if len(rows[0]) < 2 or match is None:
        raise DataError(f"'{path}', first line: name two columns, the energy with its unit, e.g. 'energy (meV),a2f'")
    try:
        scale = convert(1.0, match[1] or {"mev": "meV", "ev": "eV"}.get(match[2].lower(), match[2]), "meV")
    except DataError as error:
        raise DataError(f"'{path}', column '{heading:.40}': {error}") from None
    table = []
    for (line, _), cells in zip(lines[1:], rows[1:], strict=False):
        try:
            table.append((scale * float(cells[0]), float(cells[1])))
        except (ValueError, IndexError):
            raise DataError(f"'{path}', line {line}: two numbers are needed, got '{','.join(cells):.40}'") from None
    if len(table) < 3:
        raise DataError(f"'{path}' has {len(table)} points; an integral needs at least 3")
    energies, values = np.array(table).T
    if not (np.all(np.diff(energies) > 0) and energies[0] >= 0 and np.isfinite(values).all() and np.all(values >= 0)):
        raise DataError(f"'{path}': the energies must increase from 0 up, and the function must not be negative")
    return energies, values


def tabulated_rate(name: str, path: str | Path, given: Mapping[str, str], scattering_exponent: float = 0.0) -> float:
    r"""Evaluate Eq. 1 or Eq. 2 of 10.1039/d5sc07406a over a table.

    Parameters
    ----------
    name : {"dyakonov_perel", "elliott_yafet"}
        Eq. 1 with the table as density of states (any unit) and the isotropic field
        :math:`\Omega=2\alpha k/\hbar`, :math:`k^2=2m\epsilon/\hbar^2`, or Eq. 2 with the table as
        :math:`\alpha_s^2F`.
    path : str or Path
        See `read_energies`.
    given : mapping of str to str
        Values with units by argument name, with or without the unit in the name.
    scattering_exponent : float
        r of :math:`\tau_p\propto(\epsilon/k_BT)^r` (Eq. 1).

    Returns
    -------
    float
        Rate (1/ps).

    Raises
    ------
    DataError
        If the name, the table or a value is wrong or missing.
    """
    if name not in _NEEDS:
        raise DataError(f"'{name:.40}' has no integral form: use {' or '.join(_NEEDS)}")
    short = {QUANTITIES[key].short: key for key in _NEEDS[name]}
    values: dict[str, float] = {}
    for key, text in given.items():
        full = short.get(key, key)
        if full not in _NEEDS[name]:
            raise DataError(f"the integral of {name} has no parameter '{key:.40}'; it has {', '.join(short)}")
        values[full] = read_value(QUANTITIES[full], text)
    missing = [word for word, key in short.items() if key not in values]
    if missing:
        raise DataError(f"the integral of {name} also needs {', '.join(missing)}")
    energies, function = read_energies(path)
    temperature = values["temperature_k"]
    if name == "elliott_yafet":
        start = 1 if energies[0] == 0 else 0
        return float(elliott_yafet_integral_rate(temperature, function[start:], energies[start:]))
    thermal_mev = 1e3 * KB_EV_K * temperature
    if energies[0] > 0.2 * thermal_mev or energies[-1] < 8.0 * thermal_mev:
        raise DataError(
            f"'{path}': the density of states must reach from the band edge (0) to 8 kT = {8 * thermal_mev:.3g} meV, "
            f"got {energies[0]:.3g} to {energies[-1]:.3g} meV"
        )

    def squared_field(energy_ev: Float) -> Float:
        wavevector = np.sqrt(2.0 * values["mass_m0"] * energy_ev / HBAR2_OVER_M0_EV_A2)
        return np.asarray(rashba_precession(values["rashba_ev_a"], wavevector) ** 2)

    def scattering(energy_ev: Float) -> Float:
        return values["momentum_scattering_time_ps"] * (energy_ev / (KB_EV_K * temperature)) ** scattering_exponent

    def states(energy_ev: Float) -> Float:
        return np.interp(1e3 * energy_ev, energies, function, right=0.0)

    return float(dyakonov_perel_integral_rate(temperature, squared_field, scattering, density_of_states=states))
