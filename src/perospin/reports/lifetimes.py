"""The study of lifetimes under conditions on paper: figure, tables, what to cite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perospin.look import BLUE, GREEN, PINK, VERMILLION
from perospin.reports.citing import cite
from perospin.saving import one_run, plain, write_csv, write_text
from perospin.studies.lifetimes.study import CHOSEN, MODELS, SCHEMES
from perospin.studies.lifetimes.table import QUANTITIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perospin.studies.lifetimes.study import ConditionsResult

_COLOURS = {"tau_spin": BLUE, "T1": VERMILLION, "T2": PINK, "T2_star": GREEN}
_MARKS = {"tau_spin": "o", "T1": "s", "T2": "D", "T2_star": "^"}
_WORDS = {"tau_spin": "$\\tau_{spin}$", "T1": "$T_1$", "T2": "$T_2$", "T2_star": "$T_2^*$"}


def save(result: ConditionsResult, folder: str | Path) -> Path:
    """Write tables (CSV), effects and notes (JSON) and what to cite (BibTeX); return the folder."""
    with one_run(folder) as held:
        for name in ("scores", "gains", "predictions", "coverage"):
            write_csv(getattr(result, name), held / f"{name}.csv")
        write_csv(result.rows.to_frame(), held / "rows.csv")
        content = {"effects": result.effects, "notes": result.rows.notes, "models": dict(MODELS)}
        write_text(held / "conditions.json", json.dumps(plain(content), indent=1) + "\n")
        write_text(held / "references.bib", cite(result))
    return held


def draw(result: ConditionsResult) -> Figure:
    """Left: held-out predictions against stated values, whole materials out. Right: error of each model by scheme."""
    import matplotlib
    from matplotlib.figure import Figure

    from perospin import look as style

    with matplotlib.rc_context(style.RC):
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
        table = result.predictions
        scheme = next(iter(SCHEMES))
        mine = table[(table["model"] == CHOSEN) & (table["scheme"] == scheme)]
        low, high = mine["value_ps"].min() / 3, mine["value_ps"].max() * 3
        left.plot([low, high], [low, high], color="0.6", lw=0.8, zorder=0)
        for quantity in QUANTITIES:
            rows = mine[mine["quantity"] == quantity]
            factor = 10.0 ** rows["sd_decades"]
            left.errorbar(
                rows["value_ps"],
                rows["predicted_ps"],
                yerr=np.array([rows["predicted_ps"] * (1 - 1 / factor), rows["predicted_ps"] * (factor - 1)]),
                fmt=_MARKS[quantity],
                ms=4,
                mfc="none",
                color=_COLOURS[quantity],
                elinewidth=0.5,
                alpha=0.9,
                label=f"{_WORDS[quantity]} ({len(rows)})",
            )
        left.set(xscale="log", yscale="log", xlabel="stated lifetime (ps)", ylabel="predicted lifetime (ps)")
        left.set_title(f"{CHOSEN}, {scheme}", fontsize=8)
        left.legend(fontsize=7, frameon=False, loc="upper left")
        y = np.arange(len(MODELS))[::-1].astype(float)
        for shift, (label, mark) in zip((0.12, -0.12), zip(SCHEMES, "os", strict=True), strict=True):
            scores = [result.score(model, label) for model in MODELS]
            colour = "#000000" if mark == "o" else "#E69F00"
            right.plot([s["rmse"] for s in scores], y + shift, mark, color=colour, ms=6, label=label)
        right.set_yticks(y, [model.replace(" ", "\n", 1) for model in MODELS], fontsize=7)
        right.set(xlabel="rms error (decades of lifetime)", xlim=(0, 1.7), ylim=(-0.6, len(MODELS) - 0.2))
        right.legend(fontsize=7, frameon=False, loc="lower left")
        right.grid(axis="x", lw=0.3)
    return figure
