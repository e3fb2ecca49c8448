"""Arguments that several commands of `perospin fit` share, and how they read files and series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.fit.options import Shared
from perospin.errors import DataError
from perospin.measurements.analyses import analysis
from perospin.measurements.series import Parts, each, fit_series, measure
from perospin.progress import progress_line

if TYPE_CHECKING:
    from perospin.measurements.outcome import Outcome
    from perospin.measurements.reading import Measurement
    from perospin.measurements.result import SpinFit

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fit measurements of spin dynamics and chirality: text files in, lifetime, figure and record out.",
)


FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILES...", help="Data files.")]


SeriesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILES...", help="One file, or several or a folder for a series.")
]


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Data file.")]


PatternOption = Annotated[
    str | None, typer.Option(help="Where a file name holds the condition: 'run_{field_mt}mT.csv'.")
]


ComponentsOption = Annotated[int, typer.Option(min=1, max=3, help="Number of components.")]


ResponseOption = Annotated[
    float | None, typer.Option("--irf-fwhm-ps", min=0.0, help="Instrument response, FWHM; fitted if not given.")
]


ResponseFileOption = Annotated[
    Path | None, typer.Option("--measured-irf", "--irf", help="File with the measured response.")
]
LineshapeOption = Annotated[str, typer.Option(help="gaussian or lorentzian.")]
DerivativeOption = Annotated[
    bool, typer.Option("--derivative", help="The signal is the line's derivative (lock-in, modulated field).")
]


WindowOption = Annotated[str | None, typer.Option(help="Part of the spectrum, LOW:HIGH.")]


def _window(text: str | None, option: str) -> tuple[float, float] | None:
    if text is None:
        return None
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise DataError(f"{option} '{text:.40}' must be LOW:HIGH, e.g. {option} 480:560") from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise DataError(
            f"--chirp-coefficients '{text:.40}' must be numbers with commas, e.g. --chirp-coefficients 0.3,-0.12,0.02"
        ) from None


def _response(path: Path | None, options: Shared) -> Any:
    if path is None:
        return None
    measured = _measure(path, ["signal"], Shared(unit=options.unit), x="delay")
    return measured.x, measured["signal"]


def _measure(
    files: Path | Sequence[Path], kind: str | Sequence[str], options: Shared, pattern: str | None = None, **more: Any
) -> Measurement:
    """Read one measurement with the options of the command: the columns of an analysis, or those that are named."""
    if isinstance(kind, str):
        entry = analysis(kind)
        found = measure(
            files, entry.roles, pattern, **{"x": entry.x, "optional": entry.optional, **more}, **options.gathering()
        )
        told = (sentence for role, sentence in entry.without if found.get(role) is None)
        return replace(found, notes=(*found.notes, *told))
    return measure(files, kind, pattern, **more, **options.gathering())


def _series(
    files: Sequence[Path],
    pattern: str | None,
    measure_one: Callable[[Path], Measurement],
    fit_one: Callable[[Measurement], SpinFit],
    need: Sequence[str] = (),
) -> Outcome | Parts:
    """Fit one file, or each file of a series with a progress line; what was passed over is named."""
    with progress_line() as progress:
        return fit_series(files, pattern, measure_one, fit_one, need, _warn, progress)


def _each(files: Sequence[Any], name: Callable[[Any], str], fit_one: Callable[[Any], SpinFit]) -> dict[str, SpinFit]:
    with progress_line() as progress:
        return each(files, name, fit_one, _warn, progress)


def _warn(sentence: str) -> None:
    typer.echo(sentence, err=True)
