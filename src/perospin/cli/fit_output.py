"""What `perospin fit` does with a result: options that all its commands share, and what is printed and written."""

from __future__ import annotations

import inspect
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.errors import DataError, FitError, PerospinError

if TYPE_CHECKING:
    from perospin.database import Record
    from perospin.spectra import SpinFit
    from perospin.spectra.reading import Measurement

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
        return {"delimiter": sign, "decimal": self.decimal, "skip_lines": self.skip_lines}

    def gathering(self) -> dict[str, Any]:
        """Keywords for `gather`."""
        columns = [part.strip() for part in self.columns.split(",")] if self.columns else None
        return {**self.reading(), "columns": columns, "x_unit": self.unit}

    def fitting(self, measured: Measurement | None = None, params: bool = True) -> dict[str, Any]:
        """Keywords for an analysis."""
        from perospin.fitting import fixed

        options: dict[str, Any] = {"intervals": self.intervals, "level": self.level, "seed": self.seed}
        if self.robust:
            options["robust"] = True
        if measured is not None:
            options["sources"] = measured.sources
        given = {name: fixed(value) for name, value in _pairs(self.fix, "--fix").items()}
        given |= _pairs(self.start, "--start")
        if given and not params:
            raise DataError("this analysis has no parameters to fix or to start from")
        return options | ({"params": given} if given else {})


@dataclass(frozen=True)
class Outcome:
    """What a command found.

    Attributes
    ----------
    fit
        The result.
    conditions
        What files say of temperature, field and so on.
    notes
        What was taken for what on reading.
    parts
        Fits of the single files of a series, by file name.
    """

    fit: SpinFit
    conditions: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    parts: Mapping[str, SpinFit] = field(default_factory=dict)


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


def shared(command: Callable[..., Outcome]) -> Callable[..., None]:
    """Give a command the shared options; print and write what it returns.

    The command takes its own arguments and, as `options`, a `Shared`.
    """

    def run(**given: Any) -> None:
        own = {item.name for item in fields(Shared)}
        options = Shared(**{name: value for name, value in given.items() if name in own})
        _check(options)
        try:
            outcome = command(**{name: value for name, value in given.items() if name not in own}, options=options)
        except PerospinError as error:
            error.args = tuple(spoken(part, flags) if isinstance(part, str) else part for part in error.args)
            raise
        deliver(outcome, options, flags)

    kept = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "options"]
    kind = inspect.Parameter.KEYWORD_ONLY
    extra = [inspect.Parameter(n, kind, annotation=t, default=d) for n, (t, d) in OPTIONS.items()]
    run.__signature__ = inspect.Signature([*(p.replace(kind=kind) for p in kept), *extra])  # type: ignore[attr-defined]
    flags = _flags([*kept, *extra])
    run.__annotations__ = {p.name: p.annotation for p in [*kept, *extra]} | {"return": None}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


_OTHER_NAMES = {"measured_irf": "irf", "delay_unit": "unit", "window_nm": "window"}


def _flags(parameters: Sequence[inspect.Parameter]) -> dict[str, str]:
    """Option of the command line by the keyword of the analysis that it stands for."""
    known: dict[str, str] = {}
    for parameter in parameters:
        declared = getattr(parameter.annotation, "__metadata__", (None,))[0]
        if not isinstance(declared, typer.models.OptionInfo):
            continue
        # in an annotation typer keeps the first name as the default
        names = [n for n in (declared.default, *(declared.param_decls or ())) if isinstance(n, str)]
        known[parameter.name] = next((n for n in names if n.startswith("--")), "--" + parameter.name.replace("_", "-"))
    known |= {word: known[name] for word, name in _OTHER_NAMES.items() if name in known and word not in known}
    return known


def spoken(text: str, flags: Mapping[str, str]) -> str:
    """Put advice about keywords in the words of the command line: ``pass offset=True`` is ``pass --offset``."""
    for name, flag in sorted(flags.items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"\b{name}=True\b", flag, text)
        text = re.sub(rf"\b{name}=False\b", flag.replace("--", "--no-", 1), text)
        text = re.sub(rf"\b{name}='?([\w.-]+)'?", rf"{flag} \1", text)
        text = re.sub(rf"\b((?:give|pass|use|without)(?: either| the)? ){name}\b", rf"\1{flag}", text)
    for name, flag in flags.items():  # the second of two
        text = re.sub(rf"(--[\w-]+ or ){name}\b", rf"\1{flag}", text)
    return text


def _check(options: Shared) -> None:
    """Refuse what can't be written, and a record that can't be made, before anything is fitted."""
    if options.plot is not None:
        if options.plot.suffix.lower() not in FIGURES:
            raise DataError(f"the figure '{options.plot}' must end in {', '.join(FIGURES)}")
        if not options.plot.absolute().parent.is_dir():
            raise DataError(f"can't write '{options.plot}': there is no folder '{options.plot.parent}'")
    if options.save is not None:
        if options.save.exists() and not options.save.is_dir():
            raise DataError(f"can't save into '{options.save}': it is a file, not a folder")
        if options.save.is_dir() and any(options.save.iterdir()) and not (options.save / "fit.json").is_file():
            raise DataError(f"can't save into '{options.save}': the folder holds other files; name a new one")
        if not options.save.absolute().parent.is_dir():
            raise DataError(f"can't save into '{options.save}': there is no folder '{options.save.parent}'")
    if options.intervals not in ("covariance", "profile", "bootstrap"):
        raise DataError(f"--intervals '{options.intervals}' must be covariance, profile or bootstrap")
    if not 0.0 < options.level < 1.0:
        raise DataError(f"--level {options.level:g} must lie between 0 and 1, e.g. 0.68 or 0.95")
    if options.material is None:
        if options.store:
            raise DataError("--store needs --material and --source: a record says of what and from whom")
        return
    if options.source is None:
        raise DataError("--material makes a database record, which needs a --source: a name, a DOI or an arXiv number")
    if options.composition == "known":
        from perospin.database.record import canonical_formula

        canonical_formula(options.material)
    _conditions(options)


def _conditions(options: Shared) -> dict[str, Any]:
    """Conditions as the record names them; numbers may carry a unit."""
    from dataclasses import fields as fields_of

    from perospin.database.record import CONDITION_UNITS, Conditions
    from perospin.units import convert

    known = [item.name for item in fields_of(Conditions)]
    found: dict[str, Any] = {}
    for text in options.condition or ():
        key, sign, value = (part.strip() for part in text.partition("="))
        names = [key] if key in known else [name for name in known if name.rsplit("_", 1)[0] == key]
        names = names or [name for name in known if name.startswith(f"{key}_")]
        if not sign or not value or len(names) != 1:
            raise DataError(f"--condition '{text:.40}' must be NAME=VALUE, with a name of: {', '.join(known)}")
        name = names[0]
        if name == "n_layers":
            if not value.isdigit():
                raise DataError(f"--condition '{text:.40}': the number of layers is a whole number")
            found[name] = int(value)
        elif name in CONDITION_UNITS:
            number, _, unit = value.partition(" ")
            try:
                plain = float(number)
            except ValueError:
                raise DataError(f"--condition '{text:.40}' needs a number, e.g. temperature='5 K'") from None
            found[name] = convert(plain, unit.strip(), CONDITION_UNITS[name]) if unit.strip() else plain
        else:
            found[name] = value
    return found


def _records(outcome: Outcome, options: Shared) -> tuple[list[Record], list[str]]:
    """Make records of everything the fit determined, and what couldn't be one."""
    from dataclasses import fields as fields_of

    from perospin.database.record import Conditions

    if options.material is None:
        return [], []
    known = {item.name for item in fields_of(Conditions)}
    given = _conditions(options)
    records, skipped = [], []
    for name, entry in outcome.fit.records.items():
        own = set(entry.get("conditions", {}))
        of_file = {k: v for k, v in outcome.conditions.items() if k in known and k not in own}
        try:
            records.append(
                outcome.fit.to_record(
                    options.material, source=options.source or "", quantity=name, composition=options.composition,
                    **{**of_file, **given},
                )
            )  # fmt: skip
        except FitError as error:
            skipped.append(f"no record of {name}: {error}")
    if not records and not skipped:
        skipped.append(f"the analysis '{outcome.fit.analysis}' gives nothing that the database keeps")
    return records, skipped


def as_dict(outcome: Outcome, records: Sequence[Record]) -> dict[str, Any]:
    """Put the result for a program: values, goodness, warnings, conventions, files, records."""
    fit = outcome.fit
    values = {
        name: {
            "value": _number(v.value), "uncertainty": _number(v.uncertainty), "low": _number(v.low),
            "high": _number(v.high), "unit": v.unit, "status": v.status,
        }
        for name, v in ((name, fit[name]) for name in fit.names)
    }  # fmt: skip
    return {
        "analysis": fit.analysis,
        "values": values,
        "statistics": {name: _number(value) for name, value in fit.statistics.items()},
        "level": fit.level,
        "intervals": fit.interval_method,
        "conventions": dict(fit.conventions),
        "conditions": dict(outcome.conditions),
        "warnings": list(fit.warnings),
        "notes": list(outcome.notes),
        "files": [{"name": s.name, "sha256": s.sha256} for s in fit.sources],
        "records": [record.to_dict() for record in records],
        **({"parts": {name: as_dict(Outcome(part), ())["values"] for name, part in outcome.parts.items()}}
           if outcome.parts else {}),
    }  # fmt: skip


def _number(value: Any) -> Any:
    """Plain number; None for what JSON doesn't know."""
    number = float(value)
    return number if number - number == 0 else None


def deliver(outcome: Outcome, options: Shared, flags: Mapping[str, str] = MappingProxyType({})) -> None:
    """Print the result, advice in the command's own options, and write what was asked for."""
    records, skipped = _records(outcome, options)
    written: list[str] = []
    if options.save is not None:
        written.append(f"saved in {_save(outcome, records, options.save)}")
    if options.plot is not None:
        _figure(outcome.fit, options.plot)
        written.append(f"figure in {options.plot}")
    if options.store and records:
        from perospin.database import Store

        with Store.open() as store:
            ids = store.add(records)
            written.append(f"{len(ids)} record{'s' * (len(ids) != 1)} added to {store.location}")
    if options.as_json:
        typer.echo(json.dumps(as_dict(outcome, records), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        for note in outcome.notes:
            typer.echo(f"note: {note}", err=True)
        if outcome.parts:
            typer.echo(spoken(_parts_table(outcome.parts), flags))
        typer.echo(spoken(outcome.fit.report(), flags))
        typer.echo(f"\n  => {headline(outcome.fit)}")
        for record in records:
            typer.echo(_line(record))
    for line in (*skipped, *written):
        typer.echo(line, err=True)


def _line(record: Record) -> str:
    limit = {"upper": "< ", "lower": "> "}.get(record.limit, "")
    unit = "" if record.unit == "1" else f" {record.unit}"
    spread = "" if record.uncertainty is None else f" ± {record.uncertainty:.2g}"
    return f"  record: {record.formula or record.material}, {record.property} {limit}{record.value:.5g}{spread}{unit}"


def _parts_table(parts: Mapping[str, SpinFit]) -> str:
    """List the main values of each single fit of a series, one line a file; below it what the fits warn of."""
    width = max(len(name) for name in parts)
    lines = []
    for name, fit in parts.items():
        free = [n for n in fit.names if fit[n].status != "fixed"]
        shown = list(dict.fromkeys([*fit.records, *free]))[:3]
        doubts = f"  ({len(fit.warnings)} warning{'s' * (len(fit.warnings) != 1)})" if fit.warnings else ""
        lines.append(f"{name:<{width}}  " + ", ".join(f"{n} = {fit[n]}" for n in shown) + doubts)
    # each sentence once, however many files it is about; those of the series stand in its report
    about: dict[str, list[str]] = {}
    for name, fit in parts.items():
        for sentence in dict.fromkeys(fit.warnings):
            about.setdefault(sentence, []).append(name)
    for sentence, names in about.items():
        which = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        lines.append(f"  ! {which}: {sentence}")
    return "\n".join([*lines, ""])


def headline(fit: SpinFit) -> str:
    """Write the main value in a unit that suits its size: ``T1 = 129.1 ± 1.8 us``."""
    from perospin.fitting.result import rounded
    from perospin.units import convert, readable_unit

    name = str(fit.settings.get("main", "")) or next(iter(fit.records), fit.names[0])
    found = fit[name]
    if found.status not in ("fitted", "derived", "upper bound", "lower bound"):
        return f"{name}: {found.status}"
    unit = readable_unit(found.value, found.unit)
    stem = name.removesuffix("_" + found.unit.lower()).removesuffix("_percent").replace("_", " ")
    value, error = (convert(v, found.unit, unit) if unit != found.unit else v for v in (found.value, found.uncertainty))
    bound = {"upper bound": f"< {value:.3g}", "lower bound": f"> {value:.3g}"}.get(found.status)
    return f"{stem} {bound or f'= {rounded(value, error)}'} {unit}".rstrip()


def _figure(fit: SpinFit, path: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=".part-", suffix=path.suffix.lower(), dir=path.absolute().parent)
    os.close(handle)
    temporary = Path(name)
    try:
        fit.plot().savefig(temporary, dpi=200)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"can't write '{path}': {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def _save(outcome: Outcome, records: Sequence[Record], folder: Path) -> Path:
    """Write the folder; what is in it is either all old or all new but for an interruption between two renames."""
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as part:
            new = Path(part)
            outcome.fit.save(new / "fit.json")
            (new / "report.txt").write_text(outcome.fit.report() + "\n", encoding="utf-8")
            rows = [record.to_dict() for record in records]
            (new / "record.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            _figure(outcome.fit, new / "figure.png")
            for name, fit in outcome.parts.items():
                (new / "traces").mkdir(exist_ok=True)
                fit.save(new / "traces" / f"{name}.json")
            for old in (folder / "traces").glob("*.json"):  # of a series saved here before
                old.unlink()
            for path in new.iterdir():
                target = folder / path.name
                if path.is_dir():
                    target.mkdir(exist_ok=True)
                    for inner in path.iterdir():
                        inner.replace(target / inner.name)
                else:
                    path.replace(target)
    except OSError as error:
        raise DataError(f"can't save into '{folder}': {error.strerror or error}") from None
    return folder


def each(files: Sequence[Any], name: Callable[[Any], str], fit_one: Callable[[Any], SpinFit]) -> dict[str, SpinFit]:
    """Fit the files of a series with a progress bar; a file that can't be fitted is named and left out.

    Raises
    ------
    PerospinError
        If no file could be fitted: the first file's error.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    done: dict[str, SpinFit] = {}
    errors: list[tuple[str, PerospinError]] = []
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
        task = progress.add_task("fitting", total=len(files))
        for item in files:
            progress.update(task, description=f"fitting {name(item)}")
            try:
                done[name(item)] = fit_one(item)
            except PerospinError as error:
                errors.append((name(item), error))
            progress.advance(task)
    for label, reason in errors:
        typer.echo(f"not fitted, {label}: {reason}", err=True)
    if not done:
        raise errors[0][1]
    return done
