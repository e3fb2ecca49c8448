"""`Study`: one declaration in a TOML file, run to a `StudyResult`, and asked for predictions."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.errors import StudyError, TooFewRowsError
from perospin.progress import progress_line
from perospin.studies.declaration.part import PartSpec
from perospin.studies.declaration.reading import find_study, parse_study, read_study_file
from perospin.studies.provenance import versions

if TYPE_CHECKING:
    from perospin.chemistry import Perovskite
    from perospin.studies.data.dataset import Dataset
    from perospin.studies.predicting.prediction import Prediction
    from perospin.studies.predicting.predictor import Predictor
    from perospin.studies.result import StudyResult


@dataclass(frozen=True)
class Study:
    """A study: data, target, descriptors, estimators, validation and seed, declared in one file.

    Attributes
    ----------
    name, title, description : str
    parts : dict of PartSpec
        Parts by name, in the order of the file.
    default_part : str
        The part that answers `predict`.
    raw : dict
        The file as it was read.
    data : str or None
        The user's own table in place of the declared data.
    base : str or None
        Folder that paths in the file are relative to.
    ions : IonLibrary or None
        Library with the user's own ions; the shipped one if None.
    """

    name: str
    title: str
    description: str
    parts: Mapping[str, PartSpec]
    default_part: str
    raw: Mapping[str, Any]
    data: str | None = None
    base: str | None = None
    ions: Any = None

    def __repr__(self) -> str:
        return f"<Study {self.name}: {self.title}; parts {', '.join(self.parts)}>"

    def _repr_html_(self) -> str:
        from html import escape

        parts = ", ".join(escape(name) for name in self.parts)
        return (
            f"<div><b>{escape(self.title)}</b> (study {escape(self.name)})<br>{escape(self.description)}"
            f"<br>parts: {parts}</div>"
        )

    @classmethod
    def load(cls, name_or_path: str | Path) -> Study:
        """Load a shipped study by name, or a study file by path.

        Raises
        ------
        StudyError
            If there is no such study, or its file is wrong: one sentence says where and what is allowed.
        """
        path = find_study(name_or_path)
        header, parts, raw = read_study_file(path)
        return cls(
            header.name,
            header.title,
            header.description.strip(),
            parts,
            header.default_part or next(reversed(parts)),
            raw,
            base=str(path.parent),
        )

    @classmethod
    def of_result(cls, result: StudyResult) -> Study:
        """Rebuild the study that a result came from, to predict with it."""
        header, parts, raw = parse_study(result.raw, where=f"the study in the result '{result.name}'")
        return cls(
            header.name,
            header.title,
            header.description.strip(),
            {name: part for name, part in parts.items() if name in result.parts} or parts,
            result.default_part,
            raw,
            result.data,
            result.base,
        )

    def with_data(self, path: str | Path) -> Study:
        """Return the same study on the user's own CSV table; subsets that name rows of the declared one are dropped."""
        parts = {
            name: part.model_copy(update={"checks": part.checks.model_copy(update={"subsets": []})})
            for name, part in self.parts.items()
        }
        return replace(self, data=str(path), parts=parts)

    def with_ions(self, ions: Any) -> Study:
        """Return the same study with the user's own ions: a library, or what `IonLibrary.with_ions` takes."""
        from perospin.chemistry import IonLibrary

        return replace(self, ions=IonLibrary.of(ions))

    def only(self, parts: Iterable[str]) -> Study:
        """Return the study with only some of its parts.

        Raises
        ------
        StudyError
            If a part does not exist.
        """
        chosen = {name: self._part(name) for name in parts}
        default = self.default_part if self.default_part in chosen else next(iter(chosen))
        return replace(self, parts=chosen, default_part=default)

    def _part(self, name: str) -> PartSpec:
        if name not in self.parts:
            raise StudyError(f"study '{self.name}' has no part '{name}'; its parts are: {', '.join(self.parts)}")
        return self.parts[name]

    def dataset(self, part: str | None = None, on_compute: Callable[[str], None] | None = None) -> Dataset:
        """Read and describe the rows of a part (the default part if none is named)."""
        from perospin.studies.data.dataset import build_dataset

        base = None if self.base is None else Path(self.base)
        return build_dataset(self._part(part or self.default_part), self.data, base, on_compute, self.ions)

    def check(self) -> None:
        """Build every estimator once, so that a wrong option is found before anything runs.

        Raises
        ------
        StudyError
            If an estimator has an unknown kind or option, or can't use the weights or uncertainties of rows that the
            study declares.
        """
        from perospin.learning.estimators import build_estimator
        from perospin.studies.running.run import misreads, refuses

        for name, part in self.parts.items():
            specs = [(entry.name, part.spec_of(entry.name)) for entry in part.estimators]
            specs += [(member, part.write_out(spec)) for grid in part.grids for member, spec in grid.candidates()]
            for estimator, spec in specs:
                try:
                    built = build_estimator(spec, part.seed)
                except StudyError as error:
                    raise StudyError(f"part '{name}', estimator '{estimator}': {error}") from error
                if found := misreads(built, part.data.categories):
                    raise StudyError(
                        f"part '{name}', estimator '{estimator}': {found[0]} would read the words in '{found[1]}' as "
                        f"numbers; name each word as a column of its own in 'features', such as \"{found[1]}=WORD\""
                    )
                for key, what in (("weight", "sample_weight"), ("y_sd", "y_sd")):
                    if getattr(part.data, key) and (model := refuses(built, what)):
                        raise StudyError(
                            f"part '{name}', estimator '{estimator}': {model} treats all rows alike, so the key "
                            f"'{key}' in [data] would say nothing to it; leave out one of the two"
                        )

    def run(
        self,
        out: str | Path | None = None,
        progress: bool | Callable[[str, int, int], None] = True,
        workers: int = 1,
        scheduler: str | None = None,
    ) -> StudyResult:
        """Run every part.

        Parameters
        ----------
        out : path, optional
            Folder to keep finished pieces in: an interrupted run with the same folder goes on where it stopped.
            The result is saved there too.
        progress : bool or callable
            True shows a progress line; a callable gets ``(what, done, in_all)``.
        workers : int
            Processes at a time. Each runs a part where there are several parts, `out` is given and the data are the
            study's own; else all share the folds of one part. The numbers are the same.
        scheduler : str, optional
            Address or scheduler file of a running Dask cluster, whose workers share the folds. The numbers are the
            same.

        Returns
        -------
        StudyResult

        Raises
        ------
        PerospinError
            If the data or the declaration is wrong: one sentence.
        """
        from perospin.saving import one_run

        self.check()
        if out is not None:
            with one_run(out):
                result = self._run(Path(out), progress, workers, scheduler)
                result.save(out)
                return result
        return self._run(None, progress, workers, scheduler)

    def _run(
        self,
        out: Path | None,
        progress: bool | Callable[[str, int, int], None],
        workers: int,
        scheduler: str | None,
    ) -> StudyResult:
        # matrices here are small: more than one BLAS thread costs time, a lot of it on a busy machine
        from threadpoolctl import threadpool_limits

        from perospin.studies.part import run_part
        from perospin.studies.recording import counted
        from perospin.studies.result import StudyResult
        from perospin.studies.running.beside import fill_cells
        from perospin.studies.running.cells import Cells
        from perospin.studies.running.shared import sharing

        cells = Cells(None if out is None else out / "cells")
        started = datetime.datetime.now(datetime.UTC)
        with progress_line(progress) as tell, threadpool_limits(1):
            # All tables are read first: a wrong cell is reported before anything is computed.
            data: dict[str, Dataset] = {}
            not_modelled: dict[str, str] = {}
            for name, part in self.parts.items():
                try:
                    data[name] = self.dataset(name, _describing(tell))
                except TooFewRowsError as error:
                    not_modelled[part.label or name] = str(error)
            own = self.data is None and self.ions is None
            if out is not None and workers > 1 and len(data) > 1 and own and scheduler is None:
                declared = {"raw": self.raw, "base": self.base}
                fill_cells(declared, list(data), out / "cells", workers, tell)
                workers = 1  # what is left to compute is little
            with sharing(workers, scheduler) as executor:
                parts = counted(
                    {
                        name: run_part(name, self.parts[name], rows, cells, tell, self.name, executor)
                        for name, rows in data.items()
                    }
                )
        finished = datetime.datetime.now(datetime.UTC)
        return StudyResult(
            name=self.name,
            title=self.title,
            description=self.description,
            parts=parts,
            default_part=self.default_part if self.default_part in parts else next(iter(parts), self.default_part),
            provenance={
                "started": started.isoformat(timespec="seconds"),
                "seconds": (finished - started).total_seconds(),
                "versions": versions(),
                "python": platform.python_version(),
                "seeds": {name: part.seed for name, part in self.parts.items()},
                "not_modelled": not_modelled,
                "cells_reused": cells.reused,
                "cells_computed": cells.computed,
            },
            raw=self.raw,
            data=self.data,
            base=self.base,
        )

    def predictor(self, part: str | None = None, progress: bool | Callable[[str, int, int], None] = False) -> Predictor:
        """Fit the part's prediction model and all models its intervals need, once, for many predictions.

        A fitted predictor is kept, in this process and in the user's cache, under all that decides its numbers.
        """
        from threadpoolctl import threadpool_limits

        from perospin.studies.predicting.kept import kept_predictor
        from perospin.studies.predicting.predictor import Predictor

        name = part or self.default_part
        spec = self._part(name)
        with progress_line(progress) as tell, threadpool_limits(1):
            read = cache(lambda: self.dataset(name, _describing(tell)))
            count = None if tell is None else partial(tell, f"fitting '{self.name}' ({name}) for predictions")

            def fit() -> Predictor:
                return Predictor.fit(self.name, name, spec, read(), count)

            if self.data is not None or self.ions is not None:
                return fit()
            return kept_predictor(self.name, name, spec, lambda: read().sha256, fit)

    def kept_predictor(self, part: str | None = None) -> Predictor | None:
        """Return the part's predictor if it was fitted before and is kept; None where it would have to be fitted."""
        from perospin.studies.predicting.kept import kept_predictor

        name = part or self.default_part
        if self.data is not None or self.ions is not None:
            return None
        return kept_predictor(self.name, name, self._part(name), lambda: self.dataset(name).sha256, None)

    def save_model(self, path: str | Path, part: str | None = None) -> Path:
        """Fit the part's prediction model and write it to one file that is safe to open; `load_model` reads it."""
        return self.predictor(part).save(path)

    @staticmethod
    def load_model(path: str | Path) -> Predictor:
        """Open a model file; nothing in it is executed (see `perospin.studies.files.model_file`)."""
        from perospin.studies.predicting.predictor import load_model

        return load_model(path)

    def check_describes(self, part: str | None = None) -> None:
        """Refuse to predict formulas where a new material can't be described, before anything is fitted."""
        from perospin.studies.predicting.predictor import check_describes

        name = part or self.default_part
        if self._part(name).answers is not None:
            check_describes(self.name, name, self._part(name))

    def predict(self, formula: str | Perovskite, part: str | None = None, **conditions: Any) -> Prediction:
        """Predict one material at the conditions given; for many, make one `predictor` and reuse it."""
        self.check_describes(part)
        return self.predictor(part).predict(formula, self.ions, conditions=conditions)

    def predict_rows(self, path: str | Path, part: str | None = None) -> tuple[Prediction, ...]:
        """Predict the rows of a CSV file that has the columns of the study's table (see `Predictor.predict_rows`)."""
        return self.predictor(part).predict_rows(path, self.ions)


def _describing(tell: Callable[[str, int, int], None] | None) -> Callable[[str], None] | None:
    if tell is None:
        return None
    return lambda symbol: tell(f"quantum chemistry of {symbol} (kept for later runs)", 0, 1)
