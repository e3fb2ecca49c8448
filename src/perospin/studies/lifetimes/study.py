"""How well lifetimes are predicted at their conditions: whole materials or whole sources held out, beside baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import StudyError
from perospin.learning.evidence.bootstrap import paired_bootstrap
from perospin.learning.intervals.intervals import conformal_weights, jackknife_plus
from perospin.learning.validation.evaluation import Evaluation
from perospin.learning.validation.schemes import Scheme, leave_one_group_out
from perospin.studies.lifetimes.model import CONDITIONS, EFFECTS, MATERIAL, ConditionModel
from perospin.studies.lifetimes.table import QUANTITIES, Conditioned, lifetime_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODELS", "SCHEMES", "CalibratedModel", "ConditionsResult", "run_conditions"]

FloatArray = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

BASELINE = "mean of each quantity"
MODELS: Mapping[str, tuple[str, ...] | None] = {
    BASELINE: None,
    "conditions alone": (*CONDITIONS, "source"),
    "material alone": ("quantity", *MATERIAL, "source"),
    "material and conditions": tuple(EFFECTS),
}
"""Models that are compared, by the effects they have; none were chosen by their score."""
CHOSEN = "material and conditions"
SCHEMES: Mapping[str, str] = {"leave one material out": "formula", "leave one source out": "source"}


class _MeanOfQuantity:
    """Mean of the stated log10 values of each quantity; of all of them for a quantity without any."""

    def fit(self, rows: Conditioned) -> _MeanOfQuantity:
        y, quantity = rows.y[rows.stated], rows.quantity[rows.stated]
        self._all = (float(y.mean()), float(y.std()) or 1.0)
        self._by = {q: (float(v.mean()), float(v.std()) or 1.0) for q in QUANTITIES if len(v := y[quantity == q])}
        return self

    def predict(self, rows: Conditioned) -> tuple[FloatArray, FloatArray]:
        found = np.array([self._by.get(str(q), self._all) for q in rows.quantity])
        return found[:, 0], found[:, 1]


def _make(name: str) -> Any:
    effects = MODELS[name]
    return _MeanOfQuantity() if effects is None else ConditionModel(effects)


# -- intervals -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class CalibratedModel:
    """The model on all rows, and one for each material left out, from whose errors intervals are made.

    CV+ over materials (`perospin.learning.intervals`): every material carries the same weight, residuals are normalised
    by the model's own standard deviation. Limits have no residual; they are only trained on.

    Attributes
    ----------
    rows : Conditioned
    model : ConditionModel
        Fitted on all rows.
    folds : tuple of ConditionModel
        Each without the rows of one material that has a stated value.
    held : tuple of ndarray of int
        Stated rows of that material.
    residuals, scales : ndarray, shape (n_stated,)
        Held-out error of each stated row in decades, in the order of `held`, and the model's deviation there.
    """

    rows: Conditioned
    model: ConditionModel
    folds: tuple[ConditionModel, ...]
    held: tuple[NDArray[np.int64], ...]
    residuals: FloatArray
    scales: FloatArray

    @classmethod
    def fit(cls, rows: Conditioned, progress: Progress | None = None, name: str = CHOSEN) -> CalibratedModel:
        """Fit the model on all rows and on all but each material."""
        stated = rows.stated
        materials = list(dict.fromkeys(rows.formula[stated].tolist()))
        folds, held, residuals, scales = [], [], [], []
        for done, material in enumerate(materials):
            if progress is not None:
                progress("fitting lifetimes without each material", done, len(materials))
            test = stated[rows.formula[stated] == material]
            fold = _make(name).fit(rows.take(np.flatnonzero(rows.formula != material)))
            mean, sd = fold.predict(rows.take(test))
            folds.append(fold)
            held.append(test)
            residuals.append(rows.y[test] - mean)
            scales.append(sd)
        return cls(
            rows, _make(name).fit(rows), tuple(folds), tuple(held), np.concatenate(residuals), np.concatenate(scales)
        )

    def predict(self, rows: Conditioned, level: float = 0.9) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean and ends of the interval of log10 of the lifetime in ps, shape (n_rows,) each."""
        mean, _ = self.model.predict(rows)
        counts = [len(rows_held) for rows_held in self.held]
        ends = [fold.predict(rows) for fold in self.folds]
        centres = np.repeat([centre for centre, _ in ends], counts, axis=0)
        scales = np.repeat([sd for _, sd in ends], counts, axis=0)
        weights = conformal_weights(len(self.residuals), np.repeat(np.arange(len(counts)), counts))
        low, high = jackknife_plus(centres, np.abs(self.residuals) / self.scales, level, scales, weights)
        return mean, np.asarray(low), np.asarray(high)

    def typical_factor(self, quantity: str) -> tuple[float, int]:
        """Half of the held-out values of a quantity are closer than this factor; and how many values there are."""
        mine = self.rows.quantity[np.concatenate(self.held)] == quantity
        errors = np.abs(self.residuals[mine])
        return (float(10.0 ** np.median(errors)) if len(errors) else float("nan")), len(errors)


# -- the study -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ConditionsResult:
    """What the study found.

    Attributes
    ----------
    rows : Conditioned
    scores : DataFrame
        ``model``, ``scheme``, ``quantity`` ("all" or one), ``n_scored``, ``n_materials``, ``r2`` (of log10, only for
        all), ``rmse`` (decades), ``typical_factor``.
    gains : DataFrame
        Gain in R2 of the chosen model over each other, with its 95 % interval (materials resampled).
    predictions : DataFrame
        One row a held-out value.
    effects : dict of str to float
        Standard deviation of each effect in the model of all rows, in decades.
    coverage : DataFrame
        Nominal level against what intervals cover, by an outer loop over materials; empty if it was not measured.
    """

    rows: Conditioned
    scores: pd.DataFrame
    gains: pd.DataFrame
    predictions: pd.DataFrame
    effects: Mapping[str, float]
    coverage: pd.DataFrame = field(default_factory=lambda: _frame([]))

    def score(self, model: str, scheme: str, quantity: str = "all") -> Mapping[str, Any]:
        """Scores of one model under one scheme.

        Raises
        ------
        StudyError
            If there is no such pair.
        """
        table = self.scores
        found = table[(table["model"] == model) & (table["scheme"] == scheme) & (table["quantity"] == quantity)]
        if found.empty:
            raise StudyError(f"no score of '{model}' under '{scheme}' for '{quantity}'")
        return {str(key): value for key, value in found.iloc[0].to_dict().items()}


def run_conditions(
    rows: Conditioned | None = None, *, levels: tuple[float, ...] = (), progress: Progress | None = None
) -> ConditionsResult:
    """Score every model of `MODELS` under every scheme of `SCHEMES`.

    Parameters
    ----------
    rows : Conditioned, optional
        All records if None.
    levels : tuple of float
        Nominal levels at which the coverage of intervals is measured by an outer loop over materials (minutes).
    progress : callable, optional
        Called as ``progress(what, done, in_all)``.
    """
    rows = lifetime_table() if rows is None else rows
    stated = rows.stated
    part = rows.take(stated)
    schemes = {
        label: leave_one_group_out(getattr(part, column), name=label.replace(" ", "_"), label=label)
        for label, column in SCHEMES.items()
    }
    evaluations: dict[tuple[str, str], Evaluation] = {}
    records: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for number, ((label, scheme), model) in enumerate((s, m) for s in schemes.items() for m in MODELS):
        if progress is not None:
            progress(f"{model} · {label}", number, len(schemes) * len(MODELS))
        mean, sd = _held_out(model, rows, getattr(rows, SCHEMES[label]), scheme)
        evaluations[model, label] = _evaluation(model, scheme, part.y, mean)
        records += _score_rows(model, label, part, mean, evaluations[model, label])
        held += [
            {
                "model": model,
                "scheme": label,
                "record_id": part.record_id[i],
                "formula": part.formula[i],
                "quantity": part.quantity[i],
                "value_ps": part.value_ps[i],
                "predicted_ps": 10.0 ** mean[i],
                "sd_decades": sd[i],
            }
            for i in range(len(part))
        ]
    gains = [
        {"scheme": label, "over": model, "gain": found.gain, "low": found.low, "high": found.high}
        for label in SCHEMES
        for model in MODELS
        if model != CHOSEN
        for found in [paired_bootstrap(evaluations[CHOSEN, label], evaluations[model, label], part.formula)]
    ]
    effects = ConditionModel().fit(rows).sd_
    coverage = _coverage(rows, levels, progress)
    _log(rows, records)
    return ConditionsResult(rows, _frame(records), _frame(gains), _frame(held), effects, _frame(coverage))


def _log(rows: Conditioned, records: list[dict[str, Any]]) -> None:
    """Write what was scored to the log of variants, once each, as every study does (`perospin study log`)."""
    import datetime
    from importlib import metadata

    from perospin.studies.running.cells import digest, fingerprint
    from perospin.studies.running.variants import VariantLog

    table = digest(rows.value_ps[rows.stated])
    common = {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "version": metadata.version("perospin"),
        "study": "conditions",
        "part": "conditions",
        "table": table,
        "data": digest(rows.value_ps, rows.features, rows.log_temperature),
        "n_rows": len(rows),
        "target": "spin lifetimes",
    }
    log = VariantLog()
    known = {(entry.get("settings"), entry.get("scheme"), entry.get("r2")) for entry in log.read(table)}
    variants = [
        {
            **common,
            "what": "variant",
            "estimator": row["model"],
            "settings": fingerprint([row["model"], [[name, EFFECTS[name]] for name in MODELS[row["model"]] or ()]]),
            "scheme": row["scheme"],
            "scheme_sha256": fingerprint(row["scheme"]),
            "in_sample": False,
            "r2": round(row["r2"], 6),
        }
        for row in records
        if row["quantity"] == "all"
    ]
    new = [v for v in variants if (v["settings"], v["scheme"], v["r2"]) not in known]
    log.append([*new, {**common, "what": "run", "n_settings": len(MODELS)}])


def _held_out(model: str, rows: Conditioned, groups: NDArray[Any], scheme: Scheme) -> tuple[FloatArray, FloatArray]:
    """Predict every stated row by a model that saw no row, limit or value, of its group; mean and deviation."""
    stated = rows.stated
    mean, sd = np.empty(len(stated)), np.empty(len(stated))
    for split in scheme.splits:
        test = stated[split.test]
        fold = _make(model).fit(rows.take(np.flatnonzero(groups != groups[test[0]])))
        mean[split.test], sd[split.test] = fold.predict(rows.take(test))
    return mean, sd


def _evaluation(model: str, scheme: Scheme, y: FloatArray, mean: FloatArray) -> Evaluation:
    order = np.concatenate([split.test for split in scheme.splits])
    return Evaluation.from_dict(
        {"estimator_name": model, "scheme": scheme.to_dict(), "y": y.tolist(), "y_pred": mean[order].tolist()}
    )


def _score_rows(
    model: str, label: str, part: Conditioned, mean: FloatArray, evaluation: Evaluation
) -> list[dict[str, Any]]:
    error = np.abs(part.y - mean)
    found = []
    for quantity in ("all", *QUANTITIES):
        mine = np.ones(len(part), dtype=bool) if quantity == "all" else part.quantity == quantity
        if not mine.any():
            continue
        found.append(
            {
                "model": model,
                "scheme": label,
                "quantity": quantity,
                "n_scored": int(mine.sum()),
                "n_materials": len(set(part.formula[mine].tolist())),
                "r2": evaluation.scores().r2 if quantity == "all" else float("nan"),
                "rmse": float(np.sqrt(np.mean(error[mine] ** 2))),
                "typical_factor": float(10.0 ** np.median(error[mine])),
            }
        )
    return found


def _coverage(rows: Conditioned, levels: tuple[float, ...], progress: Progress | None) -> list[dict[str, Any]]:
    """Share of stated values that intervals hold when everything was made without their material."""
    if not levels:
        return []
    stated = rows.stated
    materials = list(dict.fromkeys(rows.formula[stated].tolist()))
    inside = np.zeros((len(levels), len(rows)), dtype=bool)
    widths = np.zeros((len(levels), len(rows)))
    for done, material in enumerate(materials):
        if progress is not None:
            progress("coverage of intervals", done, len(materials))
        test = stated[rows.formula[stated] == material]
        calibrated = CalibratedModel.fit(rows.take(np.flatnonzero(rows.formula != material)))
        for k, level in enumerate(levels):
            _, low, high = calibrated.predict(rows.take(test), level)
            inside[k, test] = (rows.y[test] >= low) & (rows.y[test] <= high)
            widths[k, test] = high - low
    return [
        {
            "scheme": "leave one material out, nested",
            "quantity": quantity,
            "level": level,
            "coverage": float(inside[k, mine].mean()),
            "n_scored": len(mine),
            "median_width_decades": float(np.median(widths[k, mine])),
        }
        for k, level in enumerate(levels)
        for quantity in ("all", *QUANTITIES)
        if len(mine := stated if quantity == "all" else stated[rows.quantity[stated] == quantity])
    ]


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(records)
