"""Two results side by side: what differs in data and settings, and which scores changed by more than luck."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError
from perospin.learning.evidence.bootstrap import resampled_r2_of

if TYPE_CHECKING:
    import pandas as pd

    from perospin.studies.result import PartResult, StudyResult

__all__ = ["SideBySide", "compare_results"]

_SAME = 1e-9


@dataclass(frozen=True)
class SideBySide:
    """Part A and part B of two results.

    Attributes
    ----------
    a, b : str
        What they are, in words.
    same_rows : bool
        Whether both hold the same rows with the same targets: only then are differences paired row by row.
    differences : tuple of str
        What differs in data, settings and versions, one sentence each.
    scores : pandas.DataFrame
        One row for each estimator and scheme that both ran, and for the two models of the verdicts where their names
        differ: ``estimator_a``, ``estimator_b``, ``scheme``, ``scheme_label``, ``r2_a``, ``r2_b``, ``gain`` (B minus
        A), its interval ``low`` to ``high`` (NaN where it can't be paired), ``identical`` (every prediction equal).
    space : str
        What R2 is computed of.
    level : float
        Of the intervals.
    """

    a: str
    b: str
    same_rows: bool
    differences: tuple[str, ...]
    scores: pd.DataFrame
    space: str
    level: float


def compare_results(
    a: StudyResult,
    b: StudyResult,
    part_a: str | None = None,
    part_b: str | None = None,
    *,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[SideBySide]:
    """Compare two results, part by part.

    Parameters
    ----------
    a, b : StudyResult
    part_a, part_b : str, optional
        One part of each; without them all parts of the same name, or the default parts if no name agrees.
    n_boot, seed : int
        Resamples of materials for the intervals, and their seed.
    level : float
        Of the intervals.

    Raises
    ------
    StudyError
        If a part does not exist.
    """
    for result, part in ((a, part_a), (b, part_b)):
        if part is not None and part not in result.parts:
            raise StudyError(
                f"the result '{result.name}' has no part '{part}'; its parts are: {', '.join(result.parts)}"
            )
    if part_a or part_b:
        pairs = [(part_a or part_b or "", part_b or part_a or "")]
        pairs = [(x if x in a.parts else a.default_part, y if y in b.parts else b.default_part) for x, y in pairs]
    else:
        common = [name for name in a.parts if name in b.parts]
        pairs = [(name, name) for name in common] or [(a.default_part, b.default_part)]
    return [_compare(a, b, a.parts[x], b.parts[y], n_boot, seed, level) for x, y in pairs]


def _compare(
    a: StudyResult, b: StudyResult, first: PartResult, second: PartResult, n_boot: int, seed: int, level: float
) -> SideBySide:
    import pandas as pd

    same_rows, about_rows = _rows(first, second)
    differences = [*about_rows, *_settings(first, second), *_versions(a, b)]
    same_space = first.spec.target.transform == second.spec.target.transform
    records = list(_scores(first, second, same_rows, same_space, n_boot, seed, level))
    target = first.spec.target
    space = target.space if same_space else f"the {target.quantity}"
    name = lambda result, part: result.name if len(result.parts) == 1 else f"{result.name}, {part.name}"  # noqa: E731
    return SideBySide(
        name(a, first), name(b, second), same_rows, tuple(differences), pd.DataFrame(records), space, level
    )


# --- what differs --------------------------------------------------------------------------------------------


def _rows(first: PartResult, second: PartResult) -> tuple[bool, list[str]]:
    """Whether rows and targets are the same, and in which they differ."""
    ours = dict(zip(first.rows["row"].astype(str), first.rows["target"].astype(float), strict=True))
    theirs = dict(zip(second.rows["row"].astype(str), second.rows["target"].astype(float), strict=True))
    only_a, only_b = [r for r in ours if r not in theirs], [r for r in theirs if r not in ours]
    changed = [r for r in ours if r in theirs and not np.isclose(ours[r], theirs[r], rtol=_SAME, atol=0)]
    found = []
    if only_a or only_b:
        found.append(f"Rows only in A: {_some(only_a)}; only in B: {_some(only_b)}.")
    if changed:
        found.append(f"The target differs in rows {_some(changed)}.")
    shared = [c for c in first.features.columns if c in second.features.columns]
    if not found and shared:
        left, right = (part.features[shared].to_numpy(dtype=float) for part in (first, second))
        moved = [
            column
            for i, column in enumerate(shared)
            if not np.allclose(left[:, i], right[:, i], rtol=1e-6, atol=1e-12, equal_nan=True)
        ]
        if moved:
            found.append(f"Descriptor values differ in {_some(moved)}.")
    same = not (only_a or only_b or changed) and list(ours) == list(theirs)
    return same, found


def _settings(first: PartResult, second: PartResult) -> Iterator[str]:
    ours, theirs = (part.spec.model_dump(mode="json", exclude_defaults=True) for part in (first, second))
    for section in ("seed", "baseline", "target", "descriptors", "data", "guard", "features"):
        if ours.get(section) != theirs.get(section):
            yield f"{section}: {_change(ours.get(section), theirs.get(section))}."
    for what, key in (("estimators", "name"), ("schemes", None)):
        left = {_name(item, key): item for item in ours.get(what, [])}
        right = {_name(item, key): item for item in theirs.get(what, [])}
        gone, new = [n for n in left if n not in right], [n for n in right if n not in left]
        if gone or new:
            yield f"{what} only in A: {_some(gone)}; only in B: {_some(new)}."
        for name in left:
            if name in right and left[name] != right[name]:
                yield f"{what[:-1]} {name}: {_change(left[name], right[name])}."


def _name(item: Mapping[str, Any], key: str | None) -> str:
    return str(item[key]) if key else str(item.get("name") or item.get("kind"))


def _change(ours: Any, theirs: Any) -> str:
    """Say what changed, key by key for tables."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        keys = [k for k in dict.fromkeys([*ours, *theirs]) if ours.get(k) != theirs.get(k)]
        return "; ".join(f"{key} {_short(ours.get(key))} in A, {_short(theirs.get(key))} in B" for key in keys)
    return f"{_short(ours)} in A, {_short(theirs)} in B"


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _versions(a: StudyResult, b: StudyResult) -> Iterator[str]:
    ours, theirs = a.provenance.get("versions", {}), b.provenance.get("versions", {})
    moved = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name)]
    if moved:
        listed = ", ".join(f"{name} {ours.get(name, 'absent')} and {theirs.get(name, 'absent')}" for name in moved)
        yield f"Versions: {listed}."


def _some(items: list[str]) -> str:
    if not items:
        return "none"
    return ", ".join(items[:8]) + (f" and {len(items) - 8} more" if len(items) > 8 else "")


# --- scores --------------------------------------------------------------------------------------------------


def _scores(
    first: PartResult, second: PartResult, same_rows: bool, same_space: bool, n_boot: int, seed: int, level: float
) -> Iterator[dict[str, Any]]:
    names = [n for n in first.spec.estimator_names() if n in second.spec.estimator_names()]
    pairs = [(name, name) for name in names]
    verdicts = (first.spec.verdict.estimator, second.spec.verdict.estimator)
    if verdicts[0] != verdicts[1]:
        pairs.append(verdicts)
    for scheme in dict.fromkeys(first.scores["scheme"]):
        for ours, theirs in pairs:
            left, right = first.score(ours, scheme), second.score(theirs, scheme)
            if left is None or right is None:
                continue
            metric = "r2" if same_space else "r2_original"
            record: dict[str, Any] = {
                "estimator_a": ours,
                "estimator_b": theirs,
                "label": first.spec.title_of(ours)
                if ours == theirs
                else f"{first.spec.title_of(ours)} (A), {second.spec.title_of(theirs)} (B)",
                "scheme": scheme,
                "scheme_label": first.scheme_label(scheme),
                "in_sample": bool(left["in_sample"]),
                "r2_a": left[metric],
                "r2_b": right[metric],
                "gain": right[metric] - left[metric],
                "low": float("nan"),
                "high": float("nan"),
                "identical": False,
            }
            if same_rows:
                record |= _paired(first, second, ours, theirs, scheme, same_space, n_boot, seed, level)
            yield record


def _paired(
    first: PartResult,
    second: PartResult,
    ours: str,
    theirs: str,
    scheme: str,
    same_space: bool,
    n_boot: int,
    seed: int,
    level: float,
) -> dict[str, Any]:
    """Interval of the difference, from materials resampled together, if both scored the same rows in the same folds."""
    left, right = first.predicted(ours, scheme), second.predicted(theirs, scheme)
    if len(left) != len(right) or (left["row"] != right["row"]).any() or (left["fold"] != right["fold"]).any():
        return {}
    values = []
    for part, frame in ((first, left), (second, right)):
        found = [frame[c].to_numpy(dtype=float) for c in ("y_true", "y_pred", "y_reference")]
        values.append(found if same_space else [part.spec.target.inverse(column) for column in found])
    true = values[0][0]
    identical = bool(np.array_equal(values[0][1], values[1][1]))
    if not np.isfinite([values[0][1], values[1][1]]).all():
        return {"identical": identical}
    squares = np.array([(predicted - true) ** 2 for _, predicted, _ in values])
    entry = first.spec.scheme(scheme)
    # a reference learnt from training rows is no part of what is resampled
    fixed = entry.rule.fixed_reference and same_space
    about = (values[0][2] - true) ** 2 if fixed else None
    unit_of = first.rows.set_index("row")["unit"] if "unit" in first.rows else None
    groups = left["row"].to_numpy() if unit_of is None else unit_of.loc[left["row"]].to_numpy()
    r2 = resampled_r2_of(true, squares, about, groups, n_boot, seed)
    gains = (r2[1] - r2[0])[1:]
    if not gains.size or not np.isfinite(gains).all():
        return {"identical": identical}
    low, high = np.percentile(gains, [50.0 * (1.0 - level), 50.0 * (1.0 + level)])
    return {"low": float(low), "high": float(high), "identical": identical}
