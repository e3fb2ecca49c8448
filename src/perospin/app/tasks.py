"""What can run for long, by name: plain parameters and files in, files of the result out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perospin.progress import Progress

__all__ = ["TASKS"]

Task = Callable[[Mapping[str, Any], Mapping[str, Path], Path, Progress], None]
"""Called with parameters, files by name, the folder for results, and the progress callable."""


def _cations(parameters: Mapping[str, Any], files: Mapping[str, Path], out: Path, tell: Progress) -> None:
    """Compute what a formula's cations need; it is kept in the cache of cations."""
    from perospin.chemistry import IonLibrary
    from perospin.studies import Study

    study = Study.load(str(parameters["study"]))
    ions = IonLibrary.of(list(parameters["ions"]) or None)
    study.predictor(progress=tell).predict(
        str(parameters["formula"]),
        ions,
        lambda symbol: tell(f"quantum chemistry of {symbol}", 0, 0),
        dict(parameters["conditions"]),
    )


TASKS: Mapping[str, Task] = {"cations": _cations}
"""Tasks by name."""
