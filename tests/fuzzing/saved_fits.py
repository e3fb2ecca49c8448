"""Saved fits of both formats with one value changed, the checksum of the newer made right again, or garbled."""

from __future__ import annotations

import json
import random
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from fuzzing.harness import Target, garbled, mutated_values
from perospin.fitting.result import Fit
from perospin.measurements import SpinFit
from perospin.saving import digest

OLD = Path(__file__).parents[1] / "fitting" / "data" / "fit_format_1.json"


@cache
def seeds() -> tuple[dict[str, Any], ...]:
    """One fit in both formats."""
    old = json.loads(OLD.read_text(encoding="utf-8"))
    return old, Fit.from_json(json.dumps(old)).to_dict()


def signed(content: Any) -> Any:
    """Make the checksum of changed content right again."""
    if isinstance(content, dict) and "sha256" in content:
        content["sha256"] = digest({key: value for key, value in content.items() if key != "sha256"})
    return content


def make(rng: random.Random) -> tuple[str, bool]:
    """Text of a file, and whether it is read as a spin fit."""
    content = mutated_values(rng, rng.choice(seeds()))
    text = json.dumps(signed(content) if rng.random() < 0.75 else content)
    return garbled(rng, text) if rng.random() < 0.1 else text, rng.random() < 0.33


def attempt(content: tuple[str, bool], _: Path) -> bool:
    """Open it; what opens can be told, used and saved as it is."""
    text, spin = content
    kind = SpinFit if spin else Fit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = kind.from_json(text)
        assert all((fit.report(), fit.summary(), repr(fit), fit._repr_html_()))
        fit.covariance()
        assert kind.from_json(fit.to_json()).to_json() == fit.to_json()
    return True


TARGET = Target("saved_fits", make, attempt)
