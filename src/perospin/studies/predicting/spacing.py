"""Layer spacing of a material that nobody has made, from the shipped model of the study `layer-spacing`.

The file holds numbers and text like any model (`perospin.studies.files`); ``python scripts/held_out_spacing.py``
writes it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.learning.training.spread import predict_with_spread
from perospin.studies.files.archive import read_archive, write_archive
from perospin.studies.files.plain_state import decode, encode

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODEL", "expected_spacings", "spacings_of", "write_spacing_model"]

MODEL = "layer_spacing_model.npz"
_WHAT, _FORMAT = "perospin spacing model", 1


def write_spacing_model(path: Path, model: Any, columns: list[str], ratio: float) -> Path:
    """Write a fitted spacing model; `ratio` is its root mean square held-out error over its own spread."""
    encoded, arrays = encode({"model": model, "columns": list(columns), "ratio": float(ratio)})
    return write_archive(path, _WHAT, _FORMAT, {"state": encoded}, arrays)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Any]:
    path = Path(str(resources.files("perospin.studies").joinpath("shipped", MODEL)))
    _, content, arrays = read_archive(path, _WHAT, _FORMAT)
    state: dict[str, Any] = decode(content["state"], arrays, f"'{MODEL}'")
    return state


def spacings_of(packing: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predicted spacing and its standard deviation (A) of rows of `packing_columns`; NaN where one isn't known."""
    state = _shipped()
    known = packing[state["columns"]].notna().all(axis=1).to_numpy()
    spacing, sd = np.full(len(packing), np.nan), np.full(len(packing), np.nan)
    if known.any():
        spacing[known], spread = predict_with_spread(state["model"], packing[known])
        sd[known] = 0.0 if spread is None else state["ratio"] * spread
    return spacing, sd


def expected_spacings(materials: list[Any]) -> list[tuple[float, float] | None]:
    """Predicted layer spacing of materials and its standard deviation (A); None where a descriptor isn't known."""
    from perospin.descriptors import packing_columns

    spacing, sd = spacings_of(packing_columns(materials))
    return [None if np.isnan(a) else (float(a), float(b)) for a, b in zip(spacing, sd, strict=True)]
