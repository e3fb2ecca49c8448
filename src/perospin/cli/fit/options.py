"""Options that all commands of `perospin fit` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.errors import DataError

if TYPE_CHECKING:
    from perospin.fitting.parameters import Fixed
    from perospin.measurements.reading import Measurement


FIGURES = (".png", ".pdf", ".svg")


_DATA, _FIT, _RECORD, _OUTPUT = "Reading", "Fit", "Record", "Output"


#: Options of every command: name, type, default. Typer reads them from the signature that `shared` builds.
OPTIONS: dict[str, tuple[Any, Any]] = {
    "columns": (
        Annotated[
            str | None,
            typer.Option(help="Columns by name or number, abscissa first: 1,3 or delay,same.", rich_help_panel=_DATA),
        ],
        None,
    ),
    "unit": (
        Annotated[
            str | None,
            typer.Option(
                "--unit", "--delay-unit", help="Unit of the abscissa if the file doesn't say it: fs, mT, ...",
                rich_help_panel=_DATA,
            ),
        ],
        None,
    ),
    "delimiter": (
        Annotated[str | None, typer.Option(help="Only if it is found out wrongly.", rich_help_panel=_DATA)],
        None,
    ),
    "decimal": (
        Annotated[str | None, typer.Option(help="Decimal sign, only if found out wrongly.", rich_help_panel=_DATA)],
        None,
    ),
    "skip_lines": (
        Annotated[int, typer.Option(min=0, help="Lines at the top that are no data.", rich_help_panel=_DATA)],
        0,
    ),
    "block": (
        Annotated[
            int | None, typer.Option(min=1, help="Which table of a file that holds several.", rich_help_panel=_DATA)
        ],
        None,
    ),
    "dataset": (
        Annotated[
            str | None, typer.Option(help="Data set or group of an HDF5 file or archive.", rich_help_panel=_DATA)
        ],
        None,
    ),
    "where": (
        Annotated[
            list[str] | None,
            typer.Option(help="Rows of one condition, NAME=VALUE: temperature=10; repeatable.", rich_help_panel=_DATA),
        ],
        None,
    ),
    "fix": (
        Annotated[
            list[str] | None,
            typer.Option(help="Hold a parameter, NAME=VALUE as in the report; repeatable.", rich_help_panel=_FIT),
        ],
        None,
    ),
    "start": (
        Annotated[
            list[str] | None, typer.Option(help="Start of a parameter, NAME=VALUE; repeatable.", rich_help_panel=_FIT)
        ],
        None,
    ),
    "intervals": (
        Annotated[str, typer.Option(help="covariance, profile or bootstrap.", rich_help_panel=_FIT)],
        "covariance",
    ),
    "level": (Annotated[float, typer.Option(help="Probability of the intervals.", rich_help_panel=_FIT)], 0.68),
    "robust": (
        Annotated[
            bool, typer.Option("--robust", help="Lessen the weight of outliers (Huber).", rich_help_panel=_FIT)
        ],
        False,
    ),
    "seed": (Annotated[int, typer.Option(min=0, help="Of the bootstrap.", rich_help_panel=_FIT)], 0),
    "material": (
        Annotated[
            str | None,
            typer.Option("--material", "-m", help="Formula: makes a database record.", rich_help_panel=_RECORD),
        ],
        None,
    ),
    "source": (
        Annotated[
            str | None, typer.Option(help="Who measured it: a name, DOI or arXiv number.", rich_help_panel=_RECORD)
        ],
        None,
    ),
    "condition": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--condition", "-c", help="Of the record: temperature='5 K', form=film; repeatable.",
                rich_help_panel=_RECORD,
            ),
        ],
        None,
    ),
    "composition": (
        Annotated[
            str, typer.Option(help="known, or other/unknown if --material is no formula.", rich_help_panel=_RECORD)
        ],
        "known",
    ),
    "store": (
        Annotated[bool, typer.Option("--store", help="Add the record to your own store.", rich_help_panel=_RECORD)],
        False,
    ),
    "save": (
        Annotated[
            Path | None,
            typer.Option(help="Folder for fit.json, report.txt, record.json, figure.png.", rich_help_panel=_OUTPUT),
        ],
        None,
    ),
    "plot": (
        Annotated[Path | None, typer.Option(help="Figure to write: .png, .pdf or .svg.", rich_help_panel=_OUTPUT)],
        None,
    ),
    "as_json": (
        Annotated[bool, typer.Option("--json", help="Print JSON for a program.", rich_help_panel=_OUTPUT)],
        False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Shared:
    """Values of the options that all commands share, see `OPTIONS`."""

    columns: str | None = None
    unit: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    skip_lines: int = 0
    block: int | None = None
    dataset: str | None = None
    where: Sequence[str] | None = None
    fix: Sequence[str] | None = None
    start: Sequence[str] | None = None
    intervals: str = "covariance"
    level: float = 0.68
    robust: bool = False
    seed: int = 0
    material: str | None = None
    source: str | None = None
    condition: Sequence[str] | None = None
    composition: str = "known"
    store: bool = False
    save: Path | None = None
    plot: Path | None = None
    as_json: bool = False

    def reading(self) -> dict[str, Any]:
        """Keywords for `read_trace`."""
        named = {"tab": "\t", "semicolon": ";", "comma": ",", "blank": " ", "space": " "}
        sign = named.get(self.delimiter or "", self.delimiter)
        return {
            "delimiter": sign, "decimal": self.decimal, "skip_lines": self.skip_lines, "block": self.block,
            "dataset": self.dataset,
        }  # fmt: skip

    def gathering(self) -> dict[str, Any]:
        """Keywords for `gather`."""
        columns = [part.strip() for part in self.columns.split(",")] if self.columns else None
        where = _pairs(self.where, "--where")
        return {**self.reading(), "columns": columns, "x_unit": self.unit, "where": where}

    def fitting(self, measured: Measurement | None = None, params: bool = True) -> dict[str, Any]:
        """Keywords for an analysis."""
        from perospin.fitting import fixed

        options: dict[str, Any] = {"intervals": self.intervals, "level": self.level, "seed": self.seed}
        if self.robust:
            options["robust"] = True
        if measured is not None:
            options["sources"] = measured.sources
        given: dict[str, Fixed | float] = {name: fixed(value) for name, value in _pairs(self.fix, "--fix").items()}
        given |= _pairs(self.start, "--start")
        if given and not params:
            raise DataError("this analysis has no parameters to fix or to start from")
        return options | ({"params": given} if given else {})


def _pairs(texts: Sequence[str] | None, option: str) -> dict[str, float]:
    pairs: dict[str, float] = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        try:
            pairs[name.strip()] = float(value)
        except ValueError:
            sign = ""
        if not sign or not name.strip():
            raise DataError(f"{option} '{text:.40}' must be NAME=NUMBER, e.g. {option} time_zero_ps=0")
    return pairs
