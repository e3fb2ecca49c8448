"""What can run for long, by name: plain parameters and files in, files of the result out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import StudyError
from perospin.progress import Progress
from perospin.saving import inner_folder, name_fault, plain, write_bytes, write_json, write_text
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.studies import Study

__all__ = ["TASKS"]

Task = Callable[[Mapping[str, Any], Mapping[str, Path], Path, Progress], None]
"""Called with parameters, files by name, the folder for results, and the progress callable."""


def _cations(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path, tell: Progress) -> None:
    """Compute what a formula's cations need; it is kept in the cache of cations."""
    from perospin.chemistry import IonLibrary

    study = _study_of(parameters, files, out)
    ions = IonLibrary.of(list(parameters["ions"]) or None)
    study.predictor(progress=tell).predict(
        str(parameters["formula"]),
        ions,
        lambda symbol: tell(f"quantum chemistry of {symbol}", 0, 0),
        dict(parameters["conditions"]),
    )


def _structure(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path, tell: Progress) -> None:
    """Look up or predict layer spacing and bond angle of a formula."""
    from perospin.studies import expected_structure

    tell("models of crystals", 0, 0)
    row = expected_structure([str(parameters["formula"])]).iloc[0]
    write_json(out / "structure.json", plain({str(name): value for name, value in row.items()}))


def _screen(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path, tell: Progress) -> None:
    """Screen a space; the table, what belongs under it, and the page with the molecules."""
    from perospin import navigation
    from perospin.navigation.screening.page import page

    space = navigation.Space.from_dict(parameters["space"])
    found = navigation.screen(
        space,
        objectives=(str(parameters["objective"]),),
        top=int(parameters["top"]),
        rank=str(parameters["rank"]),
        beat=str(parameters["beat"]) or None,
        diverse=bool(parameters["diverse"]),
        progress=tell,
    )
    shown = [found.shown(row) for row in found.table.to_dict("records")]
    names = ("shown", "shown_low", "shown_high")
    table = found.table.assign(**{name: [row[i] for row in shown] for i, name in enumerate(names)})
    write_text(out / "table.json", str(table.to_json(orient="split")))
    write_json(
        out / "screening.json",
        {
            "headline": list(found.headline),
            "level": found.level,
            "told_apart": found.told_apart,
            "notes": [*space.told(), *found.notes()],
        },
    )
    write_text(out / "page.html", page(found))


def _study(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path, tell: Progress) -> None:
    """Run a study and write its report; finished pieces are kept for the next time."""
    from perospin.reports import report

    study = _study_of(parameters, files, out)
    if parameters["parts"]:
        study = study.only(parameters["parts"])
    report(study.run(out, progress=tell), out)


def _fit(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path, tell: Progress) -> None:
    """Fit what predicts; it is kept in the cache of predictors."""
    _study_of(parameters, files, out).predictor(progress=tell)


def _study_of(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path) -> Study:
    """Open a shipped study, or the user's own from its files."""
    from perospin.jobs.study_files import load_own_study
    from perospin.studies import Study

    if not files:
        return Study.load(str(parameters["study"]))
    folder = inner_folder(out.parent, "inputs")
    for name, path in files.items():
        if fault := name_fault(name):
            raise StudyError(f"'{shorten(name, 60)}' is no name of a file here: {fault}")
        write_bytes(folder / name, path.read_bytes())
    return load_own_study(folder)


def _infer(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path, tell: Progress) -> None:
    """Compare the laws on a table of lifetimes."""
    from perospin.mechanisms import infer, read_observations

    (name, path), *_ = files.items()
    # the reader goes by the ending of the name
    named = out / f"table{Path(name).suffix[:8]}"
    write_bytes(named, path.read_bytes())
    observed = read_observations(named)
    given: dict[str, Any] = {"max_mechanisms": int(parameters["most"])}
    if parameters["uncertainty"] is not None:
        given["relative_uncertainty"] = float(parameters["uncertainty"])
    infer(observed, on_model=lambda name, done, in_all: tell(f"fitting {name}", done, in_all), **given).save(out)


TASKS: Mapping[str, Task] = {
    "cations": _cations, "structure": _structure, "screen": _screen, "study": _study, "fit": _fit, "infer": _infer,
}  # fmt: skip
"""Tasks by name."""
