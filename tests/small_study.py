"""A study small enough to run in a second, on made-up numbers with a stated law; shared by several tests."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FORMULAS = (
    "(BA)2PbI4",
    "(PEA)2PbI4",
    "(BA)2(MA)Pb2I7",
    "(PEA)2(MA)Pb2I7",
    "MAPbI3",
    "FAPbI3",
    "CsPbI3",
    "MAPbBr3",
    "(BA)2PbI4",
    "(PEA)2(MA)2Pb3I10",
    "(BA)2(MA)2Pb3I10",
    "(3AMP)PbI4",
    "(3AMP)(MA)Pb2I7",
    "(4AMP)PbI4",
    "(4AMP)(MA)Pb2I7",
    "(EOA)2PbI4",
)


def table() -> pd.DataFrame:
    """Sixteen rows; rate = 10**(0.5 x1 - 0.3 x2 + noise)."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, size=(len(FORMULAS), 3)).round(4)
    y = 0.5 * x[:, 0] - 0.3 * x[:, 1] + 0.02 * rng.standard_normal(len(x))
    return pd.DataFrame(
        {
            "row": range(1, len(x) + 1),
            "name": FORMULAS,
            "formula": FORMULAS,
            "origin": ["old"] * 11 + ["new"] * 5,
            "x1_ev": x[:, 0],
            "x2_debye": x[:, 1],
            "x3": x[:, 2],
            "rate_per_ps": (10**y).round(6),
        }
    )


RAW: dict[str, Any] = {
    "format": 1,
    "name": "small",
    "title": "A small study",
    "description": "Made-up numbers with a stated law.",
    "seed": 3,
    "baseline": "rule",
    "data": {
        "csv": "table.csv",
        "row": "row",
        "name": "name",
        "formula": "formula",
        "groups": {"compound": "formula", "spacer": "spacer", "family": "family"},
        "tag": {"column": "origin", "train": "old", "test": "new"},
        "plausible": {"rate_per_ps": [0.01, 100.0]},
        "faults": ["all numbers are made up"],
    },
    "target": {
        "column": "rate_per_ps",
        "quantity": "made-up rate",
        "unit": "1/ps",
        "transform": "log10",
        "low_range": 1.0,
    },
    "features": {"all": ["x1_ev", "x2_debye", "x3"]},
    "estimators": [
        {"name": "rule", "label": "two-class rule", "kind": "two_class_rule"},
        {"name": "ridge", "label": "ridge regression", "kind": "ridge", "alpha": 0.1, "features": "all"},
        {
            "name": "average",
            "kind": "average",
            "members": [{"kind": "ridge", "alpha": 0.1, "features": "all"}, {"kind": "mean"}],
            "schemes": ["loo"],
        },
    ],
    "grids": [
        {
            "name": "chosen",
            "label": "ridge, chosen on the scored folds",
            "spec": {"kind": "ridge", "features": "all"},
            "over": {"alpha": [0.01, 1.0, 100.0]},
            "schemes": ["loo", "in-sample"],
        }
    ],
    "schemes": [
        {"kind": "leave_one_group_out", "name": "loso", "group": "spacer", "label": "leave one spacer out"},
        {"kind": "leave_one_out", "name": "loo", "label": "leave one out"},
        {"kind": "tagged", "name": "old-new", "label": "old rows predict the new"},
        {"kind": "repeated_holdout", "name": "12-4", "n_test": 4, "n_repeats": 20, "label": "20 random 12/4 splits"},
        {"kind": "in_sample", "name": "in-sample", "label": "in sample"},
    ],
    "explain": {"estimator": "ridge", "scheme": "loo"},
    "claims": [{"column": "x1_ev", "direction": "up", "text": "more x1 is faster", "source": "the stated law"}],
    "stated": [
        {
            "label": "the law",
            "estimator": "ridge",
            "scheme": "by construction",
            "metric": "r2",
            "value": 1.0,
            "source": "-",
        }
    ],
    "checks": {
        "n_bootstrap": 200,
        "bootstrap_group": "spacer",
        "duplicates": "compound",
        "family_group": "family",
        "n_shuffles": 3,
        "shuffle_estimator": "ridge",
        "permutation": [{"estimator": "ridge", "scheme": "loo", "columns": ["x1_ev"], "n_permutations": 19}],
        "learning_curve": {"estimators": ["rule", "ridge"], "sizes": [6, 10], "n_repeats": 5},
        "coverage": {"estimators": ["ridge"], "scheme": "loso", "levels": [0.5, 0.8]},
    },
    "variants": {"tried": 3, "note": "The estimators listed."},
    "verdict": {"estimator": "ridge", "scheme": "loso", "supports": ["Nothing: <made up>."]},
}

DESCRIBED: dict[str, Any] = {
    "descriptors": {"source": "describe", "level": "fast"},
    "features": {"all": ["inverse_n", "tolerance_factor", "halide_z"]},
    "estimators": [
        {"name": "rule", "kind": "two_class_rule"},
        {"name": "ridge", "kind": "ridge", "features": "all"},
    ],
    "predict": {"estimator": "ridge", "scheme": "loo", "level": 0.8},
}
"""What to change for a study that can describe, and so predict, new materials."""


def raw(**changes: Any) -> dict[str, Any]:
    """The declaration with some sections replaced."""
    return {**copy.deepcopy(RAW), **copy.deepcopy(changes)}


def predicting() -> dict[str, Any]:
    """A declaration that can predict new materials."""
    content = raw(**DESCRIBED)
    for section in ("grids", "explain", "claims", "stated"):
        del content[section]
    content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
    return content


def write(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """Write table and study file; return the path of the study file."""
    table().to_csv(folder / "table.csv", index=False)
    path = folder / "small.toml"
    path.write_text(to_toml(content or RAW), encoding="utf-8")
    return path


def to_toml(content: dict[str, Any]) -> str:
    """Write nested dictionaries as TOML (top-level keys with inline values)."""
    return "\n".join(f"{key} = {_value(value)}" for key, value in content.items()) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {_value(v)}' for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return repr(value)
