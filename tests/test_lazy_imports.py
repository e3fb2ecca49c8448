"""Importing perospin and asking for help stay fast, because nothing heavy is loaded for them."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

HEAVY = ("jax", "rdkit", "pyscf", "matplotlib", "sklearn", "pandas", "numpy", "scipy", "sqlalchemy", "xgboost", "shap")

HELP = "from perospin.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"


def _loaded(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running `code`."""
    report = f"{code}\nimport sys\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=120)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "code", ["import perospin", "import perospin.chemistry", HELP], ids=["import", "chemistry", "help"]
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert not _loaded(code) & set(HEAVY)


def test_help_answers_in_half_a_second() -> None:
    """Processor seconds, not seconds on the clock, so that a busy machine does not matter; the best of three."""
    used = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", HELP], capture_output=True, check=True, timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(used) < 0.5
