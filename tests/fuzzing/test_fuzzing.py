"""A slice of what ``scripts/fuzz.py`` runs, and the harness itself: it must see what goes wrong."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from fuzzing import (
    containers,
    crystals,
    formulas,
    readers,
    saved_fits,
    saved_models,
    saved_results,
    smiles,
    tables,
    toml,
)
from fuzzing.harness import Outcome, Target, run, table
from perospin.errors import DataError

TARGETS = {
    formulas.TARGET: 400, smiles.TARGET: 400, tables.TARGET: 200, readers.TARGET: 100, containers.TARGET: 400,
    crystals.TARGET: 60, toml.TARGET: 100, saved_fits.TARGET: 150, saved_models.TARGET: 30, saved_results.TARGET: 10,
}  # fmt: skip
"""Kinds, and how many inputs the short slice has."""


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_slice(target: Target, tmp_path: Path) -> None:
    outcome = run(target, TARGETS[target], seed=11, folder=tmp_path)
    assert outcome.failures == 0, outcome.examples
    assert outcome.accepted > 0  # the generator does reach what can be read


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_longer_slice(target: Target, tmp_path: Path) -> None:
    outcome = run(target, 20 * TARGETS[target], seed=12, folder=tmp_path)
    assert outcome.failures == 0, outcome.examples


def _broken(kind: int, folder: Path) -> bool:
    if kind == 1:
        raise KeyError("uncaught")
    if kind == 2:
        raise DataError("")
    if kind == 3:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
    if kind == 4:
        (folder.parent / "EVIL").write_text("x", encoding="utf-8")
    if kind == 5:
        time.sleep(60)
    return True


@pytest.mark.parametrize(
    ("kind", "counts"),
    [(0, (0, 0, 0, 0)), (1, (1, 0, 0, 0)), (2, (0, 1, 0, 0)), (3, (0, 0, 1, 0)), (4, (0, 0, 0, 1)), (5, (1, 0, 0, 0))],
)
def test_the_harness_counts_what_goes_wrong(kind: int, counts: tuple[int, ...], tmp_path: Path) -> None:
    calls = iter([0] * 30)  # the first calls warm up

    def make(_: random.Random) -> int:
        return next(calls, kind)

    patience_s = 0.5 if kind == 5 else 60.0
    outcome = run(Target("broken", make, _broken, limit_s=0.02), 1, seed=1, folder=tmp_path, patience_s=patience_s)
    assert (outcome.uncaught, outcome.bad_message, outcome.slow, outcome.outside) == counts
    assert outcome.failures == sum(counts)
    assert len(outcome.examples) == sum(counts)


def test_the_table_names_each_kind() -> None:
    assert "| tables | 3 | 1 | 0 | 0 | 0 | 0 | 0.50 | 12 |" in table(
        [Outcome("tables", tries=3, accepted=1, slowest_s=0.5, memory_mb=12)]
    )
