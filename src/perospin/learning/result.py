"""What a study found: frozen results that save themselves as JSON and CSV, load again, and know their schemes.

A folder written by `StudyResult.save` holds ``result.json`` (declaration, provenance, small results, checksums) and,
for each part, plain CSV tables. Nothing in it is ever executed when it is read; what was damaged or edited is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import PerospinError, RefusedFileError, StudyError
from perospin.learning.cautions import Caution

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.declaration import PartSpec
    from perospin.learning.explain import ShapleyTable

FORMAT = 2
"""Version of the result folder; every version up to this one is read. Version 1 had no checksums."""

LARGEST_BYTES = 2**28
"""A file of a result that is larger is not read."""

IN_SAMPLE = "in-sample"
"""Key of the explanation of the final fit on its own training rows."""

TABLES = ("rows", "features", "scores", "predictions", "gains", "permutations", "sanity", "learning_curve", "grid")
LATER_TABLES = (
    "pairs",
    "scrambles",
    "curve_fits",
    "seeds",
    "leaks",
    "formulas",
    "importance",
    "directions_found",
    "curves",
    "single_curves",
    "coverage",
    "nested_intervals",
)
"""Tables that results of perospin 0.1 don't have; they read as empty."""


def _no_table() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True)
class PartResult:
    """All that one part of a study found.

    Attributes
    ----------
    name : str
    spec : PartSpec
        The declaration that was run.
    rows, features : pandas.DataFrame
        The data (see `perospin.learning.dataset.Dataset`).
    scores : pandas.DataFrame
        One row an estimator and scheme: ``estimator``, ``scheme``, ``in_sample``, ``n_scored``, R2, MSE and MAE in
        target space and, with suffix ``_original``, in the original unit; ``typical_factor``; for repeated splits the
        5, 50 and 95 % points of the R2 of single splits; ``seconds``.
    predictions : pandas.DataFrame
        One row a prediction: ``estimator``, ``scheme``, ``row`` (label), ``fold``, ``y_true``, ``y_pred``,
        ``y_reference`` (target space).
    gains : pandas.DataFrame
        Paired bootstrap of the gain in R2 over the baseline: ``estimator``, ``scheme``, ``gain``, ``low``, ``high``.
    permutations : pandas.DataFrame
        Permutation tests: what was permuted, the observed R2, the middle and the 95 % point under permutation, p.
    sanity : pandas.DataFrame
        Sanity tests: ``test``, ``text``, ``scheme``, ``r2``, ``low``, ``high``, ``passed``.
    learning_curve : pandas.DataFrame
        ``estimator``, ``n_train``, ``r2``, its interval ``low`` to ``high``, ``typical_factor`` (pooled over repeats).
    grid : pandas.DataFrame
        Every member of every grid: its in-sample and out-of-fold R2, and whether it was chosen.
    pairs : pandas.DataFrame
        Every pair of estimators under the scheme of the verdict and under repeated schemes: ``better``, ``worse``,
        ``gain``, ``low``, ``high``, ``p``, ``p_holm``, ``method``.
    scrambles : pandas.DataFrame
        R2 with the target as it is (``shuffle`` 0) and shuffled, and the p-value.
    curve_fits : pandas.DataFrame
        Where each learning curve leads: ``status``, ``text``, ``plateau`` with its interval.
    seeds : pandas.DataFrame
        R2 with other seeds: ``estimator``, ``scheme``, ``seed``, ``r2``.
    leaks : pandas.DataFrame
        Schemes that would part rows of one material: ``kept_together`` or not, how many predictions, and R2 without
        them.
    formulas : pandas.DataFrame
        Formulas of the estimators that end in one, from size to error on all rows: ``text``, ``latex``, ``constants``
        with intervals, ``units``, ``rmse_in_sample``, ``chosen``.
    importance : pandas.DataFrame
        Drop in R2 of the explained estimator on held-out rows without each player: ``column``, ``drop``, ``low``,
        ``high``.
    directions_found : pandas.DataFrame
        Which way each column pushes, and whether that is sure (see `perospin.learning.directions`).
    curves, single_curves : pandas.DataFrame
        Partial dependence of each column with its standard error, and the single curves of held-out rows.
    coverage, nested_intervals : pandas.DataFrame
        How many held-out rows intervals cover at each level, and the intervals (see `perospin.learning.coverage`).
    cautions : tuple of Caution
        What to know about the table before the result is believed.
    noise : dict
        Noise floor from duplicate materials; empty if there are none.
    shapley : dict of ShapleyTable
        Exact Shapley values of the declared estimator by scheme name: in sample, and out of fold.
    provenance : dict
        Source, fingerprint of the data, seconds by step.
    """

    name: str
    spec: PartSpec
    rows: pd.DataFrame
    features: pd.DataFrame
    scores: pd.DataFrame
    predictions: pd.DataFrame
    gains: pd.DataFrame
    permutations: pd.DataFrame
    sanity: pd.DataFrame
    learning_curve: pd.DataFrame
    grid: pd.DataFrame
    pairs: pd.DataFrame = field(default_factory=_no_table)
    scrambles: pd.DataFrame = field(default_factory=_no_table)
    curve_fits: pd.DataFrame = field(default_factory=_no_table)
    seeds: pd.DataFrame = field(default_factory=_no_table)
    leaks: pd.DataFrame = field(default_factory=_no_table)
    formulas: pd.DataFrame = field(default_factory=_no_table)
    importance: pd.DataFrame = field(default_factory=_no_table)
    directions_found: pd.DataFrame = field(default_factory=_no_table)
    curves: pd.DataFrame = field(default_factory=_no_table)
    single_curves: pd.DataFrame = field(default_factory=_no_table)
    coverage: pd.DataFrame = field(default_factory=_no_table)
    nested_intervals: pd.DataFrame = field(default_factory=_no_table)
    cautions: tuple[Caution, ...] = ()
    noise: Mapping[str, Any] = field(default_factory=dict)
    shapley: Mapping[str, ShapleyTable] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def score(self, estimator: str, scheme: str) -> Mapping[str, Any] | None:
        """Scores of one estimator under one scheme; None if that pair was not run."""
        found = self.scores[(self.scores["estimator"] == estimator) & (self.scores["scheme"] == scheme)]
        return None if found.empty else {str(k): v for k, v in found.iloc[0].to_dict().items()}

    def gain(self, estimator: str, scheme: str) -> Mapping[str, Any] | None:
        """Gain over the baseline with its interval; None if that pair was not compared."""
        if self.gains.empty:
            return None
        found = self.gains[(self.gains["estimator"] == estimator) & (self.gains["scheme"] == scheme)]
        return None if found.empty else {str(k): v for k, v in found.iloc[0].to_dict().items()}

    def predicted(self, estimator: str, scheme: str) -> pd.DataFrame:
        """Predictions of one estimator under one scheme, joined with the name of each material."""
        chosen = self.predictions[(self.predictions["estimator"] == estimator) & (self.predictions["scheme"] == scheme)]
        columns = ["row", "name", "certain", "described_as"]
        return chosen.merge(self.rows[columns], on="row", how="left").reset_index(drop=True)

    def scheme_label(self, scheme: str) -> str:
        """Name of a scheme in words."""
        found = self.scores[self.scores["scheme"] == scheme]
        return scheme if found.empty else str(found["scheme_label"].iloc[0])

    def directions(self) -> pd.DataFrame:
        """Each claimed direction beside what the explained models say about it (see `claim_table`)."""
        from perospin.learning.directions import claim_table

        return claim_table(self.spec.claims, self.directions_found)

    def __str__(self) -> str:
        verdict = self.spec.verdict
        lines = [f"{self.name}: {len(self.rows)} rows"]
        for name in dict.fromkeys([self.spec.baseline, verdict.estimator]):
            score = self.score(name, verdict.scheme)
            if score:
                lines.append(
                    f"  {self.spec.title_of(name)}: R2 ({self.scheme_label(verdict.scheme)}) {score['r2']:.2f}"
                )
        return "\n".join(lines)


@dataclass(frozen=True)
class StudyResult:
    """The result of `Study.run`: one `PartResult` for each part, and where it came from.

    Attributes
    ----------
    name, title, description : str
    parts : dict of PartResult
    default_part : str
        The part that answers `predict`.
    provenance : dict
        Versions, seed, time, machine-independent fingerprints.
    raw : dict
        The study file as it was read.
    data : str or None
        The user's own table, if one was given in place of the declared data.
    base : str or None
        Folder that paths in the study file are relative to.
    """

    name: str
    title: str
    description: str
    parts: Mapping[str, PartResult]
    default_part: str
    provenance: Mapping[str, Any]
    raw: Mapping[str, Any]
    data: str | None = None
    base: str | None = None

    def __getitem__(self, part: str) -> PartResult:
        return self.parts[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __str__(self) -> str:
        return f"Study '{self.name}'\n" + "\n".join(str(part) for part in self.parts.values())

    def save(self, folder: str | Path) -> Path:
        """Write the result to a folder (created if needed) and return the folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        parts = {}
        sums: dict[str, str] = {}
        for name, part in self.parts.items():
            where = _table_folder(folder, name)
            where.mkdir(parents=True, exist_ok=True)
            for table in (*TABLES, *LATER_TABLES):
                write_csv(getattr(part, table), where / f"{table}.csv")
                sums[f"{name}/{table}.csv"] = _sha256(where / f"{table}.csv")
            for scheme, explained in part.shapley.items():
                write_csv(shapley_frame(explained, part), where / f"shapley_{scheme}.csv")
            parts[name] = {
                "spec": part.spec.model_dump(mode="json", exclude_unset=True),
                "noise": part.noise,
                "cautions": [caution.to_dict() for caution in part.cautions],
                "shapley": {scheme: table.to_dict() for scheme, table in part.shapley.items()},
                "provenance": part.provenance,
                "scores": part.scores.to_dict("records"),
            }
        content = {
            "format": FORMAT,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "default_part": self.default_part,
            "data": self.data,
            "base": self.base,
            "provenance": self.provenance,
            "study": self.raw,
            "parts": parts,
            "tables_sha256": sums,
        }
        ready = plain(content)
        ready["sha256"] = _digest(ready)
        write_text(folder / "result.json", json.dumps(ready, indent=1, allow_nan=False) + "\n")
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> StudyResult:
        """Read a folder written by `save`.

        Raises
        ------
        StudyError
            If the folder holds no result, one of a newer format, or one that was damaged or edited.
        """
        content = _read_content(Path(folder))
        try:
            return cls._build(content, Path(folder))
        except PerospinError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            # pydantic's and the parsers' own errors are ValueErrors
            raise RefusedFileError(f"'{folder}' does not hold a whole result, so it is not opened") from error

    @classmethod
    def _build(cls, content: Mapping[str, Any], folder: Path) -> StudyResult:
        """Put a result together from its checked content and its tables."""
        import pandas as pd

        from perospin.learning.declaration import PartSpec
        from perospin.learning.explain import ShapleyTable

        columns = ("row", "name", "formula", "described_as", "source", "tag", "rows", "alike", "why")
        text = dict.fromkeys(columns, str)
        parts = {}
        for name, part in content["parts"].items():
            where = _table_folder(folder, name)
            tables: dict[str, Any] = {}
            for table in (*TABLES, *LATER_TABLES):
                _check_table(where / f"{table}.csv", content, f"{name}/{table}.csv")
                missing = table in LATER_TABLES and not (where / f"{table}.csv").is_file()
                header = [] if missing else _header(where / f"{table}.csv")
                if not header:
                    tables[table] = pd.DataFrame()
                    continue
                kinds = {c: str for c in header if c in text or c.startswith("group:")}
                tables[table] = pd.read_csv(
                    where / f"{table}.csv",
                    dtype=kinds,
                    keep_default_na=False,
                    na_values={c: [""] for c in header if c not in kinds},
                )
            parts[name] = PartResult(
                name=name,
                spec=PartSpec.model_validate(part["spec"]),
                cautions=tuple(Caution.from_dict(values) for values in part.get("cautions", ())),
                noise=part["noise"],
                shapley={scheme: ShapleyTable.from_dict(table) for scheme, table in part["shapley"].items()},
                provenance=part["provenance"],
                **tables,
            )
        return cls(
            name=content["name"],
            title=content["title"],
            description=content["description"],
            parts=parts,
            default_part=content["default_part"],
            provenance=content["provenance"],
            raw=content["study"],
            data=content["data"],
            base=content["base"],
        )

    def report(self, folder: str | Path) -> Path:
        """Write figures, tables and one self-contained ``report.html`` to a folder; return the page's path."""
        from perospin.learning.report import write_report

        return write_report(self, Path(folder))

    def model_card(self) -> str:
        """One page of Markdown: what the model predicts, how well by which scheme, from what, and its limits."""
        from perospin.learning.report.card import model_card

        return model_card(self)

    def citation(self) -> str:
        """BibTeX of exactly the methods and data that this result used, each entry with what it was used for."""
        from perospin.learning.citing import citation

        return citation(self)

    def predict(self, formula: str, **options: Any) -> Any:
        """Predict one material with the study's default part (see `perospin.learning.prediction.Predictor`)."""
        from perospin.learning.study import Study

        return Study.of_result(self).predict(formula, **options)


def shapley_frame(table: ShapleyTable, part: PartResult) -> pd.DataFrame:
    """One row an explained prediction: label, name, base, prediction, one column a feature (target space)."""
    frame = table.to_frame()
    rows = frame["row"].to_numpy()
    frame["row"] = part.rows["row"].to_numpy()[rows]
    frame.insert(1, "name", part.rows["name"].to_numpy()[rows])
    return frame


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table atomically; floats in full so that reading gives the same numbers."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n") if len(frame.columns) else "")


def write_text(path: Path, text: str) -> None:
    """Write a file so that an interruption leaves the old one or the new one, never half of it."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def plain(value: Any) -> Any:
    """Turn numpy scalars and arrays, tuples and NaN into what JSON knows (NaN and infinity become null)."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# --- reading with care --------------------------------------------------------------------------------------


def _read_content(folder: Path) -> dict[str, Any]:
    """Read ``result.json`` after checking its size, its format and, from format 2 on, its checksum."""
    from perospin.learning.archive import read_json

    path = folder / "result.json"
    if not path.is_file():
        raise StudyError(f"'{folder}' holds no result (no result.json); run `perospin study run` with --out first")
    _check_size(path)
    content = read_json(path.read_bytes(), f"'{path}'")
    version = content.get("format") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise RefusedFileError(f"'{path}' is not a result: it has no format number")
    if version > FORMAT:
        raise RefusedFileError(
            f"'{path}' has format {version}, written by a newer perospin; this one reads formats 1 to {FORMAT}: update "
            "perospin, or run the study again"
        )
    if version > 1 and content.pop("sha256", None) != _digest(content):
        raise RefusedFileError(
            f"'{path}' was damaged or changed after it was saved (checksum); get a fresh copy or run the study again"
        )
    wanted = ("name", "title", "description", "parts", "default_part", "provenance", "study", "data", "base")
    missing = next((key for key in wanted if key not in content), None)
    if missing is not None or not isinstance(content["parts"], dict):
        raise RefusedFileError(f"'{path}' is not a whole result ('{missing or 'parts'}'); run the study again")
    return dict(content)


def _table_folder(folder: Path, part: str) -> Path:
    """Folder of a part's tables, after checking that its name leads nowhere else."""
    if part in ("", ".", "..") or any(sign in part for sign in ("/", "\\", ":", "\0")):
        raise RefusedFileError(f"a part called {part!r} can't be a folder: its name must hold none of / \\ :")
    return folder / "tables" / part


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise RefusedFileError(
            f"'{path}' has {size / 2**20:.0f} MiB, more than any result ({LARGEST_BYTES / 2**20:.0f}); it is not opened"
        )


def _check_table(path: Path, content: Mapping[str, Any], name: str) -> None:
    """Check a table's size and, from format 2 on, its checksum."""
    there = path.is_file()
    if there:
        _check_size(path)
    sums = content.get("tables_sha256")
    if content["format"] == 1 or not isinstance(sums, dict):
        return
    if there and _sha256(path) != sums.get(name):
        raise RefusedFileError(
            f"'{path}' was damaged or changed after it was saved (checksum); get a fresh copy or run the study again"
        )
    if not there and name in sums:
        raise RefusedFileError(f"the result is incomplete: '{path}' is missing; run the study again")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(content: Mapping[str, Any]) -> str:
    """Checksum of a result's content, whatever the layout of its text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _header(path: Path) -> list[str]:
    if not path.is_file():
        raise StudyError(f"the result is incomplete: '{path}' is missing; run the study again")
    with path.open(encoding="utf-8") as file:
        first = file.readline().rstrip("\n")
    return [cell.strip('"') for cell in first.split(",")] if first else []
