"""What a saved result must hold: every field of its type, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from perospin.errors import RefusedFileError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["check_content", "check_tables"]

_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "scores": ("n_scored", "n_rows", "r2", "mse", "mae", "r2_original", "mse_original", "mae_original"),
    "predictions": ("fold", "y_true", "y_pred"),
    "gains": ("gain", "low", "high", "level", "probability_positive"),
    "rows": ("target",),
    "permutations": ("r2",),
    "coverage": ("level",),
}
"""Columns that hold numbers alone wherever they stand."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "scores": ("estimator", "label", "scheme", "scheme_label", "in_sample", "n_scored", "n_rows", "r2", "mse", "mae"),
    "predictions": ("estimator", "scheme", "row", "fold", "y_true", "y_pred"),
    "gains": ("estimator", "scheme", "gain", "low", "high", "level", "probability_positive"),
    "rows": ("row", "name", "formula", "described_as", "certain", "source", "target"),
    "sanity": ("test", "text", "passed"),
}
"""Columns that a table which isn't empty must have."""


def check_content(content: Mapping[str, Any], folder: Path) -> None:
    """Refuse a result with a field of another type than perospin writes.

    Raises
    ------
    RefusedFileError
        One sentence that names the field.
    """
    for key in ("name", "title", "description", "default_part"):
        _demand(isinstance(content[key], str), folder, key, "a text")
    for key in ("data", "base", "data_from_here", "base_from_here"):
        _demand(content.get(key) is None or isinstance(content[key], str), folder, key, "a path or nothing")
    for key in ("provenance", "study", "parts"):
        _demand(isinstance(content[key], dict), folder, key, "values by name")
    made = content["provenance"]
    _demand(all(isinstance(made.get(key, {}), dict) for key in ("versions", "seeds", "not_modelled")), folder,
            "provenance", "what perospin writes")  # fmt: skip
    reasons = made.get("not_modelled", {}).values()
    _demand(all(isinstance(reason, str) for reason in reasons), folder, "provenance.not_modelled", "texts by name")
    _demand(_number(made.get("seconds", 0)), folder, "provenance.seconds", "a number")
    _demand(not content["parts"] or content["default_part"] in content["parts"], folder, "default_part", "a part")
    for name, part in content["parts"].items():
        _demand(isinstance(part, dict), folder, f"parts.{name[:40]}", "values by name")
        for key, kind, what in (
            ("spec", dict, "values by name"),
            ("noise", dict, "values by name"),
            ("shapley", dict, "tables by scheme"),
            ("provenance", dict, "values by name"),
            ("cautions", list, "a list"),
        ):
            _demand(isinstance(part.get(key, kind()), kind), folder, f"parts.{name[:40]}.{key}", what)
        _check_noise(part["noise"], folder)
        _check_variants(part["provenance"].get("variants"), folder)


def _check_noise(noise: Mapping[str, Any], folder: Path) -> None:
    if noise:
        _demand(isinstance(noise.get("pairs"), list), folder, "noise.pairs", "a list")
        _demand(_number(noise.get("sigma")), folder, "noise.sigma", "a number")
        for key in ("factor", "typical_factor", "ceiling_r2", "ceiling_r2_low", "ceiling_r2_high"):
            _demand(noise.get(key) is None or _number(noise[key]), folder, f"noise.{key}", "a number or nothing")


def _check_variants(variants: Any, folder: Path) -> None:
    """Models that were tried: how many in this run, and, if a log is kept, on this computer."""
    field = "provenance.variants"
    _demand(variants is None or isinstance(variants, dict), folder, field, "values by name")
    if variants:
        _demand(_number(variants.get("this_run")), folder, f"{field}.this_run", "a number")
        _demand(isinstance(variants.get("logged"), bool), folder, f"{field}.logged", "true or false")
        if variants["logged"]:
            _demand(isinstance(variants.get("studies"), list), folder, f"{field}.studies", "a list")
            _demand("settings" in variants and "since" in variants, folder, field, "complete")


def check_tables(tables: Mapping[str, pd.DataFrame], folder: Path, part: str) -> None:
    """Refuse tables that lack a column, or hold words where numbers stand.

    Raises
    ------
    RefusedFileError
    """
    for name, frame in tables.items():
        if not len(frame.columns):
            continue
        for column in _WORDS.get(name, ()):
            _demand(column in frame, folder, f"{part}/{name}.csv", f"a table with the column '{column}'")
        numbers = tuple(frame.columns) if name == "features" else _NUMBERS.get(name, ())
        for column in numbers:
            if column in frame and column not in ("row", "name"):
                right = frame[column].dtype.kind in "biuf" or bool(frame[column].isna().all())
                _demand(right, folder, f"{part}/{name}.csv", f"a table with numbers in the column '{column}'")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _demand(right: bool, folder: Path, field: str, what: str) -> None:
    if not right:
        raise RefusedFileError(f"'{folder}' does not hold a whole result: its '{field}' must be {what}; run it again")
