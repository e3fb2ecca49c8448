"""Physical constants and conversion between laboratory units.

Constants are CODATA values, equal to those of ``scipy.constants`` (a test holds them together) and written out so
that nothing heavy is imported. Names carry the unit.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar, cast

from perospin.errors import DataError
from perospin.similar import similar_names

ELEMENTARY_CHARGE_C = 1.602176634e-19
PLANCK_J_S = 6.62607015e-34
HBAR_J_S = PLANCK_J_S / (2.0 * math.pi)
BOLTZMANN_J_K = 1.380649e-23
SPEED_OF_LIGHT_M_S = 299792458.0
ELECTRON_MASS_KG = 9.1093837139e-31
AVOGADRO_PER_MOL = 6.02214076e23
BOHR_MAGNETON_J_T = 9.2740100657e-24
NUCLEAR_MAGNETON_J_T = 5.0507837393e-27
VACUUM_PERMITTIVITY_F_M = 8.8541878188e-12
ATOMIC_MASS_KG = 1.66053906892e-27
BOHR_RADIUS_M = 5.29177210544e-11
HARTREE_J = 4.3597447222060e-18

HBAR_EV_S = HBAR_J_S / ELEMENTARY_CHARGE_C
PLANCK_EV_S = PLANCK_J_S / ELEMENTARY_CHARGE_C
BOLTZMANN_EV_K = BOLTZMANN_J_K / ELEMENTARY_CHARGE_C
BOHR_MAGNETON_EV_T = BOHR_MAGNETON_J_T / ELEMENTARY_CHARGE_C
NUCLEAR_MAGNETON_EV_T = NUCLEAR_MAGNETON_J_T / ELEMENTARY_CHARGE_C
BOHR_RADIUS_A = BOHR_RADIUS_M * 1e10
HARTREE_EV = HARTREE_J / ELEMENTARY_CHARGE_C
DEBYE_C_M = 1e-21 / SPEED_OF_LIGHT_M_S

_Value = TypeVar("_Value")
#: Exponents of metre, kilogram, second, ampere, kelvin, and (plane) angle.
_Dimension = tuple[int, int, int, int, int, int]

_NONE: _Dimension = (0, 0, 0, 0, 0, 0)
_LENGTH: _Dimension = (1, 0, 0, 0, 0, 0)
_MASS: _Dimension = (0, 1, 0, 0, 0, 0)
_TIME: _Dimension = (0, 0, 1, 0, 0, 0)
_CURRENT: _Dimension = (0, 0, 0, 1, 0, 0)
_TEMPERATURE: _Dimension = (0, 0, 0, 0, 1, 0)
_ANGLE: _Dimension = (0, 0, 0, 0, 0, 1)
_ENERGY: _Dimension = (2, 1, -2, 0, 0, 0)
_FIELD: _Dimension = (0, 1, -2, -1, 0, 0)
_CHARGE: _Dimension = (0, 0, 1, 1, 0, 0)
_VOLTAGE: _Dimension = (2, 1, -3, -1, 0, 0)
_RESISTANCE: _Dimension = (2, 1, -3, -2, 0, 0)
_DOSE: _Dimension = (2, 0, -2, 0, 0, 0)
_WAVENUMBER: _Dimension = (-1, 0, 0, 0, 0, 0)


def _exact(value: float | str) -> Fraction:
    """Turn a decimal number into a fraction, so that powers of ten cancel exactly."""
    return Fraction(str(value))


#: Units that take prefixes: SI scale and dimension.
_PREFIXED: dict[str, tuple[Fraction, _Dimension]] = {
    "m": (_exact(1), _LENGTH),
    "s": (_exact(1), _TIME),
    "g": (_exact("0.001"), _MASS),
    "A": (_exact(1), _CURRENT),
    "K": (_exact(1), _TEMPERATURE),
    "J": (_exact(1), _ENERGY),
    "eV": (_exact(ELEMENTARY_CHARGE_C), _ENERGY),
    "T": (_exact(1), _FIELD),
    "G": (_exact("0.0001"), _FIELD),
    "Oe": (_exact("0.0001"), _FIELD),
    "Hz": (_exact(1), (0, 0, -1, 0, 0, 0)),
    "Pa": (_exact(1), (-1, 1, -2, 0, 0, 0)),
    "C": (_exact(1), _CHARGE),
    "V": (_exact(1), _VOLTAGE),
    "F": (_exact(1), (-2, -1, 4, 2, 0, 0)),
    "W": (_exact(1), (2, 1, -3, 0, 0, 0)),
    "ohm": (_exact(1), _RESISTANCE),
    "S": (_exact(1), (-2, -1, 3, 2, 0, 0)),
    "Gy": (_exact(1), _DOSE),
    "rad": (_exact(1), _ANGLE),
    "deg": (_exact(math.pi / 180.0), _ANGLE),
}
#: Units without prefixes, and other spellings.
_FIXED: dict[str, tuple[Fraction, _Dimension]] = {
    "": (_exact(1), _NONE),
    "1": (_exact(1), _NONE),
    "fraction": (_exact(1), _NONE),
    "unitless": (_exact(1), _NONE),
    "dimensionless": (_exact(1), _NONE),
    "%": (_exact("0.01"), _NONE),
    "percent": (_exact("0.01"), _NONE),
    "ppm": (_exact("1e-06"), _NONE),
    "min": (_exact(60), _TIME),
    "h": (_exact(3600), _TIME),
    "Angstrom": (_exact("1e-10"), _LENGTH),
    "bohr": (_exact(BOHR_RADIUS_M), _LENGTH),
    "a0": (_exact(BOHR_RADIUS_M), _LENGTH),
    "hartree": (_exact(HARTREE_J), _ENERGY),
    "Ha": (_exact(HARTREE_J), _ENERGY),
    "m_e": (_exact(ELECTRON_MASS_KG), _MASS),
    "D": (_exact(DEBYE_C_M), (1, 0, 1, 1, 0, 0)),
    "debye": (_exact(DEBYE_C_M), (1, 0, 1, 1, 0, 0)),
    "Vs": (_exact(1), (2, 1, -2, -1, 0, 0)),
    "degC": (_exact(1), _TEMPERATURE),
}
_SPELLINGS = {
    "Å": "Angstrom", "\u212b": "Angstrom", "angstrom": "Angstrom", "Ang": "Angstrom", "Ohm": "ohm", "Ω": "ohm",
    "\u2126": "ohm", "°": "deg", "degree": "deg", "degrees": "deg", "°C": "degC", "celsius": "degC",
    "Celsius": "degC", "m0": "m_e", "me": "m_e", "tesla": "T", "gauss": "G", "Gauss": "G", "kelvin": "K", "sec": "s",
    "Gyair": "Gy", "Gy_air": "Gy", "Debye": "D", "Bohr": "bohr", "Hartree": "hartree", "pct": "%",
}  # fmt: skip
_PREFIXES = {
    name: Fraction(10) ** power
    for name, power in {
        "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "c": -2, "k": 3, "M": 6, "G": 9, "T": 12,
    }.items()
}  # fmt: skip
_DIMENSION_NAMES: dict[_Dimension, str] = {
    _NONE: "a pure number",
    _LENGTH: "length",
    _MASS: "mass",
    _TIME: "time",
    _CURRENT: "current",
    _TEMPERATURE: "temperature",
    _ANGLE: "angle",
    _ENERGY: "energy",
    _FIELD: "magnetic field",
    _CHARGE: "charge",
    _VOLTAGE: "voltage",
    _RESISTANCE: "resistance",
    _DOSE: "dose",
    _WAVENUMBER: "inverse length",
    (0, 0, -1, 0, 0, 0): "rate or frequency",
    (-3, 0, 0, 0, 0, 0): "density",
    (3, 0, 0, 0, 0, 0): "volume",
    (2, 0, -3, 0, 0, 0): "dose rate",
    (0, -1, 2, 1, 0, 0): "mobility",
    (0, -1, 3, 1, 0, 0): "mobility-lifetime product",
    (3, 1, -2, 0, 0, 0): "Rashba coefficient",
    (3, 1, -3, -2, 0, 0): "resistivity",
    (-2, 0, 0, 1, 0, 0): "current density",
    (1, 1, -3, -1, 0, 0): "electric field",
    (0, 1, -2, 0, 0, 0): "energy per area",
    (-4, 0, 3, 1, 0, 0): "X-ray sensitivity",
    (-2, -1, 3, 2, 0, 0): "conductance",
    (1, 0, 1, 1, 0, 0): "dipole moment",
}

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT_RUN = re.compile("[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_TOKEN = re.compile(r"(1(?![0-9])|[A-Za-zµμΩ\u2126Å\u212b°%_]+)((?:\^|\*\*)?[-+]?[0-9]{1,2})?|([*/()]|[·.×⋅ ])")
_MAX_CHARACTERS = 60


@dataclass(frozen=True)
class _Unit:
    scale: Fraction
    dimension: _Dimension


def convert(value: _Value, from_unit: str, to_unit: str, *, difference: bool = False) -> _Value:
    """Convert a value between units.

    Parameters
    ----------
    value
        A number, or an array of any shape.
    from_unit, to_unit
        Unit texts such as ``"ps"``, ``"ueV"``, ``"cm-1"``, ``"mT"``, ``"degC"``, ``"%"``, ``"cm^2/(V*s)"``,
        ``"eV*Angstrom"``, ``"uC Gy^-1 cm^-2"``. Powers are written ``cm2``, ``cm^2`` or ``cm²``. An inverse length
        and an energy convert into each other as spectroscopic wavenumber (E = hc k). ``A`` is ampere, or angstrom
        where ampere would make no sense.
    difference
        Whether the value is a difference or an uncertainty, to which the zero of degrees Celsius doesn't matter.

    Returns
    -------
    float or ndarray
        The value in `to_unit`.

    Raises
    ------
    DataError
        If a unit is unknown or ambiguous, the two don't measure the same quantity, or the value isn't a number.
    """
    if isinstance(value, str | bytes | bool | list | tuple | dict | set) or value is None:
        raise DataError(f"a value in '{from_unit}' must be a number or an array, got {value!r:.40}")
    scale = _scale(from_unit, to_unit)
    offset_from = 0.0 if difference else _offset_k(from_unit)
    offset_to = 0.0 if difference else _offset_k(to_unit)
    result: Any = value
    if offset_from:
        result = result + offset_from
    if max(scale.numerator, scale.denominator) < 2**53:
        result = result * scale.numerator / scale.denominator
    else:
        result = result * float(scale)
    return cast("_Value", result - offset_to if offset_to else result)


_READABLE = (("s", "ms", "us", "ns", "ps", "fs"), ("T", "mT", "uT"))


def readable_unit(value: float, unit: str) -> str:
    """Choose a unit of time or field in which a value is at least 1, for showing it; any other unit stays.

    Examples
    --------
    >>> readable_unit(1.29e8, "ps"), readable_unit(0.012, "T"), readable_unit(3.2, "meV")
    ('us', 'mT', 'meV')
    """
    for scale in _READABLE:
        if unit in scale:
            return next((other for other in scale if abs(convert(value, unit, other)) >= 1.0), scale[-1])
    return unit


_QUANTITY = re.compile(r"\s*([-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*)?")


def quantity_in(text: str, unit: str, what: str) -> float:
    """Read a number, with or without a unit, in `unit`: ``295K``, ``295 K``, ``295``, ``50 mT``.

    Parameters
    ----------
    text
        What was written.
    unit
        Unit of the answer, and of a number without one.
    what
        What messages call it.

    Raises
    ------
    DataError
        If it is no number, or its unit doesn't convert.

    Examples
    --------
    >>> quantity_in("295K", "K", "temperature"), quantity_in("50 mT", "T", "field")
    (295.0, 0.05)
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise DataError(f"{what} '{text:.40}' must be a number in {unit}, or one with its unit, e.g. '5 {unit}'")
    number = float(match[1].replace("\u2212", "-"))
    return number if not match[2] else float(convert(number, match[2].strip(), unit))


def time_in_words(time_ps: float, digits: int = 3) -> str:
    """Write a time in a unit that suits its size.

    Examples
    --------
    >>> time_in_words(6061.0), time_in_words(352.0, 2), time_in_words(float("inf"))
    ('6.06 ns', '352 ps', 'any time')
    """
    if not math.isfinite(time_ps):
        return "any time"
    unit = readable_unit(time_ps, "ps")
    value = float(convert(time_ps, "ps", unit))
    whole = value >= 10**digits  # never 3.5e+02
    return f"{value:.0f} {unit}" if whole else f"{value:.{digits}g} {unit}"


def _offset_k(unit: str) -> float:
    return 273.15 if _SPELLINGS.get(unit.strip(), unit.strip()) == "degC" else 0.0


@lru_cache(maxsize=512)
def _scale(from_unit: str, to_unit: str) -> Fraction:
    readings = [
        (source, target)
        for source in _readings(from_unit)
        for target in _readings(to_unit)
        if source.dimension == target.dimension
    ]
    if readings:
        source, target = readings[0]
        return source.scale / target.scale
    source, target = _parse(from_unit), _parse(to_unit)
    hc = _exact(PLANCK_J_S) * _exact(SPEED_OF_LIGHT_M_S)
    if source.dimension == _WAVENUMBER and target.dimension == _ENERGY:
        return source.scale * hc / target.scale
    if source.dimension == _ENERGY and target.dimension == _WAVENUMBER:
        return source.scale / hc / target.scale
    raise DataError(
        f"can't convert '{from_unit}' ({_quantity(source)}) to '{to_unit}' ({_quantity(target)}): "
        "they measure different quantities"
    )


def _quantity(unit: _Unit) -> str:
    return _DIMENSION_NAMES.get(unit.dimension, "another quantity")


def _readings(text: str) -> list[_Unit]:
    """Both meanings of a unit that has the letter A on its own: ampere first, then angstrom."""
    units = [_parse(text)]
    if re.search(r"(?<![A-Za-z_µμ])A(?![A-Za-z_])", text):
        units.append(_parse(re.sub(r"(?<![A-Za-z_µμ])A(?![A-Za-z_])", "Angstrom", text)))
    return units


@lru_cache(maxsize=512)
def _parse(text: str) -> _Unit:
    if not isinstance(text, str):
        raise DataError(f"a unit is text, got {type(text).__name__}")
    if len(text) > _MAX_CHARACTERS:
        raise DataError(f"the unit '{text[:20]}...' has {len(text)} characters; at most {_MAX_CHARACTERS} are read")
    body = _SUPERSCRIPT_RUN.sub(lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text.strip())
    body = body.replace("−", "-")
    if not body:
        return _Unit(Fraction(1), _NONE)
    scale, dimension = Fraction(1), _NONE
    sign, group_sign = 1, None  # group_sign: the sign outside a bracket that is open
    slashes, position, needs_factor = 0, 0, True
    after_slash = False
    while position < len(body):
        match = _TOKEN.match(body, position)
        if match is None:
            raise DataError(_unknown(body[position:] if position else body, text))
        position = match.end()
        name, power, mark = match.groups()
        if name is not None:
            if after_slash and group_sign is None:
                raise DataError(f"the unit '{text}' is ambiguous: put what stands behind the slash in brackets")
            factor = _factor(name, power, text)
            exponent = (1 if factor is None else factor[1]) * sign
            unit_scale, unit_dimension = _single(name + (power or "") if factor is None else name, text)
            scale *= unit_scale**exponent
            dimension = _add(dimension, unit_dimension, exponent)
            needs_factor = False
            after_slash = sign < 0
            if group_sign is None:
                sign = 1
        elif mark == "/":
            if needs_factor or group_sign is not None:
                raise DataError(f"the unit '{text}' has a misplaced '/': write e.g. cm^2/(V*s)")
            sign, needs_factor, after_slash = -1, True, False
            slashes += 1
        elif mark == "(":
            if group_sign is not None:
                raise DataError(f"the unit '{text}' has brackets within brackets: write e.g. cm^2/(V*s)")
            group_sign, needs_factor = sign, True
            after_slash = False
        elif mark == ")":
            if group_sign is None or needs_factor:
                raise DataError(f"the unit '{text}' has a misplaced ')': write e.g. cm^2/(V*s)")
            group_sign, sign, after_slash = None, 1, True
    if needs_factor or group_sign is not None:
        raise DataError(f"the unit '{text}' is incomplete: write e.g. cm^2/(V*s)")
    return _Unit(scale, dimension)


def _factor(name: str, power: str | None, text: str) -> tuple[str, int] | None:
    """Split a token into unit and power; None if the digit belongs to the unit's name (m0, a0)."""
    if power is None:
        return name, 1
    if name + power in _FIXED or name + power in _SPELLINGS:
        return None
    exponent = int(power.lstrip("^*"))
    if exponent == 0:
        raise DataError(f"the unit '{text}' has the power 0: leave that factor out")
    return name, exponent


def _single(name: str, text: str) -> tuple[Fraction, _Dimension]:
    name = _SPELLINGS.get(name, name)
    if name == "degC" and text.strip() not in {"degC", *(k for k, v in _SPELLINGS.items() if v == "degC")}:
        raise DataError(f"degrees Celsius can't stand in the compound unit '{text}': use K")
    if name in _FIXED:
        return _FIXED[name]
    if name in _PREFIXED:
        return _PREFIXED[name]
    base = _SPELLINGS.get(name[1:], name[1:])
    if name[:1] in _PREFIXES and base in _PREFIXED:
        scale, dimension = _PREFIXED[base]
        return _PREFIXES[name[:1]] * scale, dimension
    raise DataError(_unknown(name, text))


def _unknown(part: str, text: str) -> str:
    known = [
        *_FIXED,
        *_PREFIXED,
        *_SPELLINGS,
        *(p + u for p in "fpnumck" for u in ("s", "eV", "m", "T", "A", "Gy", "V")),
    ]
    close = similar_names(part[:20], filter(None, known), most=2)
    where = "" if part == text.strip() else f" in '{text}'"
    hint = (
        f"; did you mean {' or '.join(close)}?" if close else ": write e.g. ps, meV, mT, cm^2/(V*s), eV*Angstrom or %"
    )
    return f"unknown unit '{part}'{where}{hint}"


def _add(a: _Dimension, b: _Dimension, times: int) -> _Dimension:
    summed = [x + y * times for x, y in zip(a, b, strict=True)]
    return (summed[0], summed[1], summed[2], summed[3], summed[4], summed[5])


UNITS = {
    "per_ps": "1/ps",
    "per_a3": "1/Å³",
    "g_mol": "g/mol",
    "ev": "eV",
    "mev": "meV",
    "debye": "D",
    "a3": "Å³",
    "a2": "Å²",
    "bohr3": "bohr³",
    "a": "Å",
    "pm": "pm",
    "nm": "nm",
    "ps": "ps",
    "k": "K",
    "t": "T",
}


COMPOUND_UNITS = {"mu2_per_volume": "D²/Å³"}
"""Units that the end of a name doesn't tell."""


def split_unit(column: str) -> tuple[str, str]:
    """Split ``dipole_debye`` into ("dipole", "D"); the unit is empty if the name ends in none."""
    unit = next((unit for end, unit in COMPOUND_UNITS.items() if column.endswith(end)), "")
    if unit:
        return column, unit
    for suffix in sorted(UNITS, key=len, reverse=True):
        if column.endswith("_" + suffix):
            return column[: -len(suffix) - 1], UNITS[suffix]
    return column, ""


HBAR_EV_PS = HBAR_EV_S * 1e12


KB_EV_K = BOLTZMANN_EV_K


MU_B_EV_T = BOHR_MAGNETON_EV_T


HBAR2_OVER_M0_EV_A2 = HBAR_J_S**2 / ELECTRON_MASS_KG / ELEMENTARY_CHARGE_C * 1e20
"""hbar^2/m0 = 7.62 eV A^2."""


E2_EV_A = HARTREE_EV * BOHR_RADIUS_A
"""e^2/(4 pi eps0) = 14.4 eV A."""


M0_OVER_E = ELECTRON_MASS_KG / ELEMENTARY_CHARGE_C
"""m0/e (kg/C): a mass in m0 times a velocity squared in m^2/s^2, in eV."""


TWO_PI = 2.0 * math.pi
