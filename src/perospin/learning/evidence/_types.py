"""Names of array types."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


Inverse = Callable[[FloatArray], FloatArray]
