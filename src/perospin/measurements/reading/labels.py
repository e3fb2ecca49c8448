"""Column headings: name and unit in ``delay (ps)``, ``B [mT]``, ``Zeit / fs``, ``field_mt``, or a row of units."""

from __future__ import annotations

import re
from dataclasses import dataclass

from perospin.errors import DataError
from perospin.units import convert

__all__ = ["Label", "as_unit", "is_opaque", "is_unit", "parse_label"]

_BRACKETS = re.compile(r"(.*?)\s*[(\[{]\s*([^()\[\]{}]*?)\s*[)\]}]\s*")
_AFTER_SIGN = re.compile(r"(.*\S)\s*(?:\s/\s*|,\s*|\s+in\s+)(\S+)\s*")
_PLAIN_AFTER = re.compile(r"(.*\S)\s+(\S+)")
#: Units of detectors, which convert into nothing else.
_OPAQUE = frozenset((
    "a.u.", "a.u", "au", "arb.u.", "arb. u.", "arb. units", "arb units", "arb.", "arb", "rel. u.", "norm.",
    "normalised", "normalized", "od", "mod", "µod", "uod", "counts", "count", "cts", "cps", "counts/s", "kcounts",
    "abs", "abs.", "absorbance",
))  # fmt: skip
#: How units are written in lower case behind an underscore, as in the names of this package.
_LOWER = {
    "fs": "fs", "ps": "ps", "ns": "ns", "us": "us", "ms": "ms", "s": "s", "nm": "nm", "um": "um", "mm": "mm",
    "ev": "eV", "mev": "meV", "t": "T", "mt": "mT", "ut": "uT", "g": "G", "oe": "Oe", "koe": "kOe", "k": "K",
    "hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz", "thz": "THz", "ohm": "ohm", "kohm": "kohm", "mohm": "mohm",
    "mdeg": "mdeg", "deg": "deg", "v": "V", "mv": "mV", "uv": "uV", "a": "A", "ma": "mA", "ua": "uA", "na": "nA",
    "pa": "pA", "w": "W", "mw": "mW", "uw": "uW", "nw": "nW", "percent": "%", "od": "OD", "mod": "mOD",
    "uj_cm2": "uJ/cm^2", "w_cm2": "W/cm^2", "mw_cm2": "mW/cm^2",
}  # fmt: skip
#: A single letter is a unit only behind a name that it fits: signal_a is channel a, not amperes.
_NEEDS = {
    "t": ("b", "field", "h"), "k": ("temp", "t"), "g": ("b", "field"), "s": ("time", "delay", "t"),
    "v": ("volt", "bias", "v", "u", "ht"), "a": ("curr", "i"), "w": ("power", "p"),
}  # fmt: skip
_WORDS = {
    "nanometers": "nm", "nanometer": "nm", "nanometres": "nm", "picoseconds": "ps", "picosecond": "ps",
    "femtoseconds": "fs", "nanoseconds": "ns", "tesla": "T", "millitesla": "mT", "kelvin": "K", "volts": "V",
    "1/cm": "cm-1", "wavenumbers": "cm-1", "mdeg.": "mdeg", "millidegrees": "mdeg", "ohms": "ohm", "mo": "",
}  # fmt: skip


@dataclass(frozen=True)
class Label:
    """Heading of a column: its name, and its unit (``""`` if none is written)."""

    name: str
    unit: str = ""


def is_unit(text: str) -> bool:
    """Whether the text is a unit: one that `perospin.units.convert` knows, or a detector's (counts, OD, a.u.)."""
    plain = text.strip()
    # T1 and S2 are names of channels, not powers of a unit
    if not plain or re.fullmatch(r"[A-Za-z]\d", plain):
        return False
    if plain.lower() in _OPAQUE or plain.lower() in _WORDS:
        return True
    try:
        convert(1.0, plain, plain)
    except DataError:
        return False
    return not plain.isdigit()


def is_opaque(text: str) -> bool:
    """Whether the unit is a detector's (counts, OD, a.u.), which converts into nothing else."""
    return text.strip().lower() in _OPAQUE


def as_unit(text: str) -> str:
    """Write a unit the way `perospin.units.convert` reads it; a detector's unit stays as it is."""
    plain = text.strip().strip("()[]").strip()
    return _WORDS.get(plain.lower(), plain)


def parse_label(text: str) -> Label:
    """Take the unit out of a heading.

    Examples
    --------
    >>> parse_label("Delay (ps)"), parse_label("field_mt"), parse_label("signal (SC)")
    (Label(name='Delay', unit='ps'), Label(name='field', unit='mT'), Label(name='signal (SC)', unit=''))
    """
    plain = " ".join(text.split())
    for pattern, shortest in ((_BRACKETS, 1), (_AFTER_SIGN, 1), (_PLAIN_AFTER, 2)):
        match = pattern.fullmatch(plain)
        if match and match[1] and len(match[2]) >= shortest and match[2] != "min" and is_unit(match[2]):
            return Label(match[1].strip(" ,:/"), as_unit(match[2]))
    name, sign, unit = plain.rpartition("/")
    # Delay/fs, Temp/K; but dT/T is a ratio, and mW/cm2 a unit as it stands
    fits = len(unit) > 1 or name.strip().lower().startswith(_NEEDS.get(unit.lower(), ()))
    if sign and name and fits and is_unit(unit) and not is_unit(plain):
        return Label(name.strip(), as_unit(unit))
    for name, suffix in _suffixes(plain):
        if suffix in _LOWER and (len(suffix) > 1 or name.lower().startswith(_NEEDS.get(suffix, ()))):
            return Label(name, _LOWER[suffix])
    return Label(plain)


def _suffixes(plain: str) -> list[tuple[str, str]]:
    """Name and suffix at the last, then at the second last underscore."""
    parts = plain.split("_")
    return [("_".join(parts[:-n]), "_".join(parts[-n:]).lower()) for n in (2, 1) if len(parts) > n]
