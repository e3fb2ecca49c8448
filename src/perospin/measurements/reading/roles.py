"""Which quantity a column measures, by its heading or by its unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from perospin.errors import DataError
from perospin.units import convert

__all__ = ["ROLES", "Role", "get_role"]


@dataclass(frozen=True)
class Role:
    """A quantity that columns measure.

    Attributes
    ----------
    name
        For messages and as the key in `ROLES`.
    unit
        Unit in which the analyses take it; ``""`` for a detector's.
    words
        Headings, in lower case.
    by_unit
        Whether a unit of the same kind is enough to recognise it.
    """

    name: str
    unit: str
    words: tuple[str, ...]
    by_unit: bool = True

    def is_named(self, name: str, unit: str) -> bool:
        """Whether the heading is one of the words, and the unit (if there is one) fits."""
        return _plain(name) in self.words and (not unit or not self.unit or self._fits(unit) or not _known(unit))

    def is_like(self, name: str, unit: str) -> bool:
        """Whether the heading contains one of the words, or the unit is of this kind."""
        if self.by_unit and unit and self.unit and self._fits(unit):
            return True
        parts = set(re.split(r"[^a-zµα-ωσ+\-]+", name.lower()))
        return any(len(word) > 2 and word in parts for word in self.words)

    def _fits(self, unit: str) -> bool:
        try:
            convert(1.0, unit, self.unit)
        except DataError:
            return False
        return True


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def _known(unit: str) -> bool:
    try:
        convert(1.0, unit, unit)
    except DataError:
        return False
    return True


def _helicities(probe: str) -> tuple[str, ...]:
    """Headings that name the helicities of pump and probe."""
    return tuple(f"{name}+{between}{name}{probe}" for name in ("σ", "s", "sigma") for between in ("", " ", "/"))


_LIST = (
    Role("delay", "ps", ("delay", "time", "t", "dt", "time delay", "pump-probe delay", "pump probe delay", "zeit")),
    Role("same", "", ("same", "sc", "co", "cocircular", "co-circular", "same circular", *_helicities("+")), False),
    Role("counter", "", ("counter", "cc", "cross", "oc", "opposite", "counter-circular", "cross-circular",
                         "counter circular", *_helicities("-"), *_helicities("−")), False),
    Role("difference", "", ("difference", "sc-cc", "diff"), False),
    Role("sigma", "", ("sigma", "error", "err", "std", "sd", "sem", "uncertainty", "noise", "yerr"), False),
    Role("signal", "", ("signal", "kerr", "rotation", "faraday", "intensity", "amplitude", "pl", "odmr"), False),
    Role("field", "T", ("field", "b", "h", "b field", "magnetic field", "bz", "bx", "µ0h", "b ext")),
    Role("resistance", "ohm", ("resistance", "r", "mr", "rxx", "nonlocal resistance", "non-local resistance")),
    Role("polarisation", "", ("polarisation", "polarization", "p", "pc", "dcp", "degree", "rho"), False),
    Role("wavelength", "nm", ("wavelength", "lambda", "λ", "wl", "wellenlänge")),
    Role("energy", "eV", ("energy", "photon energy", "e", "hv", "hν")),
    Role("ellipticity", "mdeg", ("ellipticity", "cd", "theta", "θ", "circular dichroism", "cd signal")),
    Role("absorbance", "", ("absorbance", "abs", "a", "od", "optical density", "absorption", "extinction"), False),
    Role("left", "", ("left", "l", "lcp", "σ-", "sigma-", "i l", "il", "i left"), False),
    Role("right", "", ("right", "r", "rcp", "σ+", "sigma+", "i r", "ir", "i right"), False),
    Role("voltage", "V", ("voltage", "bias", "v", "u")),
    Role("current_up", "A", ("current up", "i up", "up", "tip up", "i+", "i plus"), False),
    Role("current_down", "A", ("current down", "i down", "down", "tip down", "i-", "i minus"), False),
    Role("current", "A", ("current", "i")),
    Role("temperature", "K", ("temperature", "t", "temp")),
    Role("lifetime", "ps", ("lifetime", "t1", "tau", "τ", "t2", "t2*", "tau s", "spin lifetime")),
    Role("frequency", "Hz", ("frequency", "f", "modulation frequency", "fmod", "f mod", "freq")),
    Role("power", "W", ("power", "p", "pump power", "excitation power")),
)  # fmt: skip

ROLES: dict[str, Role] = {role.name: role for role in _LIST}


def get_role(name: str) -> Role:
    """Role of that name.

    Raises
    ------
    DataError
        If there is none.
    """
    if name not in ROLES:
        raise DataError(f"unknown quantity '{name:.40}'; columns are recognised for: {', '.join(ROLES)}")
    return ROLES[name]
