"""Predict new materials: value, interval, whether the model knows such materials, reasons, nearest known ones.

The interval is the jackknife+ (Barber, Candes, Ramdas and Tibshirani, Ann. Stat. 2021, 49, 486): each fold's model
predicts the new material, and its held-out residuals are added and subtracted; with grouped folds it is CV+. It is
made in the space of the models (log10 for a rate), so that it is a factor in the original unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError
from perospin.learning.dataset import Dataset, describe_materials, inverse
from perospin.learning.estimators import build_estimator, fit_each, used_columns
from perospin.learning.explain import MAX_PLAYERS, exact_shapley
from perospin.learning.running import build_schemes, inner_groups

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.learning.declaration import PartSpec


@dataclass(frozen=True)
class Neighbour:
    """A known material near the predicted one: measured value, source, distance in standard deviations."""

    formula: str
    name: str
    row: str
    value: float
    source: str
    distance: float
    certain: bool


@dataclass(frozen=True)
class Prediction:
    """One predicted material.

    Attributes
    ----------
    formula : str
        Canonical formula.
    quantity, unit : str
    value : float
        Predicted value in `unit`.
    low, high : float
        Ends of the interval in `unit`; infinite where the rows are too few for the level.
    level : float
        Nominal level of the interval.
    interval : str
        How the interval was made.
    typical_factor : float or None
        Half of the held-out predictions are closer than this factor (only for a positive quantity on a log scale).
    in_domain : bool
        Whether the training rows contain such materials.
    reasons : tuple of str
        Why not, if not; empty otherwise.
    contributions : dict of str to float
        Exact Shapley values in the space of the models (`space`), largest first.
    base : float
        Mean prediction over the training rows, in the space of the models: base + contributions = prediction.
    space : str
        The space of the models, for example "log10 of the spin relaxation rate".
    nearest : tuple of Neighbour
    known : bool
        Whether this very material is among the training rows.
    alike : tuple of str
        Other known materials with equal values in every column that the model reads: it can't tell them apart.
    obtained : str
        How the known values were obtained: "measured" or "computed".
    study, part, estimator : str
        What answered.
    """

    formula: str
    quantity: str
    unit: str
    value: float
    low: float
    high: float
    level: float
    interval: str
    typical_factor: float | None
    in_domain: bool
    reasons: tuple[str, ...]
    contributions: Mapping[str, float]
    base: float
    space: str
    nearest: tuple[Neighbour, ...]
    known: bool
    alike: tuple[str, ...]
    obtained: str
    study: str
    part: str
    estimator: str

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON (infinite ends become null)."""
        from perospin.learning.result import plain

        return dict(plain(asdict(self)))

    def __str__(self) -> str:
        text = (
            f"{self.formula}: {self.quantity} {self.value:.3g} {self.unit} "
            f"({100 * self.level:.0f} % interval {self.low:.2g} to {self.high:.2g})"
        )
        return text if self.in_domain else f"{text}; out of domain: {'; '.join(self.reasons)}"


@dataclass(frozen=True, eq=False)
class Predictor:
    """A fitted study: the model on all rows, and one model for each fold of the interval's scheme.

    Made by `Study.predictor`; deterministic, so it is rebuilt from the study rather than stored.
    """

    study: str
    part_name: str
    part: PartSpec
    data: Dataset
    columns: tuple[str, ...]
    model: Any
    fold_models: tuple[Any, ...]
    fold_tests: tuple[NDArray[np.int64], ...]
    residuals: NDArray[np.float64]
    scheme_label: str

    @classmethod
    def fit(
        cls, study: str, name: str, part: PartSpec, data: Dataset, progress: Callable[[int, int], None] | None = None
    ) -> Predictor:
        """Fit the part's prediction model on all rows and on the folds of its interval.

        Raises
        ------
        StudyError
            If the part declares no prediction, or its descriptors can't be made for a new material.
        """
        if part.predict is None:
            raise StudyError(f"study '{study}', part '{name}' declares no [predict] table, so it can't predict")
        if part.descriptors.source != "describe":
            raise StudyError(
                f"study '{study}', part '{name}' takes its descriptors from its table, so a new material can't be "
                'described; a part with descriptors.source = "describe" can predict'
            )
        asked = part.predict
        scheme = build_schemes(part, data)[asked.scheme]
        entry = next(e for e in part.schemes if e.key == asked.scheme)
        if entry.kind not in ("leave_one_out", "leave_one_group_out", "k_fold"):
            raise StudyError(
                f"study '{study}', part '{name}': predict.scheme must hold out every row once (leave_one_out, "
                f"leave_one_group_out or k_fold), not {entry.kind}"
            )
        groups = inner_groups(entry, data, part)
        estimator = build_estimator(part.spec_of(asked.estimator), part.seed)
        trains = [np.arange(len(data)), *scheme.trains]
        models = fit_each(
            estimator, data.features, data.y, trains, groups=groups, progress=progress, **data.fit_options
        )
        residuals = np.empty(len(data))
        tests = tuple(split.test for split in scheme.splits)
        for model, test in zip(models[1:], tests, strict=True):
            residuals[test] = np.abs(data.y[test] - model.predict(data.features.iloc[test]))
        columns = tuple(used_columns(estimator, [str(column) for column in data.features.columns]))
        return cls(
            study,
            name,
            part,
            data,
            columns,
            models[0],
            tuple(models[1:]),
            tests,
            residuals,
            scheme.label,
        )

    def predict(self, formula: str, ions: Any = None, on_compute: Callable[[str], None] | None = None) -> Prediction:
        """Predict one material.

        Parameters
        ----------
        formula : str
            For example ``"(3AMP)PbI4"``.
        ions : IonLibrary, optional
            Library with the user's own ions.
        on_compute : callable, optional
            Called with the symbol of each cation that must be computed first.

        Raises
        ------
        FormulaError
            If the formula can't be read or names an unknown ion.
        StudyError
            If a descriptor that the model needs is not known for this material.
        """
        from perospin.chemistry import Perovskite

        material = Perovskite.parse(formula, ions)
        described = describe_materials([material], str(self.part.descriptors.level), ions, on_compute)
        row = self._row(described, str(material))
        asked, transform = self.part.predict, self.part.target.transform
        assert asked is not None  # checked in `fit`
        centre = float(self.model.predict(row)[0])
        low, high = self._interval(row, asked.level)
        base, contributions = self._contributions(row)
        reasons = self._out_of_domain(material, row)
        logarithmic = transform == "log10"
        value, bottom, top = inverse(np.array([centre, low, high]), transform)
        kind = "jackknife+" if all(len(test) == 1 for test in self.fold_tests) else "CV+"
        return Prediction(
            formula=str(material),
            quantity=self.part.target.quantity,
            unit=self.part.target.unit,
            value=float(value),
            low=float(bottom),
            high=float(top),
            level=asked.level,
            interval=f"{kind}, {self.scheme_label}",
            typical_factor=float(10 ** np.median(self.residuals)) if logarithmic else None,
            in_domain=not reasons,
            reasons=tuple(reasons),
            contributions=contributions,
            base=base,
            space=("log10 of the " if logarithmic else "") + self.part.target.quantity,
            nearest=self._nearest(row, asked.n_nearest),
            known=str(material) in set(self.data.rows["formula"]),
            alike=self._alike(str(material), row),
            obtained=self.part.target.obtained,
            study=self.study,
            part=self.part_name,
            estimator=self.part.title_of(asked.estimator),
        )

    def _row(self, described: pd.DataFrame, formula: str) -> pd.DataFrame:
        row = described.reindex(columns=self.data.features.columns)
        missing = [c for c in self.columns if np.isnan(row[c].iloc[0]) and self.data.features[c].notna().all()]
        if missing:
            raise StudyError(
                f"'{formula}' has no value for the descriptor '{missing[0]}', which every training row has, so this "
                "model can't predict it"
            )
        return row

    def _interval(self, row: pd.DataFrame, level: float) -> tuple[float, float]:
        """Jackknife+ (CV+ for larger folds) in the space of the models."""
        centres = np.empty(len(self.data))
        for model, test in zip(self.fold_models, self.fold_tests, strict=True):
            centres[test] = float(model.predict(row)[0])
        return jackknife_plus(centres, self.residuals, level)

    def _contributions(self, row: pd.DataFrame) -> tuple[float, dict[str, float]]:
        names = list(self.columns)
        players = self.part.explain.players if self.part.explain else None
        if players and {c for group in players.values() for c in group} < set(names):
            players = None
        if len(players or names) > MAX_PLAYERS:
            return float(self.model.predict(self.data.features).mean()), {}
        background = self.data.features[names]
        values, base = exact_shapley(self.model.predict, row[names], background, names, players=players)
        found = dict(zip(players or names, (float(v) for v in values[0]), strict=True))
        return base, dict(sorted(found.items(), key=lambda item: -abs(item[1])))

    def _out_of_domain(self, material: Any, row: pd.DataFrame) -> list[str]:
        """Say in what respect the training rows hold no such material."""
        from perospin.learning.report.labels import axis_label

        known = [_parsed(formula) for formula in dict.fromkeys(self.data.rows["described_as"]) if formula]
        reasons = []
        for words, read in (
            ("halide", lambda m: {ion.symbol for ion, _ in m.x_site}),
            ("metal", lambda m: {ion.symbol for ion, _ in m.b_site}),
            ("spacer charge", lambda m: {ion.charge for ion, _ in m.spacers}),
            ("family", lambda m: {str(m.family)}),
        ):
            seen = set().union(*(read(m) for m in known)) if known else set()
            new = read(material) - seen
            if new:
                shown, old = sorted(map(str, new)), sorted(map(str, seen))
                reasons.append(f"{words} {', '.join(shown)} is not among the training rows ({', '.join(old)})")
        training = self.data.features
        if not reasons:
            # each part is known by itself; are they known together?
            pairs = {(str(m.family), ion.symbol) for m in known for ion, _ in (*m.x_site, *m.b_site)}
            for ion, _ in (*material.x_site, *material.b_site):
                if (str(material.family), ion.symbol) not in pairs:
                    reasons.append(f"no training row of the family {material.family} contains {ion.symbol}")
        for column in self.columns:
            low, high = float(training[column].min()), float(training[column].max())
            value, margin = float(row[column].iloc[0]), 1e-9 * max(1.0, abs(low), abs(high))
            if value < low - margin or value > high + margin:
                label = axis_label(column, self.part.labels)
                reasons.append(f"{label} = {value:.3g} lies outside the training range {low:.3g} to {high:.3g}")
        limit = self._distance_limit()
        nearest = float(self._distances(row).min()) if self.columns else 0.0
        if nearest > limit:
            reasons.append(
                f"the nearest training row is {nearest:.1f} standard deviations away; 95 % of the training rows have "
                f"one within {limit:.1f}"
            )
        return reasons

    def _standardised(self, table: pd.DataFrame) -> NDArray[np.float64]:
        training = self.data.features[list(self.columns)]
        spread = training.std(ddof=0).replace(0.0, 1.0)
        filled = table[list(self.columns)].fillna(training.median())
        return ((filled - training.mean()) / spread).to_numpy(dtype=float)

    def _distances(self, row: pd.DataFrame) -> NDArray[np.float64]:
        """Root mean square difference per descriptor, in standard deviations, to each training row."""
        difference = self._standardised(self.data.features) - self._standardised(row)
        return np.asarray(np.sqrt((difference**2).mean(axis=1)))

    def _distance_limit(self) -> float:
        """95 % point of each training row's distance to the nearest other material."""
        scaled = self._standardised(self.data.features)
        distance = np.sqrt(((scaled[:, None, :] - scaled[None, :, :]) ** 2).mean(axis=2))
        material = self.data.rows["described_as"].to_numpy()
        same = (material[:, None] == material[None, :]) & (material[:, None] != "")
        distance[same | np.eye(len(scaled), dtype=bool)] = np.inf
        nearest = distance.min(axis=1)
        return float(np.quantile(nearest[np.isfinite(nearest)], 0.95)) if np.isfinite(nearest).any() else np.inf

    def _nearest(self, row: pd.DataFrame, count: int) -> tuple[Neighbour, ...]:
        distances = self._distances(row) if self.columns else np.zeros(len(self.data))
        rows = self.data.rows
        return tuple(
            Neighbour(
                formula=str(rows["described_as"].iloc[i] or rows["name"].iloc[i]),
                name=str(rows["name"].iloc[i]),
                row=str(rows["row"].iloc[i]),
                value=float(rows["target"].iloc[i]),
                source=str(rows["source"].iloc[i]),
                distance=float(distances[i]),
                certain=bool(rows["certain"].iloc[i]),
            )
            for i in np.argsort(distances, kind="stable")[:count]
        )

    def _alike(self, formula: str, row: pd.DataFrame) -> tuple[str, ...]:
        if not self.columns:
            return ()
        same = self.data.rows["described_as"][self._distances(row) < 1e-9]
        return tuple(sorted(set(same) - {formula, ""}))


def jackknife_plus(
    centres: Sequence[float] | NDArray[np.float64], residuals: Sequence[float] | NDArray[np.float64], level: float
) -> tuple[float, float]:
    """Interval from the predictions of the models that left each row out, and that row's absolute residual.

    Parameters
    ----------
    centres : array_like, shape (n_rows,)
        Prediction of the new point by the model that did not see row i.
    residuals : array_like, shape (n_rows,)
        Absolute held-out residual of row i.
    level : float
        Nominal level in (0, 1).

    Returns
    -------
    low, high : float
        Infinite where there are too few rows for the level.

    Notes
    -----
    Low is the floor(a (n + 1))-th smallest of centre - residual, high the ceil((1 - a) (n + 1))-th smallest of
    centre + residual, with a = 1 - level (Barber et al. 2021, eq. 1.3). The guaranteed coverage is 1 - 2a, the usual
    one about 1 - a.
    """
    middle, spread = np.asarray(centres, dtype=float), np.asarray(residuals, dtype=float)
    n, miss = len(middle), 1.0 - level
    # the small term keeps products such as 0.1 * 20 on the right side of rounding
    lower, upper = int(np.floor(miss * (n + 1) + 1e-9)), int(np.ceil(level * (n + 1) - 1e-9))
    low = float(np.sort(middle - spread)[lower - 1]) if lower >= 1 else -np.inf
    high = float(np.sort(middle + spread)[upper - 1]) if upper <= n else np.inf
    return low, high


def _parsed(formula: str) -> Any:
    from perospin.chemistry import Perovskite

    return Perovskite.parse(formula)
