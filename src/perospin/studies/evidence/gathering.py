"""The evidence that stands beside the scores of one part: whether a gain is real, and whether rows would help."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError
from perospin.learning.evidence import pairs as paired
from perospin.learning.evidence.bootstrap import paired_bootstrap
from perospin.learning.evidence.learning_curve import fit_curve, random_draws
from perospin.learning.evidence.noise import noise_floor
from perospin.learning.evidence.permutation import family_baseline, permutation_test, y_shuffle
from perospin.learning.validation.evaluation import Evaluation
from perospin.learning.validation.guard import scored_only
from perospin.studies.evidence import explaining
from perospin.studies.evidence.cautions import cautions_of
from perospin.studies.evidence.fronts import formula_table
from perospin.studies.evidence.subsets import subset_scores
from perospin.studies.running.cells import scheme_digest
from perospin.studies.running.plan import one_scheme
from perospin.studies.running.run import Run, restore

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["gather"]


def gather(run: Run) -> dict[str, Any]:
    """Everything that `PartResult` holds beside scores and predictions."""
    subsets = subset_scores(run)  # first: a wrong row label is told before the long tests
    sanity, scrambles = _sanity(run)
    curve, curve_fits = _learning_curve(run)
    found = {
        "gains": _gains(run),
        "pairs": _pairs(run),
        "permutations": _permutations(run),
        "sanity": sanity,
        "scrambles": scrambles,
        "learning_curve": curve,
        "curve_fits": curve_fits,
        "seeds": _seeds(run),
        "subsets": subsets,
        "leaks": _leaks(run),
        "formulas": formula_table(run),
        "noise": _noise(run),
        **explaining.gather(run, _resampled_together(run)),
    }
    return {**found, "cautions": cautions_of(run, found)}


def _gains(run: Run) -> pd.DataFrame:
    """Bootstrap the gain of each estimator over the baseline, under each scheme that scores every row once."""
    import pandas as pd

    checks = run.part.checks
    groups = _resampled_together(run)
    records = []
    for (name, scheme), done in run.evaluations.items():
        base = run.evaluations.get((run.part.baseline, scheme))
        if name == run.part.baseline or name not in run.part.estimator_names() or base is None:
            continue
        if not run.entries[scheme].rule.equal_scores:
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


def _resampled_together(run: Run) -> NDArray[Any] | None:
    """Name what the bootstrap resamples as wholes: the declared groups, else the units of the leakage guard."""
    group = run.part.checks.bootstrap_group
    if group:
        return run.data.groups(group)
    return run.data.units.labels if run.data.units.any else None


def _pairs(run: Run) -> pd.DataFrame:
    """Compare every pair of estimators under the scheme of the verdict and under every repeated scheme."""
    import pandas as pd

    records = []
    for scheme, entry in run.entries.items():
        if entry.kind == "in_sample" or not (entry.rule.repeats or scheme == run.part.verdict.scheme):
            continue
        names = [name for name in run.part.estimator_names() if (name, scheme) in run.evaluations]
        if len(names) < 2 or len(run.schemes[scheme]) < 2:
            continue
        run.tell(f"pairs of estimators · {run.schemes[scheme].label}")
        evaluations = [dataclasses.replace(run.evaluations[name, scheme], estimator_name=name) for name in names]
        tests = paired.compare_pairs(
            [done for done in evaluations if np.isfinite(done.y_pred).all()],
            _resampled_together(run),
            repeated=entry.rule.repeats,
            n_boot=run.part.checks.n_bootstrap,
            seed=run.part.seed,
        )
        records += [{**test.to_dict(), "scheme": scheme, "scheme_label": test.scheme} for test in tests]
    return pd.DataFrame(records)


def _permutations(run: Run) -> pd.DataFrame:
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
                inner_groups=run.groups(test.scheme),
                fit_options=run.data.fit_options,
                progress=lambda done, in_all: run.tell(title, done, in_all),
            )
            return {"observed": found.observed, "null": found.null, "p": found.p_value}

        run.tell(title)
        key = run.key(
            "permutation",
            spec,
            list(dict.fromkeys([*columns, *test.columns, *test.within, *([test.per] if test.per else [])])),
            test=test.model_dump(),
            scheme=scheme_digest(run.schemes[test.scheme]),
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


def _sanity(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
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

    if run.part.entry(run.part.baseline).kind != "mean":  # that comparison comes next
        mean = run.evaluate("(training mean)", {"kind": "mean"}, [], scheme).scores().r2
        add("mean", f"{title} beats the training mean", mean, reached > mean)
    base = run.evaluations.get((run.part.baseline, scheme))
    if base is not None and run.part.baseline != verdict.estimator:
        r2 = base.scores().r2
        add("baseline", f"{title} beats the {run.part.title_of(run.part.baseline)}", r2, reached > r2)
    scrambles = _scrambles(run)
    if len(scrambles):
        name = run.part.title_of(str(scrambles["estimator"].iloc[0]))
        null = scrambles.loc[scrambles["shuffle"] > 0, "r2"].to_numpy(dtype=float)
        # Chance alone lifts single shuffles above 0, so the middle is judged.
        add(
            "shuffled target",
            f"{name} learns nothing from a shuffled target",
            float(np.median(null)),
            bool(np.median(null) < 0.1),
            float(null.min()),
            float(null.max()),
        )
    if checks.family_group:
        families = run.data.groups(checks.family_group)
        r2 = family_baseline(families, run.data.y, plan, run.data.limit).scores().r2
        add("one-hot", f"{title} beats the name of the {checks.family_group} alone", r2, reached > r2)
    return pd.DataFrame(records), scrambles


def _scrambles(run: Run) -> pd.DataFrame:
    """R2 with the target as it is (shuffle 0) and with the target shuffled, under the scheme of the verdict.

    Groups that the scheme holds out as wholes change places as wholes. Where every group has the same rows in the same
    order (each cation with every halide) that leaves what the rows' places say; rows are then exchanged singly.
    """
    import pandas as pd

    verdict, checks = run.part.verdict, run.part.checks
    scheme = verdict.scheme
    plan = run.schemes[scheme]
    name = checks.shuffle_estimator or next((e.name for e in run.part.estimators if e.name == verdict.estimator), None)
    if not checks.n_shuffles or name is None:
        return pd.DataFrame()
    note = f"shuffled target · {run.part.title_of(name)}"
    groups, blocks = run.groups(scheme), _exchanged_together(run, scheme)

    def shuffled(blocks: NDArray[Any] | None) -> dict[str, Any]:
        def compute() -> dict[str, Any]:
            found = y_shuffle(
                run.estimators[name],
                run.data.features,
                run.data.y,
                plan,
                checks.n_shuffles,
                run.part.seed,
                groups=groups,
                blocks=blocks,
                fit_options=run.data.fit_options,
                progress=lambda done, in_all: run.tell(note, done, in_all),
            )
            return {"observed": found.observed, "null": found.null, "p": found.p_value}

        run.tell(note)
        key = run.key(
            "y_shuffle",
            run.specs[name],
            run.used(name),
            scheme=scheme_digest(plan),
            n=checks.n_shuffles,
            groups=None if groups is None else groups.tolist(),
            blocks=None if blocks is None else blocks.tolist(),
        )
        return run.cells.get(key, compute)

    cell = shuffled(blocks)
    if blocks is not None and np.median([value for value in cell["null"] if value is not None] or [0.0]) >= 0.1:
        cell = shuffled(None)
    null = [float("nan") if value is None else value for value in cell["null"]]
    r2 = [float("nan") if cell["observed"] is None else cell["observed"], *null]
    return pd.DataFrame(
        {
            "estimator": name,
            "scheme": scheme,
            "scheme_label": plan.label,
            "shuffle": range(len(r2)),
            "r2": r2,
            "p": cell["p"],
        }
    )


def _exchanged_together(run: Run, scheme: str) -> NDArray[Any] | None:
    """Rows whose targets change places as wholes: those that the scheme never parts."""
    entry = run.entries[scheme]
    if entry.rule.by_clusters:
        return None  # clusters are few, and nothing says that the targets of a cluster are alike
    return run.groups(scheme)


def _learning_curve(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pooled R2 of held-out rows against the number of training rows, and where it leads."""
    import pandas as pd

    asked = run.part.checks.learning_curve
    if asked is None:
        return pd.DataFrame(), pd.DataFrame()
    n = len(run.data)
    together = run.part.guard.leakage == "group" and run.data.units.any
    groups = run.data.units.labels if together else None
    sizes = sorted(size for size in set(asked.sizes) if 2 <= size <= n - 2)
    plans = {
        size: scored_only(random_draws(n, size, asked.n_repeats, run.part.seed, groups), run.data.has_value)
        for size in sizes
    }
    records, fits = [], []
    for name in asked.estimators:
        done: dict[int, Evaluation] = {}
        for size, plan in plans.items():
            title = f"learning curve · {run.part.title_of(name)} · {size} rows"
            run.tell(title)
            y_pred, _ = run.predictions_of(title, run.specs[name], run.used(name), plan, groups, run.part.seed)
            done[size] = restore(name, plan, run.data.y, y_pred)
        if not done:
            continue
        run.tell(f"learning curve · {run.part.title_of(name)}")
        curve = fit_curve(done, seed=run.part.seed)
        fits.append({"estimator": name, **curve.fit.to_dict()})
        for point in curve.points:
            scores = done[point.n_train].scores(run.inverse)
            records.append(
                {
                    "estimator": name,
                    "n_train": point.n_train,
                    "n_repeats": asked.n_repeats,
                    "scheme": plans[point.n_train].label,
                    "r2": scores.r2,
                    "low": point.low,
                    "high": point.high,
                    "level": curve.fit.level,
                    "mae": scores.mae,
                    "typical_factor": float("nan") if scores.typical_factor is None else scores.typical_factor,
                }
            )
    return pd.DataFrame(records), pd.DataFrame(fits)


def _seeds(run: Run) -> pd.DataFrame:
    """R2 with other seeds: of the models, and of the split where it is drawn by lot."""
    import pandas as pd

    asked = run.part.checks.seeds
    if asked is None:
        return pd.DataFrame()
    entry = run.entries[asked.scheme]
    groups = run.groups(asked.scheme)
    records = []
    # Far enough apart that the members of an average, which count on from their seed, don't meet those of another.
    seeds = [run.part.seed + 1000 * i for i in range(asked.n_seeds)]
    for seed, name in ((seed, name) for name in asked.estimators for seed in seeds):
        plan = run.schemes[asked.scheme] if seed == run.part.seed else one_scheme(entry, run.part, run.data, seed)
        title = f"seed {seed} · {run.part.title_of(name)}"
        run.tell(title)
        y_pred, _ = run.predictions_of(title, run.specs[name], run.used(name), plan, groups, seed)
        scores = restore(name, plan, run.data.y, y_pred).scores(run.inverse)
        records.append(
            {
                "estimator": name,
                "scheme": asked.scheme,
                "scheme_label": plan.label,
                "seed": seed,
                "r2": scores.r2,
                "r2_original": scores.r2 if run.inverse is None else scores.r2_original,
                "typical_factor": float("nan") if scores.typical_factor is None else scores.typical_factor,
            }
        )
    return pd.DataFrame(records)


def _leaks(run: Run) -> pd.DataFrame:
    """Say what each scheme does with rows of one material, and R2 over the rows that have no twin to remember."""
    import pandas as pd

    verdict = run.part.verdict
    labels = run.data.rows["row"].to_numpy()
    records = []
    for leak in run.plan.leaks:
        record: dict[str, Any] = {
            "scheme": leak.scheme,
            "scheme_label": run.schemes[leak.scheme].label,
            "rows": ", ".join(str(label) for label in labels[list(leak.rows)]),
            "n_rows": len(leak.rows),
            "n_predictions": leak.n_predictions,
            "n_scored": leak.n_scored,
            "kept_together": leak.kept_together,
        }
        for role, name in (("baseline", run.part.baseline), ("model", verdict.estimator)):
            done = run.evaluations.get((name, leak.scheme))
            record[f"{role}_r2"] = record[f"{role}_r2_without"] = float("nan")
            if done is None or leak.kept_together:
                continue
            record[f"{role}_r2"] = done.scores().r2
            if not leak.with_twin.all():
                record[f"{role}_r2_without"] = done.scores_where(~leak.with_twin, "rows with a twin not scored").r2
        records.append(record)
    return pd.DataFrame(records)


def _power_of_ten(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10.0**values)


def _noise(run: Run) -> dict[str, Any]:
    """Noise floor from rows that are the same material: certain compositions only."""
    group = run.part.checks.duplicates
    if group is None:
        return {}
    rows = run.data.rows[run.data.rows["certain"] & run.data.has_value]
    repeats = [
        members.index.to_numpy() for _, members in rows.groupby(f"group:{group}", sort=False) if len(members) > 1
    ]
    if not repeats:
        return {}
    # A rate scatters by a factor, whichever scale the models work in.
    logarithmic = run.part.checks.noise_scale == "log10" or run.part.target.logarithmic
    target = run.data.target
    if logarithmic and (target <= 0).any():
        raise StudyError('checks.noise_scale = "log10" needs a target greater than 0 in every row')
    scale = np.log10(target) if logarithmic else target
    floor = noise_floor(
        [scale[r] for r in repeats], scale, inverse=_power_of_ten if logarithmic else None, seed=run.part.seed
    )
    same = logarithmic == (run.part.target.logarithmic)
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
