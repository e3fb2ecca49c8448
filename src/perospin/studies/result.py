"""What a study found: frozen results that save themselves as JSON and CSV, load again, and know their schemes.

A folder written by `StudyResult.save` holds ``result.json`` (declaration, provenance, small results, checksums) and,
for each part, plain CSV tables. Nothing in it is ever executed when it is read; what was damaged or edited is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.digits import counted, r2_text
from perospin.studies.caution import Caution

if TYPE_CHECKING:
    import pandas as pd

    from perospin.learning.explanation.shapley import ShapleyTable
    from perospin.studies.declaration.part import PartSpec


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
        The data (see `perospin.studies.data.dataset.Dataset`).
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
        Scores with other seeds: ``estimator``, ``scheme``, ``seed``, ``r2``, ``r2_original``, ``typical_factor``.
    subsets : pandas.DataFrame
        Scores with and without rows that the study names (see `perospin.studies.evidence.subsets`).
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
        Which way each column pushes, and whether that is sure (see `perospin.learning.explanation.directions`).
    curves, single_curves : pandas.DataFrame
        Partial dependence of each column with its standard error, and the single curves of held-out rows.
    coverage, nested_intervals : pandas.DataFrame
        How many held-out rows intervals cover at each level, and the intervals (`perospin.learning.intervals`).
    by_quantity : pandas.DataFrame
        Where one table holds several quantities: ``estimator``, ``scheme``, ``quantity``, ``n_scored``,
        ``n_materials``, ``rmse`` (target space), ``typical_factor`` of each.
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
    subsets: pd.DataFrame = field(default_factory=_no_table)
    by_quantity: pd.DataFrame = field(default_factory=_no_table)
    cautions: tuple[Caution, ...] = ()
    noise: Mapping[str, Any] = field(default_factory=dict)
    shapley: Mapping[str, ShapleyTable] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def score(self, estimator: str, scheme: str) -> Mapping[str, Any] | None:
        """Scores of one estimator under one scheme; None if that pair was not run."""
        found = self.scores[(self.scores["estimator"] == estimator) & (self.scores["scheme"] == scheme)]
        return None if found.empty else {str(k): v for k, v in found.iloc[0].to_dict().items()}

    def told_score(self, estimator: str, scheme: str) -> Mapping[str, Any] | None:
        """Scores as they are told: where several seeds were run, their middle, with ``n_seeds`` and their ends.

        ``r2``, ``r2_original`` and ``typical_factor`` are then middles, ``r2_low`` and ``r2_high`` the least and
        largest R2; all other values are those of the study's own seed.
        """
        score = self.score(estimator, scheme)
        spread = self.seed_spread(estimator, scheme)
        if score is None or spread is None:
            return score
        count, low, middle, high = spread
        told = {**score, "r2": middle, "r2_low": low, "r2_high": high, "n_seeds": count}
        for column in ("r2_original", "typical_factor"):
            other = self.seed_spread(estimator, scheme, column)
            if other is not None:
                told[column] = other[2]
        return told

    def seed_spread(self, estimator: str, scheme: str, column: str = "r2") -> tuple[int, float, float, float] | None:
        """Count the seeds; give least, middle and largest value of a score over them; None where one seed was run."""
        if self.seeds.empty or column not in self.seeds:  # results of perospin 0.1 have R2 alone
            return None
        found = self.seeds[(self.seeds["estimator"] == estimator) & (self.seeds["scheme"] == scheme)][column]
        if len(found) < 2 or found.isna().any():
            return None
        return len(found), float(found.min()), float(found.median()), float(found.max())

    def without(self, subset: str, estimator: str, scheme: str) -> Mapping[str, Any] | None:
        """Scores of one estimator with and without the rows of a subset; None if there are none."""
        if self.subsets.empty:
            return None
        same = (self.subsets[["subset", "scheme", "estimator"]] == [subset, scheme, estimator]).all(axis=1)
        found = self.subsets[same]
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
        """Each published claim beside what the models of this part say about it (see `claim_table`)."""
        from perospin.studies.evidence.claims import Found, claim_table

        scheme = self.spec.verdict.scheme
        names = self.spec.estimator_names()
        told = {name: score for name in names if (score := self.score(name, scheme)) is not None}
        found = Found(self.directions_found, self.importance, self.pairs, told, scheme, self.spec.explain)
        return claim_table(self.spec.claims, found)

    def _rows_html(self) -> str:
        """Baseline and model of the verdict, a row each: no R2 without its scheme."""
        from html import escape

        verdict, rows = self.spec.verdict, []
        for name in dict.fromkeys([self.spec.baseline, verdict.estimator]):
            score = self.told_score(name, verdict.scheme)
            told = "not run" if score is None else r2_text(score["r2"])
            cells = (self.name, str(len(self.rows)), self.spec.title_of(name), self.scheme_label(verdict.scheme), told)
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
        return "".join(rows)

    def __str__(self) -> str:
        verdict = self.spec.verdict
        lines = [f"{self.name}: {counted(len(self.rows), 'row')}"]
        for name in dict.fromkeys([self.spec.baseline, verdict.estimator]):
            score = self.told_score(name, verdict.scheme)
            if score:
                lines.append(
                    f"  {self.spec.title_of(name)}: R2 ({self.scheme_label(verdict.scheme)}) {score['r2']:.2f}"
                )
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
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

    def __repr__(self) -> str:
        return f"<StudyResult {self.name}: {self.title}; parts {', '.join(self.parts)}>"

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(part._rows_html() for part in self.parts.values())
        return (
            f"<div><b>{escape(self.title)}</b> (study {escape(self.name)})<table><thead><tr><th>part</th><th>rows</th>"
            f"<th>model</th><th>scheme</th><th>R²</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )

    def save(self, folder: str | Path) -> Path:
        """Write the result to a folder (created if needed) and return the folder."""
        from perospin.studies.files.result_folder import write_result

        return write_result(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> StudyResult:
        """Read a folder written by `save`.

        Raises
        ------
        StudyError
            If the folder holds no result, one of a newer format, or one that was damaged or edited.
        """
        from perospin.studies.files.result_folder import read_result

        with_parts = read_result(Path(folder))
        return cls(**{**with_parts, "parts": {name: PartResult(**part) for name, part in with_parts["parts"].items()}})
