"""What `perospin fit` does with a result: options that all its commands share, and what is printed and written."""

from __future__ import annotations

import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from perospin.cli.fit.options import FIGURES, OPTIONS, Shared
from perospin.errors import DataError, PerospinError
from perospin.measurements.outcome import Outcome, as_dict, conditions_of, files_of, records_of
from perospin.measurements.paper import curves, headline, methods
from perospin.saving import cannot_write, one_run, write_csv, write_figure, write_json, write_text

if TYPE_CHECKING:
    from perospin.database import Record
    from perospin.measurements import SpinFit


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
        deliver(outcome, options, flags, _paths(given.values()))

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
    return re.sub(r"\b(pass|use|try) (?=--)", "give ", text)


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
    conditions_of(options.condition, "--condition")


def _paths(given: Iterable[Any]) -> list[Path]:
    """Files and folders among the arguments of a command."""
    listed = (value if isinstance(value, list | tuple) else [value] for value in given)
    return [value for values in listed for value in values if isinstance(value, Path)]


def deliver(
    outcome: Outcome,
    options: Shared,
    flags: Mapping[str, str] = MappingProxyType({}),
    paths: Sequence[Path] = (),
) -> None:
    """Print the result, advice in the command's own options, and write what was asked for."""
    given = conditions_of(options.condition, "--condition")
    records, skipped = records_of(outcome, options.material, options.source, given, options.composition)
    written: list[str] = []
    if options.save is not None:
        written.append(f"saved in {_save(outcome, records, options.save, options.material)}")
        if options.material is None:
            written.append("no record, because --material and --source were not given")
    if options.plot is not None:
        _figure(outcome.fit, options.plot, options.material)
        written.append(f"figure in {options.plot}")
    if options.store and records:
        from perospin.database import Store
        from perospin.database.sharing import attach

        beside = files_of(outcome.fit, paths)
        with Store.open() as store:
            ids = store.add(records)
            attach(store, ids, beside)
            written.append(f"{len(ids)} record{'s' * (len(ids) != 1)} added to {store.location}")
    if options.as_json:
        typer.echo(json.dumps(as_dict(outcome, records), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        for note in outcome.notes:
            if note not in outcome.doubts:  # those stand among the warnings of the report
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


def _figure(fit: SpinFit, path: Path, material: str | None = None, log_delay: bool = False) -> None:
    """Write the figure of a fit with its material; a pump-probe fit may have a logarithmic delay."""
    more: dict[str, Any] = {"log_delay": True} if log_delay else {}
    write_figure(fit.plot(material=material or "", **more), path, dpi=200)


_PUMP_PROBE = "pump-probe"
_MAY_LACK = ("record.json", "curve.csv")
"""Files that not every fit writes."""


def _save(outcome: Outcome, records: Sequence[Record], folder: Path, material: str | None) -> Path:
    """Write the folder; what is in it is either all old or all new but for an interruption between two renames."""
    try:
        with one_run(folder), tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as part:
            new = Path(part)
            outcome.fit.save(new / "fit.json")
            write_text(new / "report.txt", outcome.fit.report() + "\n")
            if records:
                write_json(new / "record.json", [record.to_dict() for record in records])
            for ending in FIGURES:
                _figure(outcome.fit, new / f"figure{ending}", material)
                if outcome.fit.drawing == _PUMP_PROBE:
                    _figure(outcome.fit, new / f"figure-log{ending}", material, log_delay=True)
            if not outcome.fit.data.empty:
                write_csv(curves(outcome.fit), new / "curve.csv")
            write_text(new / "methods.txt", methods(outcome.fit) + "\n")
            for name, fit in outcome.parts.items():
                (new / "traces").mkdir(exist_ok=True)
                fit.save(new / "traces" / f"{name}.json")
            # of a fit saved here before
            for old in (
                *(folder / "traces").glob("*.json"),
                *folder.glob("figure-log.*"),
                *map(folder.joinpath, _MAY_LACK),
            ):
                old.unlink(missing_ok=True)
            for path in new.iterdir():
                target = folder / path.name
                if path.is_dir():
                    target.mkdir(exist_ok=True)
                    for inner in path.iterdir():
                        inner.replace(target / inner.name)
                else:
                    path.replace(target)
    except OSError as error:
        raise cannot_write(folder, error) from None
    return folder
