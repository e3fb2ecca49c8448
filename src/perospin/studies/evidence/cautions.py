"""What a reader of a result must know about its table: each caution is one sentence, found by a fixed rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.digits import counted
from perospin.studies.caution import Caution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perospin.studies.running.run import Run

__all__ = ["cautions_of", "missed_by_all"]

FEW_ROWS = 20
COLLINEAR = 0.99
OUTLYING = 3.5
"""Modified z-score, 0.6745 (e - median) / MAD, beyond which a residual is an outlier (Iglewicz and Hoaglin 1993)."""
_MOST_OUTLIERS = 0.2
_MOST_SETS = 3
"""Sets of rows alike that are told one by one; more become one sentence."""
_MOST_NAMED = 6


def cautions_of(run: Run, found: Mapping[str, Any]) -> tuple[Caution, ...]:
    """Collect every caution about one part of a study, the gravest kinds first.

    Parameters
    ----------
    run : Run
        After its evaluations.
    found : mapping
        The evidence gathered so far, by the names of `PartResult`.
    """
    return (
        *_size(run),
        *_skipped(run),
        *_scores(run),
        *_scrambled(run, found["scrambles"]),
        *_leaks(run, found["leaks"]),
        *_suspicious_targets(run),
        *_columns(run),
        *_groups(run),
        *_seeds(run, found["seeds"], found["gains"]),
        *(Caution("assumption", _sentence(note)) for note in run.data.notes),
    )


# --- the table -----------------------------------------------------------------------------------------------


def _size(run: Run) -> Iterator[Caution]:
    n = len(run.data)
    if n < FEW_ROWS:
        yield Caution("few_rows", f"The table has only {n} rows: no score from so few says much about new materials.")
    if float(np.ptp(run.data.y)) == 0.0:
        yield Caution(
            "constant_target",
            f"The target is {run.data.target[0]:.4g} in every row: there is nothing to learn, and R² is not defined.",
        )


def _skipped(run: Run) -> Iterator[Caution]:
    for key, why in run.plan.impossible.items():
        yield Caution("skipped_scheme", f"The scheme '{key}' was left out: {why}.")


def _columns(run: Run) -> Iterator[Caution]:
    features = run.data.features
    read = {name: run.data.scales_of(run.used(name)) for name in run.part.estimator_names()}
    columns = list(dict.fromkeys(column for names in read.values() for column in names))
    if not columns:
        return
    values = features[columns].to_numpy(dtype=float)
    known = np.isfinite(values)
    empty = [c for c, k in zip(columns, known.any(axis=0), strict=True) if not k]
    if empty:
        yield Caution(
            "empty_column",
            f"{_names(run, 'Column', empty)} {_has(empty)} no value in any row and {_is(empty)} ignored.",
            columns=tuple(empty),
        )
    constant = [
        column
        for i, column in enumerate(columns)
        if known[:, i].any() and np.ptp(values[known[:, i], i]) <= 1e-12 * np.abs(values[known[:, i], i]).max(initial=1)
    ]
    if constant:
        yield Caution(
            "constant_column",
            f"{_names(run, 'Column', constant)} {_has(constant)} the same value in every row: nothing can be learnt "
            f"from {'it' if len(constant) == 1 else 'them'}.",
            columns=tuple(constant),
        )
    holes = {c: int((~known[:, i]).sum()) for i, c in enumerate(columns) if 0 < (~known[:, i]).sum() < len(values)}
    if holes:
        rows = _labels(run, np.flatnonzero((~known[:, [columns.index(c) for c in holes]]).any(axis=1)))
        listed = _listed([f"{_said(run, column)}: {count}" for column, count in holes.items()])
        yield Caution(
            "missing_values",
            f"Descriptor values are missing ({listed}); where a model needs one it takes the "
            "median of its training rows.",
            rows=rows,
            columns=tuple(holes),
        )
    yield from _collinear(run, read)
    # a group-wise scheme trains on the fewest rows in its largest fold; the table as a whole is judged here
    wide = [name for name, names in read.items() if len(names) >= len(values)]
    if wide:
        yield Caution(
            "more_columns_than_rows",
            f"{_listed([run.part.title_of(name) for name in wide])} read at least as many columns as there are rows "
            f"({len(values)}): such a model can fit any target.",
        )


def _collinear(run: Run, read: Mapping[str, Sequence[str]]) -> Iterator[Caution]:
    """Columns of one estimator that repeat each other, in pairs or in a sum."""
    from perospin.learning.estimators.screening import pearson_matrix

    pairs: dict[tuple[str, str], float] = {}
    dependent: dict[tuple[str, ...], str] = {}
    for name, names in read.items():
        table = run.data.features[list(names)].to_numpy(dtype=float)
        usable = np.isfinite(table).any(axis=0) if len(table) else np.zeros(len(names), dtype=bool)
        table, kept = table[:, usable], [c for c, u in zip(names, usable, strict=True) if u]
        table = np.where(np.isfinite(table), table, np.nanmedian(table, axis=0)) if table.size else table
        varies = (
            np.ptp(table, axis=0) > 1e-12 * np.maximum(1.0, np.abs(table).max(axis=0)) if table.size else usable[:0]
        )
        table, kept = table[:, varies], [c for c, v in zip(kept, varies, strict=True) if v]
        if len(kept) < 2 or len(table) < 4:
            continue
        r = pearson_matrix(table)
        mine = {
            (kept[j], kept[i]): float(r[i, j]) for i in range(len(kept)) for j in range(i) if abs(r[i, j]) > COLLINEAR
        }
        pairs |= mine
        if not mine and len(table) > len(kept) + 1:
            scaled = (table - table.mean(axis=0)) / table.std(axis=0)
            strengths = np.linalg.svd(scaled, compute_uv=False)
            if strengths[-1] < 1e-6 * strengths[0]:
                dependent.setdefault(tuple(sorted(kept)), name)
    if pairs:
        listed = _listed(
            [f"{_said(run, a)} and {_said(run, b)}: r = {_minus(value, 3)}" for (a, b), value in pairs.items()], most=4
        )
        yield Caution(
            "collinear_columns",
            f"Nearly the same information stands twice: {listed}; what a model says about one of such a pair can't be "
            "told from the other.",
            columns=tuple(dict.fromkeys(column for pair in pairs for column in pair)),
        )
    for columns, name in dependent.items():
        yield Caution(
            "collinear_columns",
            f"Some of the columns that {run.part.title_of(name)} reads add up to another one exactly, so their weights "
            f"aren't determined: {_listed(_said(run, column) for column in columns)}.",
            columns=columns,
        )


def _groups(run: Run) -> Iterator[Caution]:
    n = len(run.data)
    for key, scheme in run.schemes.items():
        if not run.entries[key].rule.whole_groups:
            continue
        sizes = np.array([len(split.test) for split in scheme.splits])
        single = int((sizes == 1).sum())
        if len(sizes) == n and n > 2:
            yield Caution("groups", f"Every group of “{scheme.label}” has one row: it is plain leave-one-out.")
        elif len(sizes) < 4 or sizes.max() > n / 2:
            yield Caution(
                "groups",
                f"“{scheme.label}” has {len(sizes)} groups, the largest with {sizes.max()} of {n} rows: its score "
                "hangs on very few independent cases.",
            )
        elif single > len(sizes) / 2:
            yield Caution(
                "groups",
                f"{single} of {len(sizes)} groups of “{scheme.label}” have one row: for these {single} of {n} rows it "
                "is plain leave-one-out.",
            )


# --- same material on both sides -----------------------------------------------------------------------------


def _leaks(run: Run, leaks: Any) -> Iterator[Caution]:
    units = run.data.units
    alike = [(rows, _apart(run, rows)) for rows in units.same_descriptors if not units.coarse]
    same = [rows for rows, apart in alike if not apart]
    for rows, apart in alike:
        if apart or len(same) <= _MOST_SETS:
            yield Caution(
                "same_descriptors",
                f"Rows {_rows(run, rows)} agree in every descriptor although they are not known to be one material: no "
                "model here can tell them apart"
                + (f", yet they differ {apart}: what parts them is missing, or a value is wrong." if apart else "."),
                rows=_labels(run, rows),
            )
    if len(same) > _MOST_SETS:
        together = sorted({row for rows in same for row in rows})
        yield Caution(
            "same_descriptors",
            f"{counted(len(same), 'set')} of rows ({len(together)} rows in all) agree in every descriptor although "
            f"they are not known to be one material, as {_rows(run, same[0])} do: no model here can tell the rows of a "
            "set apart.",
            rows=_labels(run, together),
        )
    if units.coarse and units.same_descriptors:
        count = sum(len(rows) for rows in units.same_descriptors)
        yield Caution(
            "coarse_descriptors",
            f"{count} of {len(run.data)} rows share all their descriptors with another material: the descriptors are "
            "classes rather than fingerprints, and such rows are not kept together.",
        )
    records = leaks.to_dict("records") if len(leaks) else []
    kept = [record for record in records if record["kept_together"]]
    if kept:
        together = sorted({row for leak in run.plan.leaks if leak.kept_together for row in leak.rows})
        known = {row for rows in units.same_material for row in rows}
        lookalikes = {row for rows, _ in alike for row in rows} - known
        if not lookalikes.intersection(together):
            are = "are the same material as another row"
        elif lookalikes.issuperset(together):
            are = "agree with another row in every descriptor"
        else:
            are = "are the same material as another row, or agree with one in every descriptor"
        yield Caution(
            "leakage_prevented",
            f"Rows {_rows(run, together)} {are}; they were kept on one side of every "
            f"split of {_listed([_short_label(r['scheme_label']) for r in kept])}.",
            rows=_labels(run, together),
        )
    for record in records:
        if record["kept_together"]:
            continue
        text = (
            f"“{_sentence(record['scheme_label'], stop='')}” parts {_of_one_kind(run)}, as the study declares: "
            f"{record['n_predictions']} of {record['n_scored']} predictions are of a material that also stands "
            "among the training rows"
        )
        if np.isfinite(record["model_r2"]) and np.isfinite(record["model_r2_without"]):
            text += (
                f"; {run.part.title_of(run.part.verdict.estimator)} has R² {_minus(record['model_r2'])} with them and "
                f"{_minus(record['model_r2_without'])} over the others"
            )
        leak = next(leak for leak in run.plan.leaks if leak.scheme == record["scheme"])
        yield Caution("leakage", text + ".", rows=_labels(run, leak.rows))


def _of_one_kind(run: Run) -> str:
    """Name the rows that the guard would keep together."""
    units = run.data.units
    alike = bool(units.same_descriptors) and not units.coarse
    if alike and units.same_material:
        return "rows of one material or with equal descriptors"
    return "rows with equal descriptors" if alike else "rows of one material"


def _apart(run: Run, rows: Iterable[int]) -> str:
    """Say how far targets lie apart, if by more than one standard deviation of the table; else nothing."""
    y = run.data.y
    spread = float(y.std(ddof=1)) if len(y) > 1 else 0.0
    difference = float(np.ptp(y[list(rows)]))
    if not 0 < spread < difference:
        return ""
    in_unit = f"by {difference:.3g} {run.part.target.unit}".rstrip()
    size = f"by a factor {10**difference:.2g}" if run.part.target.logarithmic else in_unit
    return f"{size}, more than one standard deviation of the whole table"


# --- targets that don't fit ----------------------------------------------------------------------------------


def _told_apart_by_none(run: Run) -> Iterator[NDArray[np.int64]]:
    """Rows with a value that no model can tell apart: of one unit, and equal in all stated conditions."""
    data = run.data
    conditions = [*data.categories, *data.uncertain, *data.uncertain.values()]
    for unit in data.units.twins():
        rows = unit[data.has_value[unit]]
        if not conditions:
            yield rows
            continue
        values = np.nan_to_num(data.features[conditions].to_numpy(dtype=float)[rows], nan=-1.0)
        code = np.unique(values, axis=0, return_inverse=True)[1].ravel()
        yield from (rows[code == one] for one in range(int(code.max(initial=-1)) + 1) if (code == one).sum() > 1)


def _suspicious_targets(run: Run) -> Iterator[Caution]:
    y = run.data.y
    # rows that only look alike have a caution of their own
    known = {row for rows in run.data.units.same_material for row in rows}
    for rows in _told_apart_by_none(run):
        if known.issuperset(rows.tolist()) and (apart := _apart(run, rows)):
            yield Caution(
                "duplicates_disagree",
                f"Rows {_rows(run, rows)} are described as one material but differ {apart}: at least one is wrong, or "
                "a condition is missing.",
                rows=_labels(run, rows),
            )
    models = [
        done.residual_by_row()
        for (name, scheme), done in run.evaluations.items()
        if scheme == run.part.verdict.scheme
        and name in run.part.estimator_names()
        and run.specs.get(name, {}).get("kind") != "mean"
        and done.scores().r2 > 0
    ]
    missed = missed_by_all(models)
    if not len(missed):
        return
    label = run.schemes[run.part.verdict.scheme].label
    if len(missed) > max(3, _MOST_OUTLIERS * len(y)):
        yield Caution(
            "heavy_tails",
            f"{len(missed)} of {len(y)} rows lie far outside the usual error of the models ({label}): errors grow "
            "with the target, or a class of materials is not described; single rows can't be judged.",
            rows=_labels(run, missed),
        )
        return
    one = len(missed) == 1
    yield Caution(
        "missed_by_every_model",
        f"{'Row' if one else 'Rows'} {_rows(run, missed)} {'is' if one else 'are'} missed by every one of "
        f"{len(models)} model{'s' if len(models) > 1 else ''} to the same side, by most as an outlier ({label}): look "
        "at the value, its unit and its composition first.",
        rows=_labels(run, missed),
    )


def missed_by_all(residuals: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
    """Rows that every model misses to the same side, and more than half of the models as an outlier.

    A model misses a row whose residual is larger than its usual one (modified z-score beyond 1); an outlier lies beyond
    `OUTLYING`.

    Parameters
    ----------
    residuals : sequence of ndarray, each of shape (n_rows,)
        Mean held-out residual of each row; NaN where a row was not scored.
    """
    if not residuals:
        return np.zeros(0, dtype=np.int64)
    scores = []
    for residual in residuals:
        centre = np.nanmedian(residual)
        width = float(np.nanmedian(np.abs(residual - centre)))
        scores.append(0.6745 * (residual - centre) / width if width > 0 else np.zeros(len(residual)))
    z = np.nan_to_num(np.array(scores))
    far = (np.abs(z) > OUTLYING).mean(axis=0) > 0.5
    return np.flatnonzero(far & ((z > 1.0).all(axis=0) | (z < -1.0).all(axis=0)))


# --- what the scores can't say -------------------------------------------------------------------------------


def _scores(run: Run) -> Iterator[Caution]:
    broken = [
        f"{run.part.title_of(name)} ({run.schemes[scheme].label})"
        for (name, scheme), done in run.evaluations.items()
        if name in run.part.estimator_names() and not np.isfinite(done.y_pred).all()
    ]
    if broken:
        yield Caution("not_finite", f"Some predictions are not finite numbers: {_listed(broken)}.")
    undefined = [
        scheme
        for scheme in run.schemes
        if all(
            not np.isfinite(done.scores().r2)
            for (name, key), done in run.evaluations.items()
            if key == scheme and name in run.part.estimator_names()
        )
        and any(key == scheme for _, key in run.evaluations)
    ]
    for scheme in undefined:
        yield Caution(
            "no_r2",
            f"R² has no meaning under “{run.schemes[scheme].label}”: the scored targets don't differ from what they "
            "are compared with.",
        )


def _scrambled(run: Run, scrambles: Any) -> Iterator[Caution]:
    if not len(scrambles):
        return
    r2 = scrambles["r2"].to_numpy(dtype=float)
    observed, null, p = r2[0], r2[1:], float(scrambles["p"].iloc[0])
    name = run.part.title_of(str(scrambles["estimator"].iloc[0]))
    label = str(scrambles["scheme_label"].iloc[0])
    if len(null) >= 19 and not p <= 0.05:
        yield Caution(
            "no_better_than_chance",
            f"{_sentence(name, stop='')} does not do better than with a shuffled target ({label}: R² "
            f"{_minus(observed)}, 95 % of {len(null)} shuffles below {_minus(float(np.nanquantile(null, 0.95)))}; "
            f"p = {p:.2f}).",
        )
    elif len(null) < 19 and not observed > np.nanmax(null):
        yield Caution(
            "no_better_than_chance",
            f"{_sentence(name, stop='')} is beaten by one of {len(null)} shuffled targets ({label}: R² "
            f"{_minus(observed)} against {_minus(float(np.nanmax(null)))}).",
        )
    if np.nanmedian(null) >= 0.1:
        yield Caution(
            "learns_from_nothing",
            f"{_sentence(name, stop='')} reaches R² {_minus(float(np.nanmedian(null)))} on shuffled targets ({label}): "
            "something leaks from the scored rows into the model.",
        )


def _seeds(run: Run, seeds: Any, gains: Any) -> Iterator[Caution]:
    if not len(seeds):
        return
    for (name, scheme), values in seeds.groupby(["estimator", "scheme"], sort=False)["r2"]:
        reach = float(values.max() - values.min())
        gain = gains[(gains["estimator"] == name) & (gains["scheme"] == scheme)] if len(gains) else gains
        if len(gain) and reach > abs(float(gain["gain"].iloc[0])):
            label = str(seeds.loc[seeds["scheme"] == scheme, "scheme_label"].iloc[0])
            yield Caution(
                "seed_spread",
                f"With {len(values)} seeds R² of {run.part.title_of(str(name))} runs from "
                f"{_minus(float(values.min()))} to {_minus(float(values.max()))} ({label}): more than its gain over "
                f"the {run.part.title_of(run.part.baseline)}.",
            )


# --- words ---------------------------------------------------------------------------------------------------


def _labels(run: Run, rows: Iterable[int]) -> tuple[str, ...]:
    return tuple(str(label) for label in run.data.rows["row"].iloc[list(rows)])


def _rows(run: Run, rows: Iterable[int]) -> str:
    """Rows by label and name, a few of them."""
    chosen = run.data.rows.iloc[list(rows)]
    named = [
        str(label) if not str(name).strip() or str(name) == str(label) else f"{label} ({name})"
        for label, name in zip(chosen["row"], chosen["name"], strict=True)
    ]
    return _listed(named, most=_MOST_NAMED)


def _listed(items: Iterable[str], most: int = _MOST_NAMED) -> str:
    words = list(items)
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _said(run: Run, column: str) -> str:
    """Column in words with its unit, as on the axes of the figures."""
    from perospin.descriptors.labels import axis_label

    return axis_label(column, run.part.labels)


def _names(run: Run, what: str, columns: Sequence[str]) -> str:
    said = [_said(run, column) for column in columns]
    return f"{what} {said[0]}" if len(said) == 1 else f"{what}s {_listed(said)}"


def _has(columns: Sequence[str]) -> str:
    return "has" if len(columns) == 1 else "have"


def _is(columns: Sequence[str]) -> str:
    return "is" if len(columns) == 1 else "are"


def _short_label(label: str) -> str:
    return label.removesuffix(", each material on one side")


def _minus(value: float, decimals: int = 2) -> str:
    return f"{value:.{decimals}f}".replace("-", "−")


def _sentence(text: str, stop: str = ".") -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else text + stop
