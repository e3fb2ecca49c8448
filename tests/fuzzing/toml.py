"""TOML: study files and files of a user's ions."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import small_study
from fuzzing.harness import Target, fault_of, garbled, mutated_values
from perospin.chemistry.user_ions import read_toml
from perospin.errors import PerospinError
from perospin.studies.study import Study

SHIPPED = Path(__file__).parents[2] / "src" / "perospin" / "studies" / "shipped"


@cache
def seeds() -> tuple[str, ...]:
    """Study files as they ship, the one of the tests, and a file of ions."""
    shipped = [path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("*.toml"))]
    return (small_study.to_toml(small_study.RAW), *shipped, '[ions]\nPEEA = "[NH3+]CCc1ccccc1"\n')


def make(rng: random.Random) -> str:
    """Text with a piece changed, or a study with one value changed."""
    if rng.random() < 0.7:
        return garbled(rng, rng.choice(seeds()))
    while True:
        try:
            return small_study.to_toml(mutated_values(rng, small_study.RAW))
        except (TypeError, AttributeError):  # a value that TOML can't hold
            continue


def attempt(text: str, folder: Path) -> bool:
    """Open it as a study, checked, and as a file of ions; each refusal is a clean sentence."""
    path = folder / "a.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    accepted = False
    for read in (lambda: Study.load(path).check(), lambda: read_toml(path)):
        try:
            read()
        except PerospinError as error:
            if fault_of(str(error)):
                raise AssertionError(str(error)) from error
        else:
            accepted = True
    return accepted


TARGET = Target("toml", make, attempt)
