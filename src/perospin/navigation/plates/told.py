"""What a plate says, in rows: for a campaign, for a spreadsheet, and for the record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from perospin.errors import NavigationError
from perospin.navigation.plates.plate import Feature, PlateResult

__all__ = ["record", "result_rows", "scatter_of"]


def scatter_of(result: PlateResult, feature: Feature) -> float:
    """Pooled standard deviation between replicates that nothing is wrong with; 0 if there are none."""
    groups: dict[str, list[float]] = {}
    for well, flags, value in zip(result.wells, result.flags, feature.values, strict=True):
        if not flags and math.isfinite(value):
            groups.setdefault(result.map.name(well), []).append(float(value))
    several = [values for values in groups.values() if len(values) > 1]
    dof = sum(len(values) - 1 for values in several)
    return math.sqrt(sum(float(np.var(v)) * len(v) for v in several) / dof) if dof else 0.0


def result_rows(result: PlateResult, values: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Give the rows that ``perospin campaign tell`` takes, controls left out.

    A well without a line is told as failed. A well that is flagged otherwise has no value, so that nothing is told of
    it; the note says why. The error is that of the fit and the scatter of replicates together.

    Parameters
    ----------
    result : PlateResult
    values : dict of str to str, optional
        Objective of the campaign, as it is headed (``"gap (eV)"``), to the feature of the plate that it is.
    """
    chosen = {name: result.feature(feature) for name, feature in (values or {}).items()}
    columns = list(chosen.items()) or [(one.label, one) for one in result.features]
    scatter = {name: scatter_of(result, one) for name, one in columns}
    rows = []
    for i, well in enumerate(result.wells):
        if result.map.cell(well, "role") == "control":
            continue
        flags = result.flags[i]
        row: dict[str, Any] = {"name": result.map.name(well), "well": well}
        for name, one in columns:
            told = not flags and math.isfinite(one.values[i])
            error = math.hypot(one.errors[i] if math.isfinite(one.errors[i]) else 0.0, scatter[name])
            row[name] = float(one.values[i]) if told else ""
            row[_error_heading(name)] = error if told and error > 0 else ""
        row |= {head: result.map.cell(well, head) for head in result.map.made}
        row["outcome"] = "failed" if "empty" in flags else ""
        row["note"] = f"well {well}" + (f": {'; '.join(flags)}" if flags else "")
        rows.append(row)
    if not rows:
        raise NavigationError("all wells of this plate are controls; there is nothing to tell")
    return rows


def _error_heading(label: str) -> str:
    name, bracket, rest = label.partition(" (")
    return f"{name} error{bracket}{rest}"


def record(result: PlateResult) -> dict[str, Any]:
    """Give the record of the plate as plain JSON: files and their hashes, how it was analysed, all wells."""
    wells = []
    for i, well in enumerate(result.wells):
        one: dict[str, Any] = {"well": well, "map": result.map.rows.get(well, {}), "flags": list(result.flags[i])}
        for feature in result.features:
            one[feature.label] = _finite(feature.values[i])
            one[feature.error_label] = _finite(feature.errors[i])
        if result.lasting is not None:
            one["t80 interval (s)"] = [_finite(result.lasting.lower_s[i]), _finite(result.lasting.upper_s[i])]
            one["t80 law"] = result.lasting.law[i]
        if result.peaks is not None:
            one["other lines"] = int(result.peaks.shoulders[i])
        wells.append(one)
    return {
        "files": [{"name": name, "sha256": digest} for name, digest in result.sources],
        "kind": result.kind,
        "method": "Gaussian per eV on a straight baseline; Tauc (A E)^2; errors are those of the fits",
        "phases": [
            {"name": one.name, "energies (eV)": np.unique(one.energy_ev).tolist(), "source": one.source}
            for one in result.lines
        ],
        "warnings": list(result.warnings),
        "wells": wells,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
