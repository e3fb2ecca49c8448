"""The space that a model works in: forward from the unit of the target, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def forward(values: NDArray[np.float64], transform: str) -> NDArray[np.float64]:
    """Apply the target transform ("log10" or "none")."""
    return np.log10(values) if transform == "log10" else np.asarray(values, dtype=float)


def inverse(values: NDArray[np.float64], transform: str) -> NDArray[np.float64]:
    """Undo the target transform."""
    return 10.0 ** np.asarray(values, dtype=float) if transform == "log10" else np.asarray(values, dtype=float)
