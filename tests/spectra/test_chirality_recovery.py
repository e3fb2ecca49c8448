"""The table of recovery in docs/spectra/chirality.md, made again with fewer simulations."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_values_come_back_and_intervals_cover() -> None:
    script = ROOT / "benchmarks" / "chirality_recovery.py"
    done = subprocess.run([sys.executable, script, "80"], capture_output=True, text=True, check=True, timeout=500)
    rows = re.findall(r"^(.+?)\s{2,}(-?\d+\.\d+)\s+(\d+\.\d+)\s+(\d\.\d+)$", done.stdout, re.MULTILINE)
    assert len(rows) == 8
    for case, bias, spread, coverage in rows:
        # the mean of 80 values scatters by spread/9
        assert abs(float(bias)) < 0.3 + 0.35 * float(spread), case
        assert 0.52 < float(coverage) < 0.84, case
