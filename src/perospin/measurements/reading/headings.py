"""Names and units of columns: from headings, rows of units, block titles, axis lines and remarks above the numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perospin.errors import DataError
from perospin.measurements.reading.grid import Grid
from perospin.measurements.reading.words.roles import ROLES, is_known, words_of
from perospin.sheets.cells import is_comment, parse_cell, split
from perospin.sheets.labels import LONGEST, Label, as_unit, is_unit, kind_of_unit, parse_label
from perospin.units import convert

__all__ = ["Headings", "axis_label", "find_headings", "key_values", "said_units"]

#: Numbers, dates and times of day: a line that holds one is no line of headings.
_NO_HEADING = re.compile(r"[-+\u2212]?[\d.,:/]*\d[\d.,:/]*(?:[eEdD][-+]?\d+)?(?:[-./]\d+)*|nan", re.IGNORECASE)
_RULE = re.compile(r"[\s\-=_*+|#~.\u2500\u2014,;]*")
_AXIS = re.compile(
    r"(x|y)[\s_-]*(\d*)[\s_-]*(?:axis|units?|label|title|name)?[\s_-]*(\d*)[\s_-]*(?:units?|label|title)?", re.I
)
_AXIS_WORDS = {
    "abscissa": 0, "ordinate": 1, "x": 0, "y": 1, "horizontal": 0, "vertical": 1,
}  # fmt: skip
#: Words between a quantity and its unit in a remark: "all delays are given in ns".
_FILLERS = frozenset((
    "unit", "units", "in", "axis", "scale", "is", "are", "given", "as", "measured", "values", "of", "the", "base",
    "all",
))  # fmt: skip
#: Words before a quantity; after others (integration time, scan time) it is none of a column.
_BEFORE = frozenset(
    (
        "delay",
        "all",
        "the",
        "probe",
        "pump-probe",
        "of",
        "x",
        "vs",
        "vs.",
        "versus",
        "against",
        "over",
        "and",
        "time",
        "unit",
        "units",
        "magnetic",
    )
)
_QUANTITIES = {
    "time": "ps", "times": "ps", "delay": "ps", "delays": "ps", "zeit": "ps", "field": "T", "fields": "T",
    "wavelength": "nm", "wavelengths": "nm", "frequency": "Hz", "frequencies": "Hz", "temperature": "K",
    "temperatures": "K", "voltage": "V",
}  # fmt: skip
_ROLE_OF = {
    "ps": "delay", "T": "field", "nm": "wavelength", "Hz": "frequency", "K": "temperature", "V": "voltage",
}  # fmt: skip
_LINES_ABOVE = 4
_LONG_LINE = 20_000


@dataclass(frozen=True)
class Headings:
    """Labels of the columns, and what they were read from.

    Attributes
    ----------
    labels
        One a column; may be more than the numbers have. Empty if there are none.
    used
        Indices of the lines above the numbers that they stand in.
    shifted
        Whether the first column, which only counts the rows, has no heading.
    """

    labels: tuple[Label, ...] = ()
    used: frozenset[int] = frozenset()
    shifted: bool = False


def find_headings(grid: Grid, name: str) -> Headings:
    """Find the headings of a block.

    Headings and units come from the lines right above the numbers: with a row of units the headings stand above it
    (Origin: long names, units, comments). Rules, counts and marks such as ``[Data]`` between them are passed over. What
    these lines leave open is taken from a block title (Becker & Hickl), from axis lines (JASCO, Edinburgh,
    PerkinElmer), and from remarks that say a unit.

    Raises
    ------
    DataError
        If a heading has more than 300 characters.
    """
    columns = grid.values.shape[1]
    found = _from_stack(grid, columns)
    for way in (_from_rows, _from_title):
        found = found if found.labels else way(grid, columns)
    for label in found.labels:
        if len(label.name) >= LONGEST:
            raise DataError(f"a heading of '{name:.60}' has over {LONGEST} characters: '{label.name:.30}...'")
    labels = list(found.labels)
    remarks = [line for i, line in enumerate(grid.before) if i not in found.used]
    axes = _from_axis_lines(grid, key_values(remarks))
    for at, label in axes.items():
        while len(labels) <= at < columns:
            labels.append(Label(""))
        if at < columns:
            labels[at] = Label(labels[at].name or label.name, labels[at].unit or label.unit)
    labels = _with_remarks(labels, (*remarks, *grid.after), columns)
    while labels and not labels[-1].name and not labels[-1].unit and len(labels) > columns:
        labels.pop()
    return Headings(tuple(labels), found.used, found.shifted)


def _from_rows(grid: Grid, columns: int) -> Headings:
    rows: list[tuple[int, list[str], bool]] = []
    for index in range(len(grid.before) - 1, -1, -1):
        line = grid.before[index]
        remark = is_comment(line)
        if not line.strip():
            if rows:
                break
            continue
        if _says_nothing(line, grid):
            continue
        # a remark is a heading only right above the numbers, or above a row of units
        if remark and any(not (was_remark and _units_or_named(cells)) for _, cells, was_remark in rows):
            break
        cells = _cells(line, grid, columns, guess=not rows)
        if cells is None or len(rows) == _LINES_ABOVE or (len(cells[0]) > 1 and _AXIS.fullmatch(cells[0])):
            break
        rows.append((index, cells, remark))
    if not rows:
        return Headings()
    units = next((k for k, (_, cells, _) in enumerate(rows) if _all_units(cells)), None)
    if units is not None and units + 1 == len(rows):  # only units: they are the heading
        index, cells, _ = rows[units]
        return Headings(tuple(Label("", as_unit(cell)) for cell in cells), frozenset((index,)))
    name = _best(rows) if units is None else units + 1
    labels = [parse_label(cell) for cell in rows[name][1]]
    if units is not None:
        below = [*rows[units][1], *[""] * len(labels)]
        labels = [
            Label(label.name, as_unit(unit) if unit else label.unit) for label, unit in zip(labels, below, strict=False)
        ]
    used = frozenset(index for index, _, _ in rows[: name + 1])
    return Headings(tuple(labels), used, _is_shifted(grid, len(labels)))


def _best(rows: Sequence[tuple[int, list[str], bool]]) -> int:
    """Which of the two lines above the numbers holds the names: the one with fewest gaps, then the nearer one."""
    full = [k for k, (_, cells, _) in enumerate(rows[:2]) if all(cells)]
    if len(full) == 2:
        known = [sum(is_known(parse_label(cell)) for cell in rows[k][1]) for k in full]
        return 1 if known[1] > known[0] == 0 and known[1] > 1 else 0
    return full[0] if full else 0


def _is_shifted(grid: Grid, n_labels: int) -> bool:
    """Whether the headings leave out the first column, which only counts the rows (R writes so)."""
    values = grid.values
    if n_labels != values.shape[1] - 1 or len(values) < 2:
        return False
    first = values[:, 0]
    return bool((first[1:] - first[:-1] == 1).all()) and float(first[0]) in (0.0, 1.0)


def _says_nothing(line: str, grid: Grid) -> bool:
    """Whether a line between headings and numbers is a rule, a count of points, or the mark of a section."""
    plain = line.strip().lstrip("#%!/").strip()
    if _RULE.fullmatch(plain):
        return True
    cells = [cell for cell in split(plain, grid.dialect.delimiter) if cell] or [plain]
    if len(cells) > 1:
        return all(_RULE.fullmatch(cell) for cell in cells)
    count = parse_cell(plain, grid.dialect.decimal)
    if count is not None and count.value == count.value and not count.unit:
        return True
    return (
        re.fullmatch(r"\[[^\[\]]{1,30}\]|xydata|data:?|begin|start|\$?data_?\w{0,10}|#data", plain, re.IGNORECASE)
        is not None
    )


def _all_units(cells: Sequence[str]) -> bool:
    plain = [cell.strip().strip("()[]") for cell in cells if cell.strip()]
    return bool(plain) and all(is_unit(cell) for cell in plain)


def _units_or_named(cells: Sequence[str]) -> bool:
    """Whether a line holds units, or names with units: names may stand above it."""
    return _all_units(cells)


def _cells(line: str, grid: Grid, columns: int, *, guess: bool) -> list[str] | None:
    """Cut a line of headings into cells, none of them a number; None if it isn't one.

    There may be more or fewer than the rows of numbers have. `guess` tries other delimiters than that of the numbers.
    """
    if len(line) > _LONG_LINE:
        return None
    delimiter = grid.dialect.delimiter
    plain = line.strip("\r\n")
    if is_comment(plain):
        plain = plain.lstrip().lstrip("#%!/").lstrip(" ")
    own = split(plain, delimiter)
    ways = [own]
    if delimiter is None:
        # "Delay (ps)   Signal (a.u.)": brackets belong to the word before them, wide gaps separate
        ways += [re.split(r"\s{2,}|\t", plain.strip()), re.findall(r"[^\s(\[]+(?:\s?[(\[][^)\]]{0,60}[)\]])?", plain)]
    if guess:
        others = [other for other in ("\t", ",", ";", None) if other != delimiter and (other or len(own) == 1)]
        ways += [split(plain, other) for other in others]
    for way, cells in enumerate(ways):
        while len(cells) > columns and not cells[-1]:
            cells = cells[:-1]
        if len(cells) == columns and _may_head(cells):
            # words of a sentence are no headings
            known = sum(is_known(parse_label(cell)) for cell in cells)
            if way == 0 or delimiter is None or 2 * known >= columns:
                return cells
        # "Delay, ns, Signal, mV": name and unit in turn
        if len(cells) == 2 * columns and _may_head(cells) and _all_units(cells[1::2]) and not _all_units(cells[::2]):
            return [f"{a} ({b})" if b else a for a, b in zip(cells[::2], cells[1::2], strict=True)]
    if delimiter is None or len(own) < 2 or not _may_head(own):
        if _is_shifted(grid, columns - 1):
            short = next((c for c in ways if len(c) == columns - 1 and _may_head(c)), None)
            return short
        return None
    while own and not own[-1]:
        own.pop()
    if len(own) < columns:
        return own if len(own) == columns - 1 and _is_shifted(grid, len(own)) else own + [""] * (columns - len(own))
    # rows that end early: several of their headings must be known as such
    if sum(is_known(parse_label(cell)) for cell in own) >= 2:
        return own
    return None


def _may_head(cells: Sequence[str]) -> bool:
    if any(cell.endswith(":") for cell in cells[:-1]):  # key: value
        return False
    return any(cells) and not any(map(_is_number, cells))


def _is_number(text: str) -> bool:
    """Whether a text is a number, a date or a time of day; long texts are none."""
    return 0 < len(text) <= 40 and _NO_HEADING.fullmatch(text) is not None


def _from_stack(grid: Grid, columns: int) -> Headings:
    """Find headings that stand one below the other, each on a line of its own (ProData)."""
    lines = [(i, line.strip().strip(",;\t").strip()) for i, line in enumerate(grid.before) if line.strip()]
    last = [(i, text) for i, text in lines[-columns:] if not is_comment(text)]
    if columns > 4 or len(last) < columns or last[-1][0] - last[0][0] != columns - 1:
        return Headings()
    labels = [parse_label(text) for _, text in last]
    single = all(len(split(text, grid.dialect.delimiter)) == 1 and not _is_number(text) for _, text in last)
    if not single or not all(label.name and is_known(label) for label in labels):
        return Headings()
    return Headings(tuple(labels), frozenset(i for i, _ in last))


def _from_title(grid: Grid, columns: int) -> Headings:
    """Find headings in the brackets of a title: ``*BLOCK 1 ( Time[ns]  No_of_photons )``."""
    for index in range(len(grid.before) - 1, max(-1, len(grid.before) - 6), -1):
        line = grid.before[index]
        start, end = line.find("("), line.rfind(")")
        if len(line) > 1000 or not 0 <= start < end:
            continue
        inside = line[start + 1 : end].strip()
        for cells in (re.split(r"\s{2,}|\t|,|;", inside), inside.split()):
            plain = [cell.strip() for cell in cells if cell.strip()]
            labels = [parse_label(cell) for cell in plain]
            if len(plain) == columns and _may_head(plain) and any(map(is_known, labels)):
                return Headings(tuple(labels), frozenset((index,)))
    return Headings()


def _from_axis_lines(grid: Grid, header: Mapping[str, str]) -> dict[int, Label]:
    """Labels from lines that describe an axis each.

    ``XUNITS NANOMETERS``, ``Y2UNITS`` or ``YUNITS2`` (JASCO and others), ``XAxis,Time(ns)`` (Edinburgh), ``x label:
    delay / ps``; and the two lines behind ``#GR`` of PerkinElmer's files.
    """
    found: dict[int, Label] = {}
    for key, text in header.items():
        match = _AXIS.fullmatch(key.strip())
        numbered = re.fullmatch(r"col(?:umn)?\.?\s?#?(\d{1,2})", key.strip().lower())
        at = int(numbered[1]) - 1 if numbered else _AXIS_WORDS.get(key.strip().lower())
        if match is not None and (len(key.strip()) > 1 or is_known(parse_label(text))):
            which = int(match[2] or match[3] or "1") if len(match[2] + match[3]) < 3 else 99
            at = 0 if match[1].lower() == "x" else which
        if at is None or at < 0:
            continue
        label = axis_label(text, units="unit" in key.lower())
        if label is not None:
            old = found.get(at, Label(""))
            found[at] = Label(old.name or label.name, old.unit or label.unit)
    for index, line in enumerate(grid.before[:-2]):
        if line.strip() == "#GR":
            for at, text in enumerate(grid.before[index + 1 : index + 3]):
                label = axis_label(text.strip(), units=True)
                if label is not None:
                    found[at] = label
    return found


def axis_label(text: str, *, units: bool) -> Label | None:
    """Label from what a line says of an axis: ``NANOMETERS``, ``CD [mdeg]``, ``Time (ns)``; None if nothing.

    Parameters
    ----------
    text
        What it says.
    units
        Whether it is said to be a unit.
    """
    plain = " ".join(text.replace(",", " ").replace(";", " ").replace("\t", " ").split()).strip("'\"")
    if not plain or len(plain) > LONGEST:
        return None
    label = parse_label(plain)
    if label.unit or not is_unit(plain):
        return label if not units or label.unit or is_known(label) else Label(label.name)
    unit = as_unit(plain)
    # A alone is what spectrometers write for absorbance
    if plain == "A" and units:
        return Label("absorbance")
    names = {"nm": "wavelength", "cm-1": "wavenumber", "eV": "energy"}
    return Label(plain) if kind_of_unit(plain) == "density" else Label(names.get(unit, ""), unit)


def said_units(lines: Sequence[str]) -> dict[str, str]:
    """Units that remarks say, by role: ``Time units: ns``, ``all delays in fs``; the first of each counts."""
    found: dict[str, str] = {}
    for line in lines:
        if len(line) > 300:
            continue
        tokens = [token for token in re.split(r"[\s:=,;()\[\]#/]+", line) if token]
        for i, token in enumerate(tokens):
            quantity = token.lower().strip(".'\"")
            if quantity in ("unit", "units") and i == 0:  # of the abscissa
                unit = next((as_unit(t.strip(".'\"")) for t in tokens[1:] if t.lower() not in _FILLERS), "")
                for canonical in ("ps", "T", "nm"):
                    if unit and kind_of_unit(unit) == "" and _converts(unit, canonical):
                        found.setdefault(_ROLE_OF[canonical], unit)
                continue
            if quantity not in _QUANTITIES or (i and tokens[i - 1].lower() not in _BEFORE):
                continue
            k = i + 1
            while k < len(tokens) and tokens[k].lower() in _FILLERS:
                k += 1
            if k == len(tokens) or (k == i + 1 and not _in_brackets(line, token, tokens[k])):
                continue
            unit = as_unit(tokens[k].strip(".'\""))
            if _converts(unit, _QUANTITIES[quantity]) or (quantity.startswith("wave") and _converts(unit, "eV")):
                found.setdefault(_ROLE_OF[_QUANTITIES[quantity]], unit)
    return found


def _in_brackets(line: str, quantity: str, unit: str) -> bool:
    """Whether a title says ``delay (ns)``; a setting such as ``time (s): 2`` says nothing of a column."""
    written = rf"{re.escape(quantity)}\s?[(\[]{re.escape(unit)}[)\]](?!\s*[:=\t]|\s*\d)"
    return re.search(written, line) is not None and "=" not in line


def _with_remarks(labels: list[Label], remarks: Sequence[str], columns: int) -> list[Label]:
    """Give the columns the units that remarks say."""
    for role, unit in said_units(remarks).items():
        named = [i for i, label in enumerate(labels) if ROLES[role].is_named(label.name, label.unit)]
        if named:
            labels[named[0]] = Label(labels[named[0]].name, labels[named[0]].unit or unit)
        # without a heading the abscissa stands first
        elif columns and (not labels or (not labels[0].name and not labels[0].unit)):
            labels = [Label(words_of(role)[0], unit), *labels[1:]]
    return labels


def _converts(unit: str, to: str) -> bool:
    try:
        convert(1.0, unit, to)
    except DataError:
        return False
    return True


def key_values(lines: Sequence[str]) -> dict[str, str]:
    """Remarks of the form ``key: value``, ``key = value``, ``key<tab>value``, ``key,value`` or ``key;value``."""
    pairs: dict[str, str] = {}
    for line in lines:
        plain = line.strip()[:2000].lstrip("#%!/ ")
        for sign in ("\t", ":", "=", ",", ";"):
            key, found, value = plain.partition(sign)
            if found and key.strip() and value.strip(" ,;\t") and len(key) <= 40:
                pairs.setdefault(key.strip(' "'), value.strip(' ,;\t"'))
                break
    return pairs
