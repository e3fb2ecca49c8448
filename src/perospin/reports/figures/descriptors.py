"""Correlations of the descriptors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.descriptors.labels import words

if TYPE_CHECKING:
    from perospin.studies.result import PartResult


def pearson_columns(part: PartResult) -> list[str]:
    """Columns shown in the Pearson map: the declared feature sets, at most twenty that vary."""
    columns = [c for names in part.spec.features.values() for c in names]
    if not columns:
        columns = part.spec.columns_of(part.spec.verdict.estimator)
    columns = part.spec.data.scales_of(dict.fromkeys(columns))
    columns = [c for c in columns if c in part.features and part.features[c].nunique() > 1]
    return columns[:20]


def pearson(part: PartResult) -> Figure | None:
    """Pearson correlation between descriptors; pairs beyond 0.9 are framed."""
    columns = pearson_columns(part)
    if len(columns) < 3:
        return None
    matrix = part.features[columns].corr().to_numpy()
    n = len(columns)
    size = min(style.WIDE, 2.2 + 0.36 * n)
    figure = Figure(figsize=(size + 0.6, size))
    axes = figure.subplots()
    shown = np.where(np.triu(np.ones_like(matrix, dtype=bool), 1), np.nan, matrix)
    image = axes.imshow(shown, cmap="PuOr", vmin=-1, vmax=1)
    for i in range(n):
        for j in range(i):
            value = matrix[i, j]
            if n <= 14 and math.isfinite(value):
                axes.text(
                    j,
                    i,
                    "0" if abs(value) < 0.005 else f"{value:.2f}".replace("0.", ".").replace("-", "−"),
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color="white" if abs(value) > 0.65 else style.BLACK,
                )
            if abs(value) > 0.9:
                axes.add_patch(
                    matplotlib.patches.Rectangle(
                        (j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=style.ORANGE, linewidth=1.8
                    )
                )
    labels = [words(c, part.spec.labels) for c in columns]
    axes.set_xticks(range(n), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), labels)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=30, pad=0.02)
    bar.set_label("Pearson r (framed: |r| > 0.9)", fontsize=7.5)
    bar.outline.set_visible(False)
    return figure
