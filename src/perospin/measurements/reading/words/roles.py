"""Which quantity a column measures: by its heading, its unit, and sizes that are possible."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perospin.errors import DataError
from perospin.sheets.labels import Label, as_unit, is_unit, kind_of_unit
from perospin.units import convert

__all__ = ["NAMED", "ROLES", "Role", "get_role", "is_known", "is_stranger", "words_of"]

#: From this score on a heading or a unit tells the role; below it the column only doesn't contradict.
NAMED = 25.0
#: Words of quantities that are no channel of any analysis; a heading with one of them is never taken in silence.
_STRANGERS = frozenset((
    "stamp", "timestamp", "date", "clock", "elapsed", "index", "no", "number", "point", "points", "row", "comment",
    "remark", "status", "state", "flag", "range", "gain", "moment", "pressure", "position", "stage", "step", "steps",
    "motor", "ht", "hv", "pmt", "phase", "theta2", "log", "log10", "ln", "repeat", "cycle", "scan", "sample",
    "chamber", "integration", "exposure", "iteration", "humidity", "setpoint", "id", "dc",
))  # fmt: skip
_SPREADS = frozenset(
    ("sigma", "error", "err", "std", "sd", "sem", "uncertainty", "noise", "yerr", "dev", "stdev", "se")
)


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
        Headings, in lower case, the most telling first.
    by_unit
        Whether a unit of the same kind is enough to recognise it.
    also
        Other units that a detector gives it in.
    kinds
        Kinds of detector's units that fit: counts, density, arbitrary.
    kin
        Role whose words fit it too, where nothing tells it apart.
    largest
        Size, in `unit`, that it can't exceed.
    """

    name: str
    unit: str
    words: tuple[str, ...]
    by_unit: bool = True
    also: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("arbitrary",)
    kin: str = ""
    largest: float = np.inf

    def is_named(self, name: str, unit: str) -> bool:
        """Whether the heading is one of the words, and the unit (if there is one) fits."""
        return _plain(name) in self.words and self.fits(unit) is not False

    def is_like(self, name: str, unit: str) -> bool:
        """Whether the heading contains one of the words, or the unit is of this kind."""
        return self.score(Label(name, unit)) >= NAMED

    def fits(self, unit: str) -> bool | None:
        """Whether a unit fits; None if there is none, or an unknown one."""
        if not unit:
            return None
        if self.name == "sigma":
            return True
        kind = kind_of_unit(unit)
        if kind:
            return kind in self.kinds
        if not is_unit(unit):
            return None
        return any(_same_kind(unit, own) for own in (self.unit, *self.also))

    def unit_of(self, label: Label) -> str:
        """Give the unit of a column, also where its heading is nothing but a unit: nm, V."""
        if label.unit or not self.unit or not is_unit(label.name) or kind_of_unit(label.name):
            return label.unit
        return as_unit(label.name) if _same_kind(as_unit(label.name), self.unit) else ""

    def score(self, label: Label) -> float:
        """How well a heading tells this role.

        Returns
        -------
        float
            Negative if its unit or name contradicts; 0 to 20 if nothing does; from `NAMED` on if it is told.
        """
        named = _named(label.name, self.words)
        fits = self.fits(self.unit_of(label))
        if self.name == "absorbance" and label.unit == "A" and named > 0.0:
            fits = None  # a letter for the quantity, not amperes
        if fits is False:
            return -1.0
        tokens = _tokens(label.name)
        if self.name != "sigma" and tokens & _SPREADS and named < 90.0:
            return -1.0
        if tokens & _STRANGERS and "photons" not in tokens:
            if named < 90.0 and not fits:
                return -1.0
            named -= 30.0
        if named > 0.0:
            return named + (20.0 if fits else 0.0)
        if self.kin:
            of_kin = _named(label.name, ROLES[self.kin].words)
            if of_kin > 0.0:
                return 15.0 + (4.0 if fits else 0.0)
        if fits and (
            (self.unit and self.by_unit) or (self.name == "absorbance" and kind_of_unit(label.unit) == "density")
        ):
            return NAMED + 5.0
        if fits:
            return 10.0
        return -1.0 if _is_another(label, self) else 0.0

    def possible(self, values: NDArray[np.float64], unit: str) -> bool:
        """Whether numbers can be this quantity: a single point beyond the limit may be noise."""
        sizes = np.abs(values[np.isfinite(values)])
        if not len(sizes):
            return False
        if not np.isfinite(self.largest):
            return True
        try:
            scale = float(convert(1.0, unit, self.unit)) if unit and self.unit and not kind_of_unit(unit) else 1.0
        except DataError:
            return True
        if self.name == "polarisation" and unit == "%":
            scale = 0.01
        return bool(np.percentile(sizes, 97.0) * scale <= 1.1 * self.largest)


def _plain(name: str) -> str:
    return " ".join(_spaced(name).lower().replace("_", " ").split())


def _spaced(name: str) -> str:
    """Part words written together: CircularDichroism."""
    return re.sub(r"(?<=[a-z]{2})(?=[A-Z][a-z])", " ", name[:300])


@lru_cache(maxsize=4096)
def _tokens(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^a-zµα-ωσ+\-\d]+", _spaced(name).lower())) - {""}


@lru_cache(maxsize=8192)
def _named(name: str, words: tuple[str, ...]) -> float:
    """How well a name tells one of the words: as it stands, with a number behind it, as a part."""
    plain = _plain(name)
    if plain in words:
        return 100.0 - 0.5 * words.index(plain)
    numbered = re.fullmatch(r"(.*?)[\s#]*\d{1,2}", plain)
    if numbered and numbered[1] in words and not re.fullmatch(r"t\d", plain):
        return 80.0 - 0.5 * words.index(numbered[1])
    separate = " ".join(re.split(r"[^a-zµα-ωσ+\-\d*/]+", _spaced(name).lower()))
    best = 0.0
    for rank, word in enumerate(words):
        if len(word) > 1 and f" {word} " in f" {separate} ":
            best = max(best, (60.0 if " " in word else 50.0 if len(word) > 2 else 30.0) - 0.5 * rank)
    return best


@lru_cache(maxsize=4096)
def _same_kind(unit: str, own: str) -> bool:
    try:
        convert(1.0, unit, own)
    except DataError:
        return False
    return True


def _is_another(label: Label, role: Role) -> bool:
    """Whether the heading names another quantity, by a word of more than one letter."""
    plain = _plain(label.name)
    return len(plain) > 1 and any(
        plain in other.words and (other.by_unit or other.name in ("absorbance", "polarisation"))
        for other in ROLES.values()
        if other.name not in (role.name, role.kin) and role.name != other.kin
    )


def is_stranger(label: Label) -> bool:
    """Whether the heading names a quantity that is no channel of any analysis."""
    return bool(_tokens(label.name) & _STRANGERS) or kind_of_unit(label.unit) == "foreign"


def is_known(label: Label) -> bool:
    """Whether a heading is one beyond doubt: it has a unit, or names a quantity."""
    if label.unit or is_stranger(label):
        return True
    return any(_named(label.name, role.words) > 0.0 for role in ROLES.values())


def words_of(name: str) -> tuple[str, ...]:
    """Headings of a role."""
    return get_role(name).words


def _helicities(probe: str) -> tuple[str, ...]:
    """Headings that name the helicities of pump and probe."""
    return tuple(f"{name}+{between}{name}{probe}" for name in ("σ", "s", "sigma") for between in ("", " ", "/"))


_VOLTS = ("V", "A", "W", "deg", "")
_ALL = ("counts", "density", "arbitrary")
_LIST = (
    Role("delay", "ps", ("delay", "pump-probe delay", "pump probe delay", "time delay", "time", "t", "dt", "zeit"),
         kinds=(), largest=1e11),
    Role("same", "", ("same", "sc", "co", "cocircular", "co-circular", "same circular", *_helicities("+")), False,
         also=_VOLTS, kinds=_ALL, kin="signal"),
    Role("counter", "", ("counter", "cc", "cross", "oc", "opposite", "counter-circular", "cross-circular",
                         "counter circular", *_helicities("-"), *_helicities("−")), False,
         also=_VOLTS, kinds=_ALL, kin="signal"),
    Role("difference", "", ("difference", "sc-cc", "diff"), False, also=_VOLTS, kinds=_ALL, kin="signal"),
    Role("sigma", "", ("sigma", "error", "err", "std", "sd", "sem", "uncertainty", "noise", "yerr"), False),
    Role("signal", "", ("signal", "kerr rotation", "faraday rotation", "kerr", "rotation", "faraday", "odmr",
                        "intensity", "amplitude", "pl", "x", "lockin x", "lock-in x", "counts", "photons",
                        "no of photons", "emission", "transmission change"), False, also=_VOLTS, kinds=_ALL),
    Role("field", "T", ("field", "magnetic field", "b", "h", "b field", "bz", "bx", "by", "µ0h", "b ext"), kinds=(),
         largest=100.0),
    Role("resistance", "ohm", ("resistance", "r", "res.", "res", "rxx", "rxy", "mr", "nonlocal resistance",
                               "non-local resistance", "r nl", "rnl")),
    Role("polarisation", "", ("polarisation", "polarization", "p", "pc", "dcp", "degree", "rho"), False, largest=1.0),
    Role("wavelength", "nm", ("wavelength", "lambda", "λ", "wl", "wellenlänge"), kinds=()),
    Role("energy", "eV", ("energy", "photon energy", "e", "hv", "hν", "wavenumber"), kinds=()),
    Role("ellipticity", "mdeg", ("ellipticity", "cd", "theta", "θ", "circular dichroism", "cd signal")),
    Role("absorbance", "", ("absorbance", "abs", "a", "od", "optical density", "absorption", "extinction", "alpha",
                           "α"), False,
         kinds=("density", "arbitrary"), largest=10.0),
    Role("left", "", ("left", "l", "lcp", "σ-", "sigma-", "s-", "i-", "sigma minus", "i l", "il", "i left"), False,
         also=("V", "A", "W", ""), kinds=("counts", "arbitrary"), kin="signal"),
    Role("right", "", ("right", "r", "rcp", "σ+", "sigma+", "s+", "i+", "sigma plus", "i r", "ir", "i right"), False,
         also=("V", "A", "W", ""), kinds=("counts", "arbitrary"), kin="signal"),
    Role("voltage", "V", ("voltage", "bias", "v", "u", "bias voltage", "applied voltage", "volts")),
    Role("current_up", "A", ("current up", "i up", "up", "tip up", "i+", "i plus"), False, kin="current"),
    Role("current_down", "A", ("current down", "i down", "down", "tip down", "i-", "i minus"), False, kin="current"),
    Role("current", "A", ("current", "i")),
    Role("temperature", "K", ("temperature", "t", "temp"), kinds=(), largest=5000.0),
    Role("lifetime", "ps", ("lifetime", "t1", "tau", "τ", "t2", "t2*", "tau s", "spin lifetime"), kinds=()),
    Role("frequency", "Hz", ("frequency", "f", "modulation frequency", "fmod", "f mod", "freq"), kinds=()),
    Role("time", "s", ("time", "t", "elapsed time", "elapsed", "zeit"), kinds=()),
    Role("dose_rate", "Gy/s", ("dose rate", "doserate", "dose", "air kerma rate", "kerma rate"), kinds=()),
    Role("snr", "", ("snr", "signal to noise", "signal-to-noise", "signal-to-noise ratio", "s/n"), False),
    Role("capacitance", "F", ("capacitance", "cap", "cp", "cs", "c")),
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
