"""Field, temperature, power and other conditions, read from file names and from remarks in files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from perospin.errors import DataError
from perospin.sheets.labels import as_unit, parse_label
from perospin.units import convert

__all__ = ["CONDITIONS", "from_header", "from_name", "from_pattern"]

CONDITIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "field_t": ("field", "T", ("field", "magnetic field", "b", "h")),
    "temperature_k": ("temperature", "K", ("temperature", "temp", "sample temperature")),
    "power_mw": ("power", "mW", ("power", "pump power", "excitation power", "laser power")),
    "fluence_uj_cm2": ("fluence", "uJ/cm^2", ("fluence", "pump fluence")),
    "wavelength_nm": ("wavelength", "nm", ("wavelength", "probe wavelength", "probe")),
    "frequency_hz": ("frequency", "Hz", ("frequency", "modulation frequency", "rf frequency", "rf")),
    "voltage_v": ("voltage", "V", ("voltage", "bias", "gate")),
    "angle_deg": ("angle", "deg", ("angle",)),
}
"""Name with unit: the quantity, its unit, and how remarks in a file call it."""

# hyphens separate words: a sign stands only behind an underscore, a blank, a bracket or an equals sign
_SIGN = r"(?:(?<![A-Za-z0-9.)\]])[-+\u2212])?"
_NUMBER = rf"{_SIGN}\d+(?:[.,p]\d+)?(?:[eE][-+]?\d+)?"
_IN_NAME = re.compile(
    rf"(?<![A-Za-z0-9.])({_NUMBER})[ _]?"
    r"(mT|uT|µT|kOe|Oe|kG|T|K|mW|uW|µW|nW|W|uJcm-?2|µJcm-?2|uJ|nm|GHz|MHz|kHz|Hz|mV|V|deg)(?![A-Za-z0-9])"
)
_VALUE = re.compile(rf"({_NUMBER})\s*([A-Za-zµ%°/^0-9*-]*)")
_FIELD = re.compile(r"\{([A-Za-z_0-9]*)\}")


def _float(text: str) -> float:
    return float(text.replace("\u2212", "-").replace("p", ".").replace(",", "."))


def _condition_of(unit: str) -> str | None:
    if re.fullmatch(r"[uµ]J(?:cm-?2)?", unit):
        return "fluence_uj_cm2"
    for name, (_, canonical, _) in CONDITIONS.items():
        try:
            convert(1.0, unit, canonical)
        except DataError:
            continue
        # an energy and a wavenumber convert into each other; lengths, times and so on only into their like
        return name
    return None


def _converted(value: float, unit: str, name: str) -> float:
    canonical = CONDITIONS[name][1]
    if name == "fluence_uj_cm2" and re.fullmatch(r"[uµ]J(?:cm-?2)?", unit):
        return value
    result: float = convert(value, unit, canonical)
    return result


def from_name(name: str) -> dict[str, float]:
    """Conditions that a file name holds as number and unit: ``kerr_250mT_1.6K.csv``, ``T1_0p5T.txt``.

    The first number of each kind counts. A fluence in uJ is taken as per cm^2.

    Examples
    --------
    >>> from_name("kerr_250mT_-1.6K.csv")
    {'field_t': 0.25, 'temperature_k': -1.6}
    """
    found: dict[str, float] = {}
    stem = re.sub(r"\.(?:csv|tsv|txt|dat|asc|h5|hdf5|npz|npy|prn)$", "", name, flags=re.IGNORECASE)
    for match in _IN_NAME.finditer(stem):
        condition = _condition_of(match[2])
        if condition is not None:
            found.setdefault(condition, _converted(_float(match[1]), match[2], condition))
    return found


def from_header(header: Mapping[str, str]) -> dict[str, float]:
    """Conditions among the remarks of a file: ``Temperature: 4.2 K``, ``field_mt = 250``.

    A value without unit counts only if the key has one.
    """
    found: dict[str, float] = {}
    for key, text in header.items():
        label = parse_label(key)
        word = " ".join(label.name.lower().replace("_", " ").split())
        for name, (_, canonical, words) in CONDITIONS.items():
            match = _VALUE.fullmatch(text.strip())
            if word not in words or match is None:
                continue
            unit = as_unit(match[2]) or label.unit
            if not unit:
                continue
            try:
                found.setdefault(name, convert(_float(match[1]), unit, canonical))
            except DataError:
                continue
    return found


def from_pattern(pattern: str, name: str) -> dict[str, float] | None:
    """Conditions that a pattern takes out of a file name.

    Parameters
    ----------
    pattern
        A file name with places in braces, ``"kerr_{field_mt}mT_{temperature_k}K.csv"``. Each place is named for the
        quantity and its unit; the unit may also stand behind it, ``{field}mT``. ``{}`` or ``*`` pass over anything.
    name
        The file name.

    Returns
    -------
    dict or None
        Conditions in the units of `CONDITIONS`; None if the name doesn't fit the pattern.

    Raises
    ------
    DataError
        If a place names an unknown quantity or has no unit.
    """
    expression, places, position = "", [], 0
    for match in _FIELD.finditer(pattern):
        expression += _literal(pattern[position : match.start()])
        position = match.end()
        if not match[1]:
            expression += ".*?"
            continue
        places.append(_place(match[1], pattern[match.end() :], pattern))
        expression += rf"({_NUMBER})"
    expression += _literal(pattern[position:])
    if not places:
        raise DataError(f"the pattern '{pattern}' has no place in braces; write e.g. 'kerr_{{field_mt}}mT.csv'")
    found = re.fullmatch(expression, name)
    if found is None:
        return None
    values = (_converted(_float(text), unit, key) for text, (key, unit) in zip(found.groups(), places, strict=True))
    result = dict(zip((key for key, _ in places), values, strict=True))
    return {key: value for key, value in result.items() if math.isfinite(value)}


def _literal(text: str) -> str:
    return ".*?".join(re.escape(part) for part in text.split("*"))


def _place(text: str, behind: str, pattern: str) -> tuple[str, str]:
    label = parse_label(text)
    quantities = {quantity: name for name, (quantity, _, _) in CONDITIONS.items()}
    word = label.name.lower()
    if word not in quantities:
        known = ", ".join(f"{{{name}}}" for name in CONDITIONS)
        raise DataError(f"the pattern '{pattern}' asks for an unknown condition '{text}'; known are {known}")
    unit = label.unit
    if not unit:
        match = re.match(r"[ _]?([A-Za-zµ]+)", behind)
        unit = match[1] if match else ""
    name = quantities[word]
    try:
        _converted(1.0, unit or "?", name)
    except DataError:
        raise DataError(
            f"the pattern '{pattern}' doesn't say the unit of '{text}': write e.g. {{{name}}} or {{{word}}}"
            f"{CONDITIONS[name][1]}"
        ) from None
    return name, unit
