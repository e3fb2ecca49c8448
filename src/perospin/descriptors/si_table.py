"""A table for the supporting information: symbol, name in words, unit, and values with the digits they deserve."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.descriptors.labels import axis_label, words
from perospin.errors import DataError
from perospin.saving import cannot_write, whole_file, write_csv, write_text
from perospin.text import markdown, tex
from perospin.units import split_unit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SI_ENDINGS", "column_in_words", "si_table", "unit_of", "write_si_table"]

SI_ENDINGS = (".csv", ".xlsx", ".md", ".tex")

#: Symbol, its TeX, name in words, decimals; in the order of the table.
_ROWS: Mapping[str, tuple[str, str, str, int]] = {
    "space_group": ("", "", "space group", 0),
    "n_layers": ("n", "$n$", "layer number", 0),
    "volume_per_b_a3": ("V", "$V$", "cell volume per metal", 1),
    "layer_spacing_a": ("d", "$d$", "layer spacing", 2),
    "interlayer_gap_a": ("d(gap)", r"$d_\mathrm{gap}$", "thickness of the organic layer", 2),
    "nitrogen_depth_a": ("z(N)", r"$z_\mathrm{N}$", "depth of nitrogen below the terminal halides", 2),
    "bx_length_mean_a": ("L", r"$\bar L$", "mean metal-halide length", 3),
    "bx_length_min_a": ("L(min)", r"$L_\mathrm{min}$", "shortest metal-halide length", 3),
    "bx_length_max_a": ("L(max)", r"$L_\mathrm{max}$", "longest metal-halide length", 3),
    "bxb_angle_mean_deg": ("θ", r"$\theta$", "mean metal-halide-metal angle", 1),
    "bxb_angle_min_deg": ("θ(min)", r"$\theta_\mathrm{min}$", "smallest metal-halide-metal angle", 1),
    "bxb_angle_max_deg": ("θ(max)", r"$\theta_\mathrm{max}$", "largest metal-halide-metal angle", 1),
    "beta_in_deg": ("β(in)", r"$\beta_\mathrm{in}$", "in-plane part of the bridging angle", 1),
    "beta_out_deg": ("β(out)", r"$\beta_\mathrm{out}$", "out-of-plane part of the bridging angle", 1),
    "delta_beta_in_deg": ("Δβ(in)", r"$\Delta\beta_\mathrm{in}$", "in-plane disparity of the bridging angles", 1),
    "distortion_index": ("D", "$D$", "bond length distortion index", 4),
    "length_variance": ("Δ", r"$\Delta$", "bond length variance", 6),
    "bond_angle_variance_deg2": ("σ²", r"$\sigma^2$", "bond angle variance", 1),
    "quadratic_elongation": ("λ", r"$\lambda$", "quadratic elongation", 4),
    "b_off_centre_a": ("δ", r"$\delta$", "distance of the metal from the centre of its octahedron", 3),
    "tolerance_factor": ("t", "$t$", "tolerance factor", 3),
    "octahedral_factor": ("µ", r"$\mu$", "octahedral factor", 3),
    "homo_ev": ("E(HOMO)", r"$E_\mathrm{HOMO}$", "HOMO energy of the isolated cation", 2),
    "lumo_ev": ("E(LUMO)", r"$E_\mathrm{LUMO}$", "LUMO energy of the isolated cation", 2),
    "dipole_debye": ("p", "$p$", "dipole moment of the isolated cation", 2),
}
_UNITS = {
    "A": "Å", "a": "Å", "A^2": "Å²", "A^3": "Å³", "deg": "°", "deg^2": "deg²", "ev": "eV", "Angstrom": "Å",
    "debye": "D", "Debye": "D", "Å^2": "Å²", "Å^3": "Å³", "deg2": "deg²",
}  # fmt: skip
_TEX_UNITS = {
    "Å": r"\AA", "Å²": r"\AA$^2$", "Å³": r"\AA$^3$", "°": r"$^\circ$", "deg²": r"deg$^2$", "Å⁻³": r"\AA$^{-3}$",
}  # fmt: skip
_DIGITS = 3
_BRIDGE = re.compile(r"(?P<metal>[A-Z][a-z]?)\s*[-–—]\s*(?P<halide>I|Br|Cl|F|X)\s*[-–—]\s*(?P=metal)(?:\s+angle)?")
_BOND = re.compile(r"(?:Pb|Sn|Ge|Cs|[BM])\s*[-–—]\s*(?:I|Br|Cl|F|X)(?:\s+(?:length|distance|bond))?")


def si_table(frame: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Turn described materials into the rows of a table for the supporting information.

    Parameters
    ----------
    frame : DataFrame, shape (n_materials, n_columns)
        As `describe` gives it; the index holds the materials.
    columns : sequence of str, optional
        Columns to show; those that papers print if left out.

    Returns
    -------
    DataFrame, shape (n_quantities, 3 + n_materials)
        ``symbol``, ``quantity``, ``unit``, then one column of text for each material. A quantity that no material has
        is left out; a value that is zero but for rounding is ``0``.
    """
    import pandas as pd

    names = [name for name in (columns if columns is not None else _ROWS) if name in frame]
    rows = []
    for name in names:
        cells = [_cell(value, name) for value in frame[name]]
        if columns is None and not any(cells):
            continue
        symbol, _, phrase, _ = _ROWS.get(name, ("", "", words(name), 0))
        rows.append([symbol, phrase, unit_of(name), *(cell or "–" for cell in cells)])
    labels = [str(label) for label in frame.index]
    told = [
        f"{label} #{labels[:i].count(label) + 1}" if labels.count(label) > 1 else label
        for i, label in enumerate(labels)
    ]
    return pd.DataFrame(rows, columns=["symbol", "quantity", "unit", *told])


def unit_of(name: str) -> str:
    """Write the unit of a column as papers print it; empty for a pure number."""
    if name in ("space_group", "n_layers"):
        return ""
    if name.endswith(("_deg", "_deg2")):
        return "°" if name.endswith("_deg") else "deg²"
    unit = split_unit(name)[1]
    if not unit:
        _, _, unit = axis_label(name).partition(" (")
        unit = unit.rstrip(")")
    return _UNITS.get(unit, unit)


def _cell(value: Any, name: str) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return value
    number = float(value)
    if abs(number) < 1e-6:  # zero but for rounding
        return "0"
    decimals = _ROWS[name][3] if name in _ROWS else None
    if decimals is None:
        whole = abs(number) >= 10**_DIGITS or (number.is_integer() and abs(number) < 1e6)
        text = f"{number:.0f}" if whole else f"{number:.{_DIGITS}g}"
    else:
        text = f"{number:.{decimals}f}"
    return ("0" if float(text) == 0 and decimals is None else text).replace("-", "−")


def write_si_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write the table as .csv, .xlsx, .md or .tex.

    Raises
    ------
    DataError
        If the ending is another one, or the file can't be written.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".csv":
        write_csv(table, path)
    elif ending == ".md":
        write_text(path, _markdown(table))
    elif ending == ".tex":
        write_text(path, _tex(table))
    elif ending == ".xlsx":
        _write_workbook(table, path)
    else:
        raise DataError(f"can't write '{path}': a table for the SI is written as {', '.join(SI_ENDINGS)}")
    return path


def _markdown(table: pd.DataFrame) -> str:
    lines = [[str(name) for name in table.columns], *(list(map(str, row)) for row in table.itertuples(index=False))]
    body = ["| " + " | ".join(markdown(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]
    rule = "|" + "|".join([" --- "] * 3 + [" ---: "] * (table.shape[1] - 3)) + "|"
    return "\n".join([body[0], rule, *body[1:]]) + "\n"


def _tex(table: pd.DataFrame) -> str:
    """Write a tabular with the rules of booktabs."""
    by_name = {row[2]: row[1] for row in _ROWS.values()}
    heads = ["symbol", "quantity", "unit", *(_tex_formula(str(name)) for name in table.columns[3:])]
    lines = [
        r"\begin{tabular}{lll" + "r" * (table.shape[1] - 3) + "}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
    ]
    for _, phrase, unit, *values in table.itertuples(index=False):
        cells = [by_name.get(phrase, ""), tex(str(phrase)), _TEX_UNITS.get(unit, tex(str(unit)))]
        numbers = [
            f"${value.replace('−', '-')}$" if re.fullmatch(r"−?[\d.]+", value) else tex(value) for value in values
        ]
        lines.append(" & ".join([*cells, *numbers]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _tex_formula(name: str) -> str:
    """Write a formula with its numbers below the line."""
    from perospin.look import subscripted

    return "".join(
        part if part.startswith("$") else tex(part) for part in re.split(r"(\$_\{[\d.]+\}\$)", subscripted(name))
    )


def _write_workbook(table: pd.DataFrame, path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "SI"
    sheet.append(list(table.columns))
    for row in table.itertuples(index=False):
        sheet.append(list(row[:3]))
        for column, text in enumerate(row[3:], 4):
            cell = sheet.cell(sheet.max_row, column)
            plain = text.replace("−", "-")
            if re.fullmatch(r"-?\d+(?:\.\d+)?", plain):
                cell.value = float(plain)
                cell.number_format = "0" + ("." + "0" * len(plain.partition(".")[2]) if "." in plain else "")
            else:
                cell.value = text
                cell.data_type = "s"  # a text is never a formula
    for letter, width in (("A", 9), ("B", 46), ("C", 8)):
        sheet.column_dimensions[letter].width = width
    try:
        with whole_file(path) as part:
            book.save(part)
    except OSError as error:
        raise cannot_write(path, error) from None


def column_in_words(text: str, descriptions: Mapping[str, str]) -> str | None:
    """Column that words ask for: ``Pb-I-Pb``, ``layer spacing``, ``HOMO energy``; None if none or several fit.

    Parameters
    ----------
    text
        What was asked for.
    descriptions
        What each column is, by its name.
    """
    plain = " ".join(text.split())
    if plain in descriptions:
        return plain
    if _BRIDGE.fullmatch(plain):
        return "bxb_angle_mean_deg"
    if _BOND.fullmatch(plain):
        return "bx_length_mean_a"
    wanted = plain.casefold()
    named = {name: {row[0].casefold(), row[2].casefold()} for name, row in _ROWS.items()}
    exact = [
        name
        for name in descriptions
        if wanted in ({words(name).casefold(), axis_label(name).casefold()} | named.get(name, set())) - {""}
    ]
    if exact:
        return exact[0]
    asked = set(re.findall(r"\w+", wanted)) - {"of", "the", "mean", "in"}
    found = [
        name for name, text in descriptions.items()
        if asked and asked <= set(re.findall(r"\w+", f"{name} {words(name)} {text}".replace("_", " ").casefold()))
    ]  # fmt: skip
    return found[0] if len(found) == 1 else None
