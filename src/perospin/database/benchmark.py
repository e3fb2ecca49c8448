"""Benchmark tables: published tables that models are trained on, kept in their own columns.

A benchmark table is wide (one row a material, one column a quantity) and stays as its authors published it;
corrections are a second, small table that is applied on request, so that every changed cell can be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from perospin.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class BenchmarkTable:
    """A shipped benchmark table: where it lies, where it comes from, under which licence.

    Attributes
    ----------
    file
        Path below the shipped `tables` folder.
    description
        One line for a person.
    source
        Where the table was published (DOI) and from which public repository it was copied.
    licence
        Licence of the copy; its text lies beside the file.
    text_columns
        Columns that hold text; in all others an empty cell is a missing number.
    """

    file: str
    description: str
    source: str
    licence: str
    text_columns: tuple[str, ...]


_OLYMPUS = "repository aspuru-guzik-group/olympus, commit 440b6b5"

TABLES: dict[str, BenchmarkTable] = {
    "spin52": BenchmarkTable(
        "spin52/spin52.csv",
        "52 halide perovskites, ten descriptors and the spin relaxation rate (1/ps), as published",
        "doi:10.1039/d5sc07406a (Li et al., Chem. Sci. 2025); repository DogofKristin-hue/SRR, commit 6db9de4",
        "MIT",
        ("name", "formula", "origin", "note"),
    ),
    "spin52_corrections": BenchmarkTable(
        "spin52/spin52_corrections.csv",
        "every cell of spin52 that the corrected copy changes: published value, corrected value, reason",
        "perospin, from the table itself and the recovered recipe of its descriptors",
        "MIT",
        ("column", "published", "corrected", "reason"),
    ),
    "hoip192": BenchmarkTable(
        "olympus/hoip192.csv",
        "HSE06 band gaps (eV) of 192 hybrid perovskites: 16 organic cations x Ge, Sn, Pb x F, Cl, Br, I",
        f"Kim, Huan, Krishnan, Ramprasad, Sci. Data 2017, 4, 170057; {_OLYMPUS}",
        "MIT",
        ("cation", "metal", "halide"),
    ),
    "thin_film": BenchmarkTable(
        "olympus/thin_film.csv",
        "instability index of 94 caesium, formamidinium, methylammonium lead iodide films (mean of repeats)",
        f"Sun, Tiihonen, Oviedo et al., Matter 2021, 4, 1305; {_OLYMPUS}",
        "MIT",
        (),
    ),
    "thin_film_repeats": BenchmarkTable(
        "olympus/thin_film_repeats.csv",
        "the 139 single measurements behind thin_film",
        f"Sun, Tiihonen, Oviedo et al., Matter 2021, 4, 1305; {_OLYMPUS}",
        "MIT",
        (),
    ),
    "vapdiff_crystal": BenchmarkTable(
        "olympus/vapdiff_crystal.csv",
        "918 robotic crystallisations by vapour diffusion: composition, conditions, class of the outcome",
        f"robotic vapour-diffusion crystallisation of halide perovskites; {_OLYMPUS}",
        "MIT",
        ("organic", "solvent", "crystal_score"),
    ),
    "structures_2d": BenchmarkTable(
        "structures_2d/structures_2d.csv",
        "639 experimental layered crystals: composition, layers, octahedra and angles, described by perospin",
        "crystals: repository fanghj01234/Ensemble-Learning_SATGNN, commit 30e2b78 (doi:10.1039/d5dd00163c; the files "
        "name no source of their own, no temperature); numbers: perospin describe; no coordinates",
        "MIT",
        (
            *("file", "formula", "new_ions", "spacer", "layers_agree", "hydrogens", "dimensionality"),
            *("connectivity", "layer_orientation", "space_group", "remarks"),
        ),
    ),
    "vapdiff_descriptors": BenchmarkTable(
        "olympus/vapdiff_descriptors.csv",
        "descriptors of the organic salts and solvents of vapdiff_crystal, one row a number",
        f"robotic vapour-diffusion crystallisation of halide perovskites; {_OLYMPUS}",
        "MIT",
        ("role", "compound", "descriptor"),
    ),
}

# Rows of spin52 whose composition is not certain; for leave-one-compound-out they must not be split from the row
# whose descriptors they share, since they may be the same compound.
UNCERTAIN_ROWS: dict[int, str] = {
    16: "printed BA2FAPbI7, not neutral; all descriptors are those of row 15",
    17: "printed (BA)(MA)PbI with n = 4; all descriptors are those of row 34 (n = 3)",
    21: "printed CH3NH3PbClxI1-x without the halide ratio; descriptors are those of row 22",
    38: "printed Cs0FAPbBrI without Cs fraction and halide ratio",
}
_SAME_DESCRIPTORS = {16: 15, 17: 34, 21: 22}
_PLACEHOLDER_ROWS = (36, 37)


def data_file(name: str) -> Path:
    """Path of a shipped data file, named relative to the `tables` folder (for example ``"cif/README.md"``).

    Raises
    ------
    DataError
        If no such file is shipped.
    """
    path = Path(str(files("perospin.database").joinpath("tables"))) / name
    if not path.is_file():
        raise DataError(f"no shipped data file '{name}'")
    return path


def load_table(name: str, corrected: bool = False) -> pd.DataFrame:
    """Load a benchmark table.

    Parameters
    ----------
    name
        One of `TABLES`, for example ``"spin52"`` or ``"hoip192"``.
    corrected
        Only for ``"spin52"``: apply the listed corrections (``load_table("spin52_corrections")``). `formula` is then
        the canonical formula, ``""`` where the composition is not certain; `n_layers` is NaN for 3D. Added columns:
        `inverse_n` (0 for 3D), `composition_certain`, `placeholder` (the table held zeros for values that were not
        computed; they are NaN now) and `compound`, a group key: rows of equal key are the same compound or can't be
        told apart, so validation must not split them.

    Returns
    -------
    pandas.DataFrame
        One row an entry; units are in the column names; ``attrs["source"]`` and ``attrs["licence"]`` say
        where it comes from.

    Raises
    ------
    DataError
        If there is no such table, or no corrected copy of it.
    """
    import pandas as pd

    try:
        table = TABLES[name]
    except KeyError:
        raise DataError(f"no table '{name}'; there are: {', '.join(TABLES)}") from None
    frame = pd.read_csv(data_file(table.file), keep_default_na=False, na_values=_missing(table))
    if corrected:
        if name != "spin52":
            raise DataError(f"table '{name}' has no corrected copy; only 'spin52' has one")
        frame = _corrected_spin52(frame)
    frame.attrs["source"] = table.source
    frame.attrs["licence"] = table.licence
    return frame


def _missing(table: BenchmarkTable) -> dict[str, list[str]]:
    """Only the empty cell of a number column is a missing value; text columns keep theirs."""
    header = data_file(table.file).read_text(encoding="utf-8").splitlines()[0].split(",")
    return {name: [""] for name in header if name not in table.text_columns}


def _corrected_spin52(published: pd.DataFrame) -> pd.DataFrame:
    """Apply the listed corrections and add the group and quality columns."""
    frame = published.copy()
    frame["n_layers"] = frame["n_layers"].astype(float)
    position = {int(row): index for index, row in enumerate(frame["row"])}
    for _, fix in load_table("spin52_corrections").iterrows():
        text = str(fix["corrected"])
        value = text if fix["column"] == "formula" else float(text or "nan")
        frame.loc[position[int(fix["row"])], str(fix["column"])] = value
    frame["inverse_n"] = (1.0 / frame["n_layers"]).fillna(0.0)
    frame["composition_certain"] = ~frame["row"].isin(UNCERTAIN_ROWS)
    frame["placeholder"] = frame["row"].isin(_PLACEHOLDER_ROWS)
    compound = frame["formula"].where(frame["formula"] != "", "uncertain: " + frame["name"])
    for row, twin in _SAME_DESCRIPTORS.items():
        compound.iloc[position[row]] = compound.iloc[position[twin]]
    frame["compound"] = compound
    return frame
