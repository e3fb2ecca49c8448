"""Captions of the figures: what is shown, and how to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perospin.reports.figures.common import in_sample_scheme

if TYPE_CHECKING:
    from perospin.studies.result import PartResult


def _curve_text(part: PartResult) -> str:
    """Where the learning curves lead, or that it can't be told."""
    return " ".join(
        f"{part.spec.title_of(str(row['estimator']))}: {row['text']}." for row in part.curve_fits.to_dict("records")
    ).replace("R2", "R²")


def of(part: PartResult) -> dict[str, str]:
    """Caption of each figure by its name."""
    spec = part.spec
    model, rule = spec.title_of(spec.verdict.estimator), spec.title_of(spec.baseline)
    label = part.scheme_label(spec.verdict.scheme)
    explained = spec.title_of(spec.explain.estimator) if spec.explain else ""
    obtained = spec.target.obtained
    band = ", the grey band is beyond the ceiling that noise sets" if part.noise.get("ceiling_r2") else ""
    inset = " The inset enlarges the low range." if spec.target.low_range else ""
    open_circles = "" if part.rows["certain"].all() else " Open circles: composition uncertain."
    grouped = (
        " Several descriptors together are coloured by the first of them."
        if spec.explain and spec.explain.players
        else ""
    )
    fitted = in_sample_scheme(part) is not None
    crosses = " Crosses are in sample: scored on the training rows." if fitted else ""
    also = f", and {model} in sample" if fitted else ""
    return {
        "answer": f"{model}: each material predicted by a model that had not seen it ({label})."
        + (" The grey band holds half of them." if spec.target.logarithmic else "")
        + open_circles,
        "overview": f"Every estimator under every scheme; the dashed line is the {rule} ({label}){band}.{crosses} "
        "Scores below −1 stand at the edge with their value.",
        "parity": f"Predicted against {obtained}: the {rule} and {model} ({label}){also}.{inset}{open_circles}",
        "parity-log": f"Predicted against {obtained} on logarithmic axes: the {rule} and {model} ({label}){also}; the "
        "grey band is a factor 2 either way.",
        "quantities": f"Left: {model} ({label}), one mark a quantity. Right: root mean square error of every estimator "
        "by scheme, all quantities together.",
        "residuals": f"Left: residuals of {model} ({label}). Right: the ten rows that are furthest off, {obtained} and "
        "predicted; (?) marks an uncertain composition.",
        "splits": "How much one random split says: nothing. Each count is the same model on another random split; one "
        "lucky split can show any score in the shaded band.",
        "grid": "Every network of the published script's grid, scored twice: on its own training rows (across) and on "
        "rows it has not seen (up). They agree on the grey diagonal.",
        "learning-curve": "Would more rows help? Held-out score against the number of training rows; bands are "
        f"90 % intervals from resampled rows and draws. {_curve_text(part)}",
        "scrambling": "The whole validation repeated with the target shuffled among the rows. A model that has learnt "
        "something stands clear of the shuffles; shuffles clear of 0 would mean a leak.",
        "pairs": "Is one model better than another? Gain in R² of each row over each column. ● sure (p < 0.05 after "
        "correction for the number of pairs), ○ p < 0.05 for this pair alone, no mark: this table can't tell.",
        "seeds": "The same model with other seeds (of the model, and of the split where it is drawn by lot).",
        "pearson": "Pearson correlation between descriptors over all rows. Of a framed pair, a screen at |r| > 0.9 "
        "keeps the one that is declared first, inside each training set.",
        "beeswarm": f"Exact Shapley values of {explained}: how much each descriptor moves each prediction, for the "
        "final fit on its own rows and for rows that were held out. Both say what the model does, not what nature "
        f"does.{grouped}",
        "coverage": "How often an interval holds what it promises. The whole procedure is repeated inside each "
        "training set, and its intervals are scored on rows that no part of it has seen. Left: observed against "
        "nominal; the bands are where 95 % of such tables fall by chance if the nominal level is right: for "
        "independent rows (dark), and if rows of a group stood or fell together (light). Right: the interval of every "
        "row, red if it misses.",
        "importance": f"Left: mean size of the Shapley values of {explained}; lines are standard errors from how folds "
        "differ. Right: what held-out rows lose in R² when a descriptor is replaced by that of other rows; filled "
        "where the interval excludes 0. Descriptors that say the same can stand in for each other.",
        "directions": "Which way does each descriptor push the prediction, and is that sure? Filled: sure. Open: it "
        "could be another, similar descriptor, or held-out rows hardly need it. Grey: this table can't tell (the "
        "reason is in the table below). Red: claimed in the literature. Each model has its own scale.",
        "dependence": "How the prediction moves with one descriptor. Grey: held-out rows, each by the model that has "
        "not seen it. Blue: mean over all folds with two standard errors (jackknife). Ticks: the rows there are; no "
        "model is asked beyond its own rows.",
        "interactions": "What descriptors do together that none does alone (Shapley interactions, held-out rows).",
        "formulas": "Formulas fitted to all rows: what a longer one buys, in sample. Ringed: the one that predicts, "
        "with the shortest description of the rows. How well the search does on rows it has not seen stands in the "
        "table of scores.",
        "radar": "Share of each descriptor in the sum of mean |Shapley| values.",
    }
