"""The tables of the page, as plain lists that the template prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from perospin.descriptors.labels import words
from perospin.digits import counted, figures, number
from perospin.reports import hard_rows as hard

if TYPE_CHECKING:
    from perospin.studies.result import PartResult


def score_table(part: PartResult) -> dict[str, Any]:
    """Estimators by schemes; the baseline first, so that it stands beside every model."""
    spec = part.spec
    ran = set(part.scores["scheme"])
    schemes: list[dict[str, Any]] = [
        {
            "key": s.key,
            "label": part.scheme_label(s.key),
            "in_sample": s.kind == "in_sample",
            "headline": s.key == spec.verdict.scheme,
        }
        for s in spec.schemes
        if s.key in ran
    ]
    schemes.sort(key=lambda s: (s["in_sample"], not s["headline"]))
    names = [n for n in spec.estimator_names() if n in set(part.scores["estimator"])]
    names.sort(key=lambda n: n != spec.baseline)
    base = {s["key"]: part.told_score(spec.baseline, s["key"]) for s in schemes}
    rows = []
    for name in names:
        cells = []
        for scheme in schemes:
            score, rule = part.told_score(name, scheme["key"]), base[scheme["key"]]
            cells.append(
                None
                if score is None
                else _cell(score, rule, scheme, name == spec.baseline, part.spec.target.logarithmic)
            )
        rows.append(
            {
                "name": name,
                "label": spec.title_of(name),
                "why": spec.why_of(name),
                "baseline": name == spec.baseline,
                "verdict": name == spec.verdict.estimator,
                "known": spec.known_beforehand(name),
                "cells": cells,
            }
        )
    return {"schemes": schemes, "rows": rows, "log": part.spec.target.logarithmic}


def headline_schemes(part: PartResult) -> list[str]:
    """Name the scheme of the verdict and plain leave-one-out, as far as they were run."""
    ran = set(part.scores["scheme"])
    plain = [s.key for s in part.spec.schemes if s.kind == "leave_one_out"]
    return [key for key in dict.fromkeys([part.spec.verdict.scheme, *plain]) if key in ran]


def subset_tables(part: PartResult) -> list[dict[str, Any]]:
    """Every estimator with and without the rows of each declared subset, under the headline schemes."""
    spec = part.spec
    found = []
    for subset in spec.checks.subsets:
        for scheme in headline_schemes(part):
            rule = part.without(subset.name, spec.baseline, scheme)
            rows = []
            for name in spec.estimator_names():
                row, score = part.without(subset.name, name, scheme), part.score(name, scheme)
                if row is None or score is None:
                    continue
                rows.append(
                    {
                        **row,
                        "label": spec.title_of(name),
                        "known": spec.known_beforehand(name),
                        "baseline": name == spec.baseline,
                        "verdict": name == spec.verdict.estimator,
                        "r2": score["r2"],
                        "r2_original": score["r2_original"],
                        "typical_factor": score["typical_factor"],
                        # what prints as the same number counts as equal
                        "better": rule is not None and row["sse_others"] < rule["sse_others"] - 0.005,
                    }
                )
            if rows:
                rows.sort(key=lambda row: not row["baseline"])
                labels = [str(label) for label in subset.rows]
                names = part.rows.set_index(part.rows["row"].astype(str))["name"].to_dict()
                found.append(
                    {
                        "name": subset.name,
                        "why": subset.why,
                        "named": ", ".join(f"{label} {names.get(label, '')}".strip() for label in labels),
                        "n_rows": rows[0]["n_rows"],
                        "n_others": rows[0]["n_others"],
                        "scheme_label": part.scheme_label(scheme),
                        "rows": rows,
                    }
                )
    return found


def _cell(score: Any, rule: Any, scheme: Any, is_baseline: bool, log: bool) -> dict[str, Any]:
    # Differences below 0.005 print as the same number, so they count as equal.
    better = not is_baseline and rule is not None and score["r2"] > rule["r2"] + 0.005
    spread = None
    if math.isfinite(score["split_r2_low"]):
        spread = f"{number(score['split_r2_low'])} to {number(score['split_r2_high'])}"
    return {
        "r2": score["r2"],
        "original": score["r2_original"] if log else None,
        "factor": score["typical_factor"] if log else None,
        "mse": score["mse"],
        "mae": score["mae"],
        "spread": spread,
        "seeds": seeds_text(score),
        "better": better and not scheme["in_sample"],
        "in_sample": scheme["in_sample"],
    }


def seeds_text(score: Any) -> str:
    """Say over how many seeds a score is the middle, and how far they spread; empty where one seed was run."""
    if not score.get("n_seeds"):
        return ""
    return f"middle of {score['n_seeds']} seeds, {number(score['r2_low'])} to {number(score['r2_high'])}"


def tiles(part: PartResult) -> list[dict[str, str]]:
    """Pick the few numbers that a reader should take away, each with its scheme."""
    spec = part.spec
    scheme, label = spec.verdict.scheme, part.scheme_label(spec.verdict.scheme)
    space = spec.target.short_space
    found = []
    for name, tone in ((spec.baseline, "baseline"), (spec.verdict.estimator, "model")):
        score = part.told_score(name, scheme)
        if score:
            seeds = seeds_text(score)
            found.append(
                {
                    "tone": tone,
                    "value": f"R² {number(score['r2'])}",
                    "what": spec.title_of(name) + (", not blind" if spec.known_beforehand(name) else ""),
                    "scheme": f"{label} · {space}" + (f" · {seeds}" if seeds else ""),
                }
            )
    score = part.told_score(spec.verdict.estimator, scheme)
    if score and score["typical_factor"] and part.spec.target.logarithmic:
        found.append(
            {
                "tone": "plain",
                "value": f"× {score['typical_factor']:.2f}",
                "what": "typical factor between prediction and truth",
                "scheme": label,
            }
        )
    fitted = next((s.key for s in spec.schemes if s.kind == "in_sample"), None)
    own = part.score(spec.verdict.estimator, fitted) if fitted else None
    if own:
        found.append(
            {
                "tone": "fitted",
                "value": f"R² {number(own['r2'])}",
                "what": spec.title_of(spec.verdict.estimator),
                "scheme": "in sample: not a prediction",
            }
        )
    if part.noise.get("ceiling_r2"):
        found.append(
            {
                "tone": "plain",
                "value": f"R² {number(part.noise['ceiling_r2'])}",
                "what": "ceiling set by noise",
                "scheme": f"{counted(len(part.noise['pairs']), 'material')} measured twice",
            }
        )
    return found


def quantity_table(part: PartResult) -> dict[str, Any]:
    """Error of each quantity by estimator and scheme, where one table holds several; empty otherwise."""
    found, log = part.by_quantity, part.spec.target.logarithmic
    if found.empty:
        return {}
    names = list(dict.fromkeys(found["quantity"]))
    error = "typical_factor" if log else "rmse"
    rows = []
    for (scheme, estimator), mine in found.groupby(["scheme", "estimator"], sort=False):
        by = dict(zip(mine["quantity"], mine[error], strict=True))
        rows.append(
            {
                "label": part.spec.title_of(str(estimator)),
                "scheme": part.scheme_label(str(scheme)),
                "cells": [figures(by[name], 3) if name in by else "" for name in names],
            }
        )
    counts = found.drop_duplicates("quantity").to_dict("records")
    listed = "; ".join(
        f"{c['quantity']}: {counted(c['n_scored'], 'value')} of {counted(c['n_materials'], 'material')}" for c in counts
    )
    return {"names": names, "rows": rows, "counts": listed}


def gain_table(part: PartResult) -> list[dict[str, Any]]:
    """Gain over the baseline under the scheme of the verdict and plain leave-one-out."""
    if part.gains.empty:
        return []
    keep = part.gains[part.gains["scheme"] == part.spec.verdict.scheme]
    records = []
    for row in keep.to_dict("records"):
        names = {
            "label": part.spec.title_of(str(row["estimator"])),
            "scheme_label": part.scheme_label(str(row["scheme"])),
        }
        records.append({**{str(key): value for key, value in row.items()}, **names})
    return records


def repeated_pair_table(part: PartResult) -> list[dict[str, Any]]:
    """Set the model of the verdict against every other under the first repeated scheme, if there is one."""
    repeated = [s.key for s in part.spec.schemes if s.rule.repeats]
    if part.pairs.empty or not repeated:
        return []
    name = part.spec.verdict.estimator
    keep = part.pairs[(part.pairs["scheme"] == repeated[0]) & (part.pairs[["better", "worse"]] == name).any(axis=1)]
    records = []
    for row in keep.to_dict("records"):
        leads = row["better"] == name
        other = part.spec.title_of(str(row["worse"] if leads else row["better"]))
        ends = (row["low"], row["high"]) if leads else (-row["high"], -row["low"])
        gain = row["gain"] if leads else -row["gain"]
        values = {"label": f"over {other}", "gain": gain, "low": ends[0], "high": ends[1]}
        records.append({**{str(key): value for key, value in row.items()}, **values})
    return records


def stated_table(part: PartResult) -> dict[str, Any]:
    """Figures stated elsewhere beside ours: in sample, leave-one-out, tagged and repeated splits."""
    kinds = ("in_sample", "leave_one_out", "tagged", "repeated_holdout")
    schemes = [s for kind in kinds for s in part.spec.schemes if s.kind == kind]
    names = {"r2": "R²", "mse": "MSE", "mae": "MAE", "typical_factor": "typical factor"}
    rows = []
    for figure in part.spec.stated:
        scores = [part.score(figure.estimator, s.key) if figure.estimator else None for s in schemes]
        rows.append(
            {
                "label": figure.label,
                "metric": names.get(figure.metric, figure.metric.replace("_", " ")),
                "value": figure.value,
                "scheme": figure.scheme,
                "source": figure.source,
                "note": figure.note,
                "ours": [None if score is None else score[figure.metric] for score in scores],
            }
        )
    return {
        "schemes": [{"label": part.scheme_label(s.key), "in_sample": s.kind == "in_sample"} for s in schemes],
        "rows": rows,
    }


def row_table(part: PartResult) -> list[dict[str, Any]]:
    """Every row: measured, and predicted out of fold by the baseline and the model."""
    spec = part.spec
    columns = {}
    for name in (spec.baseline, spec.verdict.estimator):
        frame = part.predicted(name, spec.verdict.scheme)
        values = 10.0 ** frame["y_pred"] if part.spec.target.logarithmic else frame["y_pred"]
        columns[name] = values.groupby(frame["row"]).mean().to_dict()
    return [
        {
            **{str(key): value for key, value in row.items()},
            "baseline": columns[spec.baseline].get(row["row"]),
            "model": columns[spec.verdict.estimator].get(row["row"]),
        }
        for row in part.rows.to_dict("records")
    ]


_TONES = {"yes": "yes", "leans for": "yes", "no": "no", "leans against": "no"}


def claims(part: PartResult) -> list[dict[str, Any]]:
    """Put published claims beside what was found."""
    return [
        {
            **{str(key): value for key, value in row.items()},
            "model": part.spec.title_of(str(row["estimator"])),
            "tone": _TONES.get(str(row["holds"]), ""),
        }
        for row in part.directions().to_dict("records")
    ]


def directions(part: PartResult) -> list[dict[str, Any]]:
    """Every direction, with its column, its model and what it means in words."""
    quantity = part.spec.target.quantity
    meaning = {"up": f"higher {quantity}", "down": f"lower {quantity}", "none": "nothing"}
    return [
        {
            **{str(key): value for key, value in row.items()},
            "name": words(str(row["column"]), part.spec.labels),
            "model": part.spec.title_of(str(row["estimator"])),
            "means": meaning[str(row["direction"])],
            "tone": "yes" if row["sure"] == "yes" else "",
        }
        for row in part.directions_found.to_dict("records")
    ]


def coverage(part: PartResult) -> list[dict[str, Any]]:
    """Coverage at each level; the width of an interval is a factor where models work in logarithms."""
    unit = f" {part.spec.target.unit}".rstrip()
    rows = []
    for row in part.coverage.to_dict("records"):
        if not math.isfinite(row["width"]):
            width = "no end"
        elif part.spec.target.logarithmic:
            width = f"÷ and × {10 ** (row['width'] / 2):.1f}"
        else:
            width = f"± {row['width'] / 2:.2g}{unit}"
        rows.append(
            {
                **{str(key): value for key, value in row.items()},
                "label": part.spec.title_of(str(row["estimator"])),
                "width": width,
            }
        )
    return rows


def hard_rows(part: PartResult) -> list[dict[str, Any]]:
    """Rows that defeat every model, with what is near them in one text."""
    return [
        {
            **{str(key): value for key, value in row.items()},
            "near": ", ".join(f"{name} {figures(value, 2)}" for name, value in row["neighbours"]),
        }
        for row in hard.hard_rows(part).to_dict("records")
    ]
