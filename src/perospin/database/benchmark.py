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
}


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
        Only for ``"spin52"``: apply the listed corrections (``load_table("spin52_corrections")``) and add
        the columns `composition_certain`, `placeholder`, `compound` and `inverse_n`.

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
    frame = pd.read_csv(
        data_file(table.file),
        keep_default_na=False,
        dtype=dict.fromkeys(table.text_columns, str),
    )
    if corrected:
        raise DataError(f"table '{name}' has no corrected copy; only 'spin52' has one")
    frame.attrs["source"] = table.source
    frame.attrs["licence"] = table.licence
    return frame
