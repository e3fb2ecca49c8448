"""Spectra in JCAMP-DX, with numbers as they are (AFFN) or packed (PAC, SQZ, DIF, DUP)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from perospin.errors import DataError
from perospin.measurements.reading.grid import Float
from perospin.measurements.reading.headings import axis_label
from perospin.measurements.reading.trace import Trace
from perospin.sheets.files import RawFile, text_of
from perospin.sheets.labels import Label
from perospin.text import shorten

__all__ = ["is_jcamp", "trace_of"]

_MAX_POINTS = 5_000_000
_LABEL = re.compile(r"##([^=]{0,60})=(.*)")
_TOKEN = re.compile(r"([@%A-Za-z+\-?]?)(\d*\.?\d*)")
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\?")
#: First digit and sign that a letter stands for.
_SQUEEZED = {"@": 0, **{c: i for i, c in enumerate("ABCDEFGHI", 1)}, **{c: -i for i, c in enumerate("abcdefghi", 1)}}
_DIFFERENCE = {"%": 0, **{c: i for i, c in enumerate("JKLMNOPQR", 1)}, **{c: -i for i, c in enumerate("jklmnopqr", 1)}}
_REPEATED = {c: i for i, c in enumerate("STUVWXYZs", 1)}


@dataclass
class _Block:
    """One spectrum: its labelled lines, the form of its data, and the data."""

    labels: dict[str, str]
    form: str
    lines: list[tuple[int, str]]


def is_jcamp(raw: RawFile) -> bool:
    """Whether the file begins as JCAMP-DX does."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s{0,20}##\s?(?:TITLE|JCAMP)", raw.content[:200], re.IGNORECASE) is not None


def trace_of(raw: RawFile, block: int | None = None) -> Trace:
    """Abscissa and ordinate of a JCAMP-DX file.

    Parameters
    ----------
    raw
        The file.
    block
        Which spectrum of a file that holds several, counted from 1.

    Raises
    ------
    DataError
        If it holds none, or several and `block` doesn't say which, or its numbers contradict what it says of them.
    """
    blocks = list(_blocks(text_of(raw), raw.name))
    if not blocks:
        raise DataError(
            f"'{raw.name:.60}' is JCAMP-DX, but holds no XYDATA and no XYPOINTS: save the spectrum in this form"
        )
    if (block is None and len(blocks) > 1) or (block is not None and not 1 <= block <= len(blocks)):
        titles = "; ".join(f"{n}: {shorten(b.labels.get('TITLE', ''), 30)}" for n, b in enumerate(blocks[:5], 1))
        raise DataError(
            f"'{raw.name:.60}' holds {len(blocks)} spectra ({titles}): choose one by its number (--block 1)"
        )
    found = blocks[(block or 1) - 1]
    x, y = _pairs(found, raw.name) if found.form.startswith("(XY") else _series(found, raw.name)
    labels = []
    for key, fallback in (("XUNITS", "x"), ("YUNITS", "y")):
        label = axis_label(found.labels.get(key, ""), units=True)
        labels.append(Label(label.name or fallback, label.unit) if label is not None else Label(fallback))
    return Trace(
        labels=tuple(labels),
        values=np.column_stack([x, y]),
        source=raw.name,
        sha256=raw.sha256,
        comments=tuple(f"{key}={value}"[:200] for key, value in found.labels.items() if value)[:100],
        header=dict(found.labels),
    )


def _blocks(text: str, name: str) -> Iterator[_Block]:
    labels: dict[str, str] = {}
    current: _Block | None = None
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.partition("$$")[0].rstrip()
        match = _LABEL.match(plain.lstrip())
        if match is None:
            if current is not None and plain.strip():
                current.lines.append((number, plain.strip()))
            continue
        if current is not None:
            yield current
            current = None
        key, value = re.sub(r"[\s\-_/]", "", match[1]).upper(), match[2].strip()
        if key == "TITLE":
            labels = {}
        if key in ("NTUPLES", "DATATABLE", "PAGE"):
            raise DataError(f"'{name:.60}' is JCAMP-DX with several tables (NTUPLES): save each spectrum as XYDATA")
        if key in ("XYDATA", "XYPOINTS", "PEAKTABLE"):
            current = _Block(dict(labels), value.replace(" ", "").upper(), [])
        elif len(labels) < 1000:
            labels.setdefault(key, value)
    if current is not None:
        yield current


def _number(labels: Mapping[str, str], key: str, name: str, default: float | None = None) -> float:
    text = labels.get(key, "").replace(",", ".")
    if not text and default is not None:
        return default
    match = re.fullmatch(r"[-+]?\d{0,20}\.?\d{0,20}(?:[eE][-+]?\d{1,3})?", text)
    try:
        value = float(text) if match else float("nan")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(f"'{name:.60}' is JCAMP-DX whose {key} is '{text:.30}', not a number")
    return value


def _pairs(block: _Block, name: str) -> tuple[Float, Float]:
    values: list[float] = []
    for number, line in block.lines:
        for cell in re.split(r"[\s,;]+", line):
            if cell and _PLAIN.fullmatch(cell) is None:
                raise DataError(f"line {number} of '{name:.60}' holds '{cell:.40}', not a number")
            if cell:
                values.append(float("nan") if cell == "?" else float(cell))
    if len(values) < 4 or len(values) % 2:
        raise DataError(f"'{name:.60}' is JCAMP-DX with {len(values)} numbers where pairs of x and y are needed")
    table = np.array(values).reshape(-1, 2)
    x = table[:, 0] * _number(block.labels, "XFACTOR", name, 1.0)
    return x, table[:, 1] * _number(block.labels, "YFACTOR", name, 1.0)


def _series(block: _Block, name: str) -> tuple[Float, Float]:
    labels = block.labels
    first, last = _number(labels, "FIRSTX", name), _number(labels, "LASTX", name)
    x_factor, y_factor = _number(labels, "XFACTOR", name, 1.0), _number(labels, "YFACTOR", name, 1.0)
    packed = any(re.search(r"[@%A-DF-Za-df-s]", line) for _, line in block.lines)
    y: list[float] = []
    starts: list[tuple[int, int, float]] = []  # line, position of its first point, its x
    ends_in_difference = False
    for number, line in block.lines:
        at, values, difference = _unpacked(line, packed, number, name)
        if ends_in_difference and values:  # the first number repeats the last one, as a check
            if y and abs(values[0] - y[-1]) > 0.5:
                raise DataError(
                    f"line {number} of '{name:.60}' doesn't go on from the line before: its check value differs"
                )
            values = values[1:] if values else values
            starts.append((number, len(y) - 1, at))
        else:
            starts.append((number, len(y), at))
        y.extend(values)
        ends_in_difference = difference
        if len(y) > _MAX_POINTS:
            raise DataError(f"'{name:.60}' unpacks to over {_MAX_POINTS} points: it is no spectrum")
    declared = _number(labels, "NPOINTS", name, float(len(y)))
    if len(y) < 2 or declared != len(y):
        raise DataError(f"'{name:.60}' says that it has {declared:g} points, but holds {len(y)}")
    step = (last - first) / (len(y) - 1)
    for number, position, at in starts:
        if step == 0.0 or abs(at * x_factor - (first + step * position)) > 1.1 * abs(step) + 1e-3 * abs(at * x_factor):
            raise DataError(
                f"line {number} of '{name:.60}' begins at x = {at * x_factor:g}, where FIRSTX and LASTX give "
                f"{first + step * position:g}: points are missing or too many"
            )
    return np.linspace(first, last, len(y)), np.array(y) * y_factor


def _unpacked(line: str, packed: bool, number: int, name: str) -> tuple[float, list[float], bool]:
    """First x of a line, its ordinates, and whether it ends in a difference."""
    if not packed:
        cells = re.findall(_PLAIN, line)
        rest = re.sub(_PLAIN, "", line)
        if rest.strip(" ,;\t") or len(cells) < 2:
            raise DataError(f"line {number} of '{name:.60}' isn't one of x and ordinates: '{shorten(line, 40)}'")
        values = [float("nan") if cell == "?" else float(cell) for cell in cells]
        return values[0], values[1:], False
    result: list[float] = []
    x: float | None = None
    step, in_difference = 0.0, False
    position = 0
    while position < len(line):
        if line[position] in " ,;\t":
            position += 1
            continue
        match = _TOKEN.match(line, position)
        sign, digits = (match[1], match[2]) if match else ("", "")
        if match is None or match.end() == position or len(digits) > 20:
            raise DataError(
                f"line {number} of '{name:.60}' holds '{shorten(line[position : position + 20], 20)}', which is no "
                "packed number"
            )
        position = match.end()
        if x is None:
            text = f"{_first(sign, _SQUEEZED)}{digits}" if sign in _SQUEEZED else f"{sign}{digits}"
            x = _float(text, number, name)
        elif sign in _REPEATED:
            times = int(_float(f"{_REPEATED[sign]}{digits}", number, name)) - 1
            if not result or times + len(result) > _MAX_POINTS:
                raise DataError(f"line {number} of '{name:.60}' repeats a value {times + 1} times: it is no spectrum")
            result += [result[-1] + step * (k + 1) for k in range(times)] if in_difference else [result[-1]] * times
        elif sign in _DIFFERENCE and result:
            step = _float(f"{_first(sign, _DIFFERENCE)}{digits}", number, name)
            in_difference = True
            result.append(result[-1] + step)
        elif sign == "?":
            result.append(float("nan"))
            in_difference = False
        else:
            text = f"{_first(sign, _SQUEEZED)}{digits}" if sign in _SQUEEZED else f"{sign}{digits}"
            result.append(_float(text, number, name))
            in_difference = False
    return (x if x is not None else float("nan")), result, in_difference


def _first(sign: str, table: Mapping[str, int]) -> str:
    value = table[sign]
    return f"{value}" if value else "0"


def _float(text: str, number: int, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"line {number} of '{name:.60}' holds '{text:.20}', which is no packed number") from None
