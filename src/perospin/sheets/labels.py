"""Column headings: name and unit in ``delay (ps)``, ``B [mT]``, ``Zeit / fs``, ``field_mt``, or a row of units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from perospin.errors import DataError
from perospin.units import convert

__all__ = ["LONGEST", "Label", "as_unit", "is_opaque", "is_unit", "kind_of_unit", "parse_label"]

_BRACKETS = re.compile(r"[(\[{<|]([^()\[\]{}<>|]*)[)\]}>|]")
_SEPARATORS = re.compile(r"\s/\s*|,\s*|:\s*|;\s*|\s[-\u2013\u2014]\s|\sin\s+")
_AROUND_UNIT = re.compile(r"(?:in|units?|unit of|units of)\b[\s:=]*", re.IGNORECASE)
#: Longest heading that is read, in characters.
LONGEST = 300
_COUNTS = frozenset(("counts", "count", "cts", "cps", "counts/s", "cts/s", "kcounts", "kcps", "photons", "events"))
_DENSITY = frozenset(("od", "mod", "µod", "uod", "abs", "abs.", "absorbance", "δod", "δmod", "delta od", "a.b.s."))
_ARBITRARY = frozenset((
    "a.u.", "a.u", "au", "arb.u.", "arb. u.", "arb. units", "arb units", "arb.unit", "arb.", "arb", "rel. u.", "norm.",
    "normalised", "normalized", "norm",
))  # fmt: skip
#: Units of detectors, which convert into nothing else.
_OPAQUE = _COUNTS | _DENSITY | _ARBITRARY
#: A power of ten as a unit, or before one: 10^3, x10^-3 counts, 10⁻³.
_SCALED = re.compile(r"[x×*·]?\s*10(?:\^|\*\*)?[-+−⁻]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}(?:\s*[x×*·]?\s*([A-Za-z].*))?")
#: Units of quantities that no analysis takes: a column in one of them is never a channel.
_FOREIGN = frozenset((
    "emu", "torr", "mbar", "bar", "hpa", "kpa", "mpa", "pascal", "psi", "rpm", "step", "steps", "db", "dbm", "px",
    "pixel", "pixels", "pts", "points", "l/min", "ml/min", "sccm", "rh", "%rh",
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
    "1/cm": "cm-1", "wavenumbers": "cm-1", "wavenumber": "cm-1", "wn": "cm-1", "mdeg.": "mdeg",
    "millidegrees": "mdeg", "ohms": "ohm", "mo": "", "nanosecond": "ns", "microseconds": "us", "microsecond": "us",
    "milliseconds": "ms", "millisecond": "ms", "seconds": "s", "second": "s", "sec": "s", "sec.": "s", "secs": "s",
    "femtosecond": "fs", "volt": "V", "millivolt": "mV", "millivolts": "mV", "microvolts": "uV", "amp": "A",
    "amps": "A", "ampere": "A", "amperes": "A", "milliamps": "mA", "nanoamps": "nA", "oersted": "Oe",
    "oersteds": "Oe", "hertz": "Hz", "kilohertz": "kHz", "megahertz": "MHz", "gigahertz": "GHz", "electronvolt": "eV",
    "electronvolts": "eV", "electron volts": "eV", "watt": "W", "watts": "W", "milliwatt": "mW", "milliwatts": "mW",
    "ohm-cm": "ohm*cm", "ohm.cm": "ohm*cm", "ohm cm": "ohm*cm", "ohm-m": "ohm*m", "ohm m": "ohm*m", "ω cm": "ohm*cm",
    "ω-cm": "ohm*cm", "per cent": "%", "milliteslas": "mT", "teslas": "T", "micrometers": "um", "microns": "um",
    "micron": "um", "millimeters": "mm", "degrees c": "degC", "deg c": "degC", "deg. c": "degC",
    "counts per second": "cps", "arbitrary units": "a.u.",
}  # fmt: skip


@dataclass(frozen=True)
class Label:
    """Heading of a column: its name, and its unit (``""`` if none is written)."""

    name: str
    unit: str = ""


@lru_cache(maxsize=4096)
def is_unit(text: str) -> bool:
    """Whether the text is a unit: one that `perospin.units.convert` knows, or a detector's (counts, OD, a.u.)."""
    plain = text.strip()
    # T1 and S2 are names of channels, not powers of a unit
    if not plain or len(plain) > 40 or re.fullmatch(r"[A-Za-z]\d", plain):
        return False
    scaled = _SCALED.fullmatch(plain)
    if scaled is not None:  # 10^3 counts: a power of ten before a unit that converts would be lost
        return not scaled[1] or scaled[1].lower() in _OPAQUE
    if plain.lower() in _OPAQUE or plain.lower() in _WORDS or plain.lower() in _FOREIGN:
        return True
    try:
        convert(1.0, plain, plain)
    except DataError:
        return False
    return not plain.isdigit()


def is_opaque(text: str) -> bool:
    """Whether the unit is a detector's (counts, OD, a.u., 10^3), which converts into nothing else."""
    scaled = _SCALED.fullmatch(text.strip())
    return text.strip().lower() in _OPAQUE or (scaled is not None and is_unit(text))


def kind_of_unit(text: str) -> str:
    """Kind of a unit: counts, density (optical), arbitrary, foreign; ``""`` if it is one that converts, or none."""
    plain = text.strip().lower()
    scaled = _SCALED.fullmatch(plain)
    if scaled is not None and is_unit(plain):
        return kind_of_unit(scaled[1]) if scaled[1] else "arbitrary"
    sets = {"counts": _COUNTS, "density": _DENSITY, "arbitrary": _ARBITRARY, "foreign": _FOREIGN}
    return next((kind for kind, names in sets.items() if plain in names), "")


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
    if len(plain) > LONGEST:
        return Label(plain[:LONGEST])
    for match in reversed(list(_BRACKETS.finditer(plain))):
        inside = _AROUND_UNIT.sub("", match[1].split(",")[0].strip()).strip(" '\"")
        name = f"{plain[: match.start()].strip()} {plain[match.end() :].strip()}".strip(" ,:/_")
        if name and _is_unit_of(name, inside):
            return Label(name.removesuffix(" -"), as_unit(inside))
    for match in reversed(list(_SEPARATORS.finditer(plain))):
        name, unit = plain[: match.start()].strip(" ,:/_"), plain[match.end() :].strip()
        if name and _is_unit_of(name, unit):
            return Label(name, as_unit(unit))
    name, _, unit = plain.rpartition(" ")
    if name.strip(" ,:/-") and len(unit) > 1 and unit != "min" and is_unit(unit):
        helicity = name.lower().endswith(("sigma-", "σ-"))  # its minus is part of the name
        return Label(name.strip(" ,:/" if helicity else " ,:/-"), as_unit(unit))
    name, sign, unit = plain.rpartition("/")
    # Delay/fs, Temp/K; but dT/T is a ratio, and mW/cm2 a unit as it stands
    fits = len(unit) > 1 or name.strip().lower().startswith(_NEEDS.get(unit.lower(), ()))
    if sign and name and fits and is_unit(unit) and not is_unit(plain):
        return Label(name.strip(), as_unit(unit))
    for name, suffix in _suffixes(plain):
        if suffix in _LOWER and (len(suffix) > 1 or name.lower().startswith(_NEEDS.get(suffix, ()))):
            return Label(name, _LOWER[suffix])
    return Label(plain)


def _is_unit_of(name: str, unit: str) -> bool:
    """Whether a text behind a name is its unit; min is a minimum but of a time."""
    return is_unit(unit) and (unit != "min" or name.lower().startswith(("time", "t", "zeit", "elapsed")))


def _suffixes(plain: str) -> list[tuple[str, str]]:
    """Name and suffix at the last, then at the second last underscore."""
    parts = plain.split("_")
    return [("_".join(parts[:-n]), "_".join(parts[-n:]).lower()) for n in (2, 1) if len(parts) > n]
