"""Run one part of a study, piece by piece; each piece is kept in a cell, so that an interrupted run resumes."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError
from perospin.learning import schemes as make
from perospin.learning.cells import Cells
from perospin.learning.comparison import (
    family_baseline,
    noise_floor,
    paired_bootstrap,
    permutation_test,
    y_shuffle,
)
from perospin.learning.dataset import Dataset, inverse
from perospin.learning.estimators import build_estimator, fit_each, used_columns
from perospin.learning.explain import ShapleyTable, explain_fitted, explain_held_out
from perospin.learning.result import IN_SAMPLE, PartResult
from perospin.learning.validation import Evaluation, Scheme, Split, evaluate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.learning.declaration import PartSpec, SchemeEntry

Progress = Callable[[str, int, int], None]
"""Called as ``progress(what, done, in_all)`` while a run goes on."""

_MOST_SHAPLEY_PREDICTIONS = 10**8
_SPLIT_POINTS = (0.05, 0.5, 0.95)


def build_schemes(part: PartSpec, data: Dataset) -> dict[str, Scheme]:
    """Make the declared schemes for these rows, by their short names."""
    return {entry.key: _scheme(entry, part, data) for entry in part.schemes}


def _scheme(entry: SchemeEntry, part: PartSpec, data: Dataset) -> Scheme:
    n = len(data)
    if entry.kind == "leave_one_out":
        scheme = make.leave_one_out(n)
    elif entry.kind == "leave_one_group_out":
        scheme = make.leave_one_group_out(data.groups(str(entry.group)), entry.key, f"leave one {entry.group} out")
    elif entry.kind == "tagged":
        tag = part.data.tag
        assert tag is not None  # checked when the file was read
        scheme = make.tagged(data.rows["tag"], tag.train, tag.test)
    elif entry.kind == "repeated_holdout":
        scheme = make.repeated_holdout(n, int(entry.n_test or 1), int(entry.n_repeats or 1), part.seed)
    elif entry.kind == "k_fold":
        scheme = make.k_fold(n, int(entry.k or 2), part.seed)
    else:
        scheme = make.in_sample(n)
    return dataclasses.replace(scheme, name=entry.key, label=entry.label or scheme.label)


def inner_groups(entry: SchemeEntry, data: Dataset) -> NDArray[Any] | None:
    """Give the groups that inner folds must respect: those of the outer folds, if they are grouped."""
    return data.groups(entry.group) if entry.group is not None else None


class _Run:
    """The state of one running part: data, schemes, cells, and what has been evaluated so far."""

    def __init__(self, name: str, part: PartSpec, data: Dataset, cells: Cells, progress: Progress | None) -> None:
        self.name, self.part, self.data, self.cells = name, part, data, cells
        self.progress = progress
        self.schemes = build_schemes(part, data)
        self.entries = {entry.key: entry for entry in part.schemes}
        self.evaluations: dict[tuple[str, str], Evaluation] = {}
        self.seconds: dict[str, float] = {}
        self.specs = {entry.name: part.spec_of(entry.name) for entry in part.estimators}
        self.estimators = {name: build_estimator(spec, part.seed) for name, spec in self.specs.items()}
        self.inverse = partial(inverse, transform=part.target.transform) if part.target.transform != "none" else None

    def tell(self, what: str, done: int = 0, in_all: int = 1) -> None:
        if self.progress is not None:
            self.progress(what, done, in_all)

    def used(self, name: str) -> list[str]:
        """Columns that an estimator, or the members of a grid, look at."""
        grid = next((grid for grid in self.part.grids if grid.name == name), None)
        if grid is None:
            return self.read_by(self.estimators[name])
        members = (build_estimator(self.part.write_out(spec), self.part.seed) for _, spec in grid.candidates())
        return list(dict.fromkeys(column for member in members for column in self.read_by(member)))

    def read_by(self, estimator: Any) -> list[str]:
        return used_columns(estimator, [str(column) for column in self.data.features.columns])

    def key(self, what: str, spec: Mapping[str, Any], columns: Sequence[str], **more: Any) -> dict[str, Any]:
        """Everything a cell depends on: only the columns that are read count as data."""
        return {
            "what": what,
            "spec": spec,
            "columns": list(columns),
            "data": _digest(self.data.features[list(columns)].to_numpy(dtype=float), self.data.y),
            "seed": self.part.seed,
            **more,
        }

    def evaluate(self, name: str, spec: Mapping[str, Any], columns: Sequence[str], scheme: str) -> Evaluation:
        """Evaluate an estimator under a scheme, or take it from its cell."""
        if (name, scheme) in self.evaluations:
            return self.evaluations[name, scheme]
        plan = self.schemes[scheme]
        title = f"{self.part.title_of(name)} · {plan.label}"
        self.tell(title)
        y_pred, seconds = self._predictions(title, spec, columns, scheme, self.part.seed)
        self.seconds[f"{name} · {scheme}"] = seconds
        self.evaluations[name, scheme] = restore(name, plan, self.data.y, y_pred)
        return self.evaluations[name, scheme]

    def _predictions(
        self, title: str, spec: Mapping[str, Any], columns: Sequence[str], scheme: str, seed: int
    ) -> tuple[list[float], float]:
        """Predictions of a specification under a scheme, and the seconds they took.

        The members of an average are cells of their own, with the seeds that `build_estimator` gives them, so that a
        member that stands elsewhere in the study is not computed twice.
        """
        if spec.get("kind") == "average" and not spec.get("tune"):
            members = [
                self._predictions(
                    f"{title} · member {i + 1}",
                    member,
                    self.read_by(build_estimator(member, seed + i)),
                    scheme,
                    seed + i,
                )
                for i, member in enumerate(spec["members"])
            ]
            mean = np.mean([y_pred for y_pred, _ in members], axis=0)
            return [float(value) for value in mean], sum(seconds for _, seconds in members)
        plan, groups = self.schemes[scheme], inner_groups(self.entries[scheme], self.data)

        def compute() -> dict[str, Any]:
            start = time.perf_counter()
            done = evaluate(
                build_estimator(spec, seed),
                self.data.features,
                self.data.y,
                plan,
                groups=groups,
                progress=lambda folds, in_all: self.tell(title, folds, in_all),
            )
            return {"y_pred": done.y_pred, "seconds": time.perf_counter() - start}

        key = self.key(
            "evaluate", spec, columns, scheme=_scheme_digest(plan), groups=None if groups is None else groups.tolist()
        )
        cell = self.cells.get({**key, "seed": seed}, compute)
        return [float("nan") if v is None else v for v in cell["y_pred"]], cell["seconds"]


def restore(name: str, scheme: Scheme, y: NDArray[np.float64], y_pred: Sequence[float]) -> Evaluation:
    """Put predictions back into an `Evaluation`; a prediction that was not finite comes back as NaN."""
    values = [float("nan") if value is None else value for value in y_pred]
    return Evaluation.from_dict({"estimator_name": name, "scheme": scheme.to_dict(), "y": y, "y_pred": values})


def run_part(name: str, part: PartSpec, data: Dataset, cells: Cells, progress: Progress | None = None) -> PartResult:
    """Run everything that one part declares.

    Parameters
    ----------
    name : str
        Name of the part.
    part : PartSpec
        Its declaration.
    data : Dataset
        Its rows.
    cells : Cells
        Where finished pieces are kept and looked for.
    progress : callable, optional
        Called as ``progress(what, done, in_all)``.

    Returns
    -------
    PartResult
    """
    import pandas as pd

    start = time.perf_counter()
    run = _Run(name, part, data, cells, progress)
    for entry in part.estimators:
        for scheme in entry.schemes or list(run.schemes):
            run.evaluate(entry.name, run.specs[entry.name], run.used(entry.name), scheme)
    grid = _run_grids(run)
    tables = {
        "gains": _gains(run),
        "permutations": _permutations(run),
        "sanity": _sanity(run),
        "learning_curve": _learning_curve(run),
    }
    noise = _noise(run)
    shapley = _explain(run)
    run.tell("done", 1, 1)
    return PartResult(
        name=name,
        spec=part,
        rows=data.rows,
        features=data.features,
        scores=pd.DataFrame(list(_scores(run))),
        predictions=_predictions(run),
        grid=grid,
        noise=noise,
        shapley=shapley,
        provenance={
            "source": data.source,
            "sha256": data.sha256,
            "n_rows": len(data),
            "seconds_by_cell": run.seconds,
            "seconds": time.perf_counter() - start,
        },
        **tables,
    )


# --- scores ------------------------------------------------------------------------------------------------


def _scores(run: _Run) -> Iterator[dict[str, Any]]:
    for name, scheme in itertools.product(run.part.estimator_names(), run.schemes):
        done = run.evaluations.get((name, scheme))
        if done is None:
            continue
        scores = done.scores(run.inverse).to_dict()
        record = {
            "estimator": name,
            "label": run.part.title_of(name),
            "scheme": scheme,
            "scheme_label": run.schemes[scheme].label,
            "in_sample": scores["in_sample"],
            "n_scored": scores["n_predictions"],
            "n_rows": scores["n_rows"],
        }
        for metric in ("r2", "mse", "mae"):
            record[metric] = scores[metric]
        for metric in ("r2", "mse", "mae"):
            # without a transform the original unit is the unit of the models
            value = scores[f"{metric}_original"]
            record[f"{metric}_original"] = scores[metric] if run.inverse is None else value
        record["typical_factor"] = scores["typical_factor"]
        low = middle = high = float("nan")
        if run.entries[scheme].kind == "repeated_holdout":
            single = done.fold_r2()
            single = single[np.isfinite(single)]
            if single.size:
                low, middle, high = (float(q) for q in np.quantile(single, _SPLIT_POINTS))
        record.update(split_r2_low=low, split_r2_middle=middle, split_r2_high=high)
        record["seconds"] = run.seconds.get(f"{name} · {scheme}", float("nan"))
        yield record


def _predictions(run: _Run) -> pd.DataFrame:
    import pandas as pd

    labels = run.data.rows["row"].to_numpy()
    frames = []
    for (name, scheme), done in run.evaluations.items():
        if name not in run.part.estimator_names():
            continue
        frame = done.to_frame()
        frame["row"] = labels[frame["row"].to_numpy()]
        frame.insert(0, "estimator", name)
        frame.insert(1, "scheme", scheme)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _run_grids(run: _Run) -> pd.DataFrame:
    """Score every member of every grid, choose one by its score, and keep that one as the grid's estimator."""
    import pandas as pd

    fitted = next((entry.key for entry in run.part.schemes if entry.kind == "in_sample"), None)
    records: list[dict[str, Any]] = []
    for grid in run.part.grids:
        columns = run.used(grid.name)
        best: tuple[float, str, dict[str, Any]] | None = None
        mine = []
        for member, spec in grid.candidates():
            full = run.part.write_out(spec)
            judged = run.evaluate(member, full, columns, grid.select_by)
            score = judged.scores()
            record = {
                "grid": grid.name,
                "member": member,
                "r2_selection": score.r2,
                "mse_selection": score.mse,
                "scheme": grid.select_by,
                "r2_in_sample": float("nan"),
                "chosen": False,
            }
            if fitted:
                record["r2_in_sample"] = run.evaluate(member, full, columns, fitted).scores().r2
            mine.append(record)
            if best is None or score.mse < best[0]:
                best = (score.mse, member, full)
        assert best is not None  # a grid has at least one point
        for record in mine:
            record["chosen"] = record["member"] == best[1]
        records += mine
        for scheme in grid.schemes or list(run.schemes):
            chosen = run.evaluate(best[1], best[2], columns, scheme)
            run.evaluations[grid.name, scheme] = dataclasses.replace(chosen, estimator_name=grid.name)
            run.seconds[f"{grid.name} · {scheme}"] = run.seconds[f"{best[1]} · {scheme}"]
    return pd.DataFrame(records)


# --- evidence beside the scores ----------------------------------------------------------------------------


def _gains(run: _Run) -> pd.DataFrame:
    """Bootstrap the gain of each estimator over the baseline, under each scheme that scores every row once."""
    import pandas as pd

    checks = run.part.checks
    groups = run.data.groups(checks.bootstrap_group) if checks.bootstrap_group else None
    records = []
    for (name, scheme), done in run.evaluations.items():
        base = run.evaluations.get((run.part.baseline, scheme))
        kind = run.entries[scheme].kind
        if name == run.part.baseline or name not in run.part.estimator_names() or base is None:
            continue
        if kind not in ("leave_one_out", "leave_one_group_out", "k_fold"):
            continue
        run.tell(f"bootstrap · {run.part.title_of(name)}")
        gain = paired_bootstrap(done, base, groups, checks.n_bootstrap, run.part.seed)
        record = {
            "estimator": name,
            "scheme": scheme,
            "gain": gain.gain,
            "low": gain.low,
            "high": gain.high,
            "level": gain.level,
            "probability_positive": gain.probability_positive,
            "r2_low": gain.model_r2_interval[0],
            "r2_high": gain.model_r2_interval[1],
            "n_bootstrap": gain.n_boot,
        }
        if run.inverse is not None:
            original = paired_bootstrap(done, base, groups, checks.n_bootstrap, run.part.seed, inverse=run.inverse)
            record.update(gain_original=original.gain, low_original=original.low, high_original=original.high)
        records.append(record)
    return pd.DataFrame(records)


def _permutations(run: _Run) -> pd.DataFrame:
    """Permutation tests: the whole validation repeated with some columns dealt out at random."""
    import pandas as pd

    records = []
    for test in run.part.checks.permutation:
        spec, columns = run.specs[test.estimator], run.used(test.estimator)
        groups = run.data.groups(test.group) if test.group else None
        strata = _strata(run.data.features, test.within)
        title = f"permutation test · {', '.join(test.columns)}"

        def compute(test: Any = test, groups: Any = groups, strata: Any = strata, title: str = title) -> dict[str, Any]:
            table, columns, derive = _before_product(run.data.features, test.columns, test.per)
            found = permutation_test(
                run.estimators[test.estimator],
                table,
                run.data.y,
                run.schemes[test.scheme],
                columns,
                groups,
                test.n_permutations,
                run.part.seed,
                strata=strata,
                derive=derive,
                inner_groups=inner_groups(run.entries[test.scheme], run.data),
                progress=lambda done, in_all: run.tell(title, done, in_all),
            )
            return {"observed": found.observed, "null": found.null, "p": found.p_value}

        run.tell(title)
        key = run.key(
            "permutation",
            spec,
            list(dict.fromkeys([*columns, *test.columns, *test.within, *([test.per] if test.per else [])])),
            test=test.model_dump(),
            scheme=_scheme_digest(run.schemes[test.scheme]),
            groups=None if groups is None else groups.tolist(),
        )
        cell = run.cells.get(key, compute)
        records.append(
            {
                "estimator": test.estimator,
                "scheme": test.scheme,
                "columns": ", ".join(test.columns),
                "r2": cell["observed"],
                "null_middle": float(np.median(cell["null"])),
                "null_95": float(np.quantile(cell["null"], 0.95)),
                "p": cell["p"],
                "n_permutations": len(cell["null"]),
            }
        )
    return pd.DataFrame(records)


def _before_product(
    features: pd.DataFrame, columns: Sequence[str], per: str | None
) -> tuple[pd.DataFrame, list[str], Callable[[pd.DataFrame], pd.DataFrame] | None]:
    """Undo the product of `columns` with `per`: a table with the bare columns, their names, and the product again."""
    if per is None:
        return features, list(columns), None
    table = features.copy()
    weight = features[per].to_numpy(dtype=float)
    bare = [f"{column} before the product" for column in columns]
    for name, column in zip(bare, columns, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            value = features[column].to_numpy(dtype=float) / weight
        # rounded, so that rows of one group agree exactly; nothing is known where the weight is 0
        table[name] = np.where(weight == 0, np.nan, np.round(value, 9))

    def derive(permuted: pd.DataFrame) -> pd.DataFrame:
        out = permuted.copy()
        for name, column in zip(bare, columns, strict=True):
            out[column] = np.where(weight == 0, 0.0, permuted[name].to_numpy(dtype=float) * weight)
        return out

    return table, bare, derive


def _strata(features: pd.DataFrame, columns: Sequence[str]) -> list[str] | None:
    """Rows may only be exchanged if they agree in these columns."""
    if not columns:
        return None
    return ["|".join(f"{value:g}" for value in row) for row in features[list(columns)].to_numpy(dtype=float)]


def _sanity(run: _Run) -> pd.DataFrame:
    """Put the tests that an honest pipeline must pass: the mean, a shuffled target, the name of the family alone."""
    import pandas as pd

    verdict, checks = run.part.verdict, run.part.checks
    scheme = verdict.scheme
    plan, label = run.schemes[scheme], run.schemes[scheme].label
    model = run.evaluations.get((verdict.estimator, scheme))
    reached = float("nan") if model is None else model.scores().r2
    title = run.part.title_of(verdict.estimator)
    records: list[dict[str, Any]] = []

    def add(
        test: str, text: str, r2: float, passed: bool, low: float = float("nan"), high: float = float("nan")
    ) -> None:
        records.append(
            {
                "test": test,
                "text": text,
                "scheme": scheme,
                "scheme_label": label,
                "r2": r2,
                "low": low,
                "high": high,
                "model_r2": reached,
                "passed": passed,
            }
        )

    mean = run.evaluate("(training mean)", {"kind": "mean"}, [], scheme).scores().r2
    add("mean", f"{title} beats the training mean", mean, reached > mean)
    base = run.evaluations.get((run.part.baseline, scheme))
    if base is not None and run.part.baseline != verdict.estimator:
        r2 = base.scores().r2
        add("baseline", f"{title} beats the {run.part.title_of(run.part.baseline)}", r2, reached > r2)
    shuffled = checks.shuffle_estimator or next(
        (e.name for e in run.part.estimators if e.name == verdict.estimator), None
    )
    if checks.n_shuffles and shuffled:
        note = f"shuffled target · {run.part.title_of(shuffled)}"

        def compute() -> dict[str, Any]:
            found = y_shuffle(
                run.estimators[shuffled],
                run.data.features,
                run.data.y,
                plan,
                checks.n_shuffles,
                run.part.seed,
                groups=inner_groups(run.entries[scheme], run.data),
                progress=lambda done, in_all: run.tell(note, done, in_all),
            )
            return {"null": found.null}

        run.tell(note)
        key = run.key(
            "y_shuffle", run.specs[shuffled], run.used(shuffled), scheme=_scheme_digest(plan), n=checks.n_shuffles
        )
        null = np.array(run.cells.get(key, compute)["null"], dtype=float)
        # Chance alone lifts single shuffles above 0, so the middle is judged.
        add(
            "shuffled target",
            f"{run.part.title_of(shuffled)} learns nothing from a shuffled target",
            float(np.median(null)),
            bool(np.median(null) < 0.1),
            float(null.min()),
            float(null.max()),
        )
    if checks.family_group:
        families = run.data.groups(checks.family_group)
        r2 = family_baseline(families, run.data.y, plan).scores().r2
        add("one-hot", f"{title} beats the name of the {checks.family_group} alone", r2, reached > r2)
    return pd.DataFrame(records)


def _learning_curve(run: _Run) -> pd.DataFrame:
    """Pooled R2 of held-out rows against the number of training rows."""
    import pandas as pd

    asked = run.part.checks.learning_curve
    if asked is None:
        return pd.DataFrame()
    n = len(run.data)
    records = []
    for size in sorted(s for s in set(asked.sizes) if 2 <= s <= n - 2):
        plan = _random_draws(n, size, asked.n_repeats, run.part.seed)
        for name in asked.estimators:
            spec, columns = run.specs[name], run.used(name)
            title = f"learning curve · {run.part.title_of(name)} · {size} rows"

            def compute(name: str = name, plan: Scheme = plan, title: str = title) -> dict[str, Any]:
                done = evaluate(
                    run.estimators[name],
                    run.data.features,
                    run.data.y,
                    plan,
                    name=name,
                    progress=lambda folds, in_all: run.tell(title, folds, in_all),
                )
                return {"y_pred": done.y_pred}

            run.tell(title)
            cell = run.cells.get(run.key("learning curve", spec, columns, scheme=_scheme_digest(plan)), compute)
            scores = restore(name, plan, run.data.y, cell["y_pred"]).scores(run.inverse)
            records.append(
                {
                    "estimator": name,
                    "n_train": size,
                    "n_repeats": asked.n_repeats,
                    "scheme": plan.label,
                    "r2": scores.r2,
                    "mae": scores.mae,
                    "typical_factor": scores.typical_factor,
                }
            )
    return pd.DataFrame(records)


def _random_draws(n: int, size: int, n_repeats: int, seed: int) -> Scheme:
    rng = np.random.default_rng([seed, size])
    orders = [rng.permutation(n) for _ in range(n_repeats)]
    splits = tuple(Split(np.sort(order[:size]), np.sort(order[size:])) for order in orders)
    return Scheme("learning_curve", f"{n_repeats} random draws of {size} training rows", splits, reference="train")


def _noise(run: _Run) -> dict[str, Any]:
    """Noise floor from rows that are the same material: certain compositions only."""
    group = run.part.checks.duplicates
    if group is None:
        return {}
    rows = run.data.rows[run.data.rows["certain"]]
    repeats = [
        members.index.to_numpy() for _, members in rows.groupby(f"group:{group}", sort=False) if len(members) > 1
    ]
    if not repeats:
        return {}
    # A rate scatters by a factor, whichever scale the models work in.
    logarithmic = run.part.checks.noise_scale == "log10" or run.part.target.transform == "log10"
    target = run.data.target
    if logarithmic and (target <= 0).any():
        raise StudyError('checks.noise_scale = "log10" needs a target greater than 0 in every row')
    scale = np.log10(target) if logarithmic else target
    back = partial(inverse, transform="log10") if logarithmic else None
    floor = noise_floor([scale[r] for r in repeats], scale, inverse=back, seed=run.part.seed)
    same = logarithmic == (run.part.target.transform == "log10")
    low, high = floor.intervals[0.95]
    spread = [float(np.ptp(scale[r])) for r in repeats]
    return {
        "scale": "log10" if logarithmic else "target",
        "sigma": floor.sigma,
        "sigma_low": low,
        "sigma_high": high,
        "factor": floor.factor if logarithmic else None,
        "typical_factor": floor.typical_factor if logarithmic else None,
        "ceiling_r2": floor.r2_ceiling if same else floor.r2_ceiling_original,
        "ceiling_r2_low": floor.r2_ceiling_intervals[0.95][0] if same else None,
        "ceiling_r2_high": floor.r2_ceiling_intervals[0.95][1] if same else None,
        "ceiling_r2_original": floor.r2_ceiling_original if logarithmic else floor.r2_ceiling,
        "pairs": [
            {
                "material": str(run.data.rows["formula"].iloc[r[0]]),
                "rows": [str(label) for label in run.data.rows["row"].iloc[r]],
                "values": [float(v) for v in run.data.target[r]],
                "difference": difference,
            }
            for r, difference in zip(repeats, spread, strict=True)
        ],
    }


def _explain(run: _Run) -> dict[str, ShapleyTable]:
    """Exact Shapley values of the declared estimator: of the final fit in sample, and out of fold."""
    asked = run.part.explain
    if asked is None:
        return {}
    spec, columns = run.specs[asked.estimator], run.used(asked.estimator)
    estimator, title = run.estimators[asked.estimator], f"Shapley values · {run.part.title_of(asked.estimator)}"
    groups = inner_groups(run.entries[asked.scheme], run.data)
    plan = run.schemes[asked.scheme]

    players = len(asked.players or run.used(asked.estimator))
    calls = 2**players * len(run.data) ** 2
    if calls > _MOST_SHAPLEY_PREDICTIONS:
        raise StudyError(
            f"part '{run.name}', explain: exact Shapley values of {players} columns over {len(run.data)} rows need "
            f"{calls:.1e} predictions; group columns into fewer players with explain.players"
        )

    def held_out() -> dict[str, Any]:
        return explain_held_out(
            estimator,
            run.data.features,
            run.data.y,
            plan,
            groups=groups,
            players=asked.players,
            progress=lambda done, in_all: run.tell(f"{title} · {plan.label}", done, in_all),
        ).to_dict()

    def fitted() -> dict[str, Any]:
        model = fit_each(estimator, run.data.features, run.data.y, [np.arange(len(run.data))], groups=groups)[0]
        return explain_fitted(model, run.data.features, run.data.features, players=asked.players).to_dict()

    key = run.key("shapley", spec, columns, players=asked.players, groups=None if groups is None else groups.tolist())
    tables = {}
    for scheme, compute, extra in (
        (IN_SAMPLE, fitted, None),
        (asked.scheme, held_out, _scheme_digest(plan)),
    ):
        run.tell(f"{title} · {'in sample' if scheme == IN_SAMPLE else plan.label}")
        tables[scheme] = ShapleyTable.from_dict(run.cells.get({**key, "scheme": extra}, compute))
    return tables


def _digest(*arrays: NDArray[np.float64]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=float).tobytes())
    return digest.hexdigest()


def _scheme_digest(scheme: Scheme) -> str:
    digest = hashlib.sha256(f"{scheme.reference} {scheme.in_sample}".encode())
    for split in scheme.splits:
        for rows in (split.train, split.test):
            digest.update(b"|")
            digest.update(np.ascontiguousarray(rows, dtype=np.int64).tobytes())
    return digest.hexdigest()
