from __future__ import annotations

import re
from pathlib import Path

from perospin.learning import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "estimators.md"


def test_the_manual_lists_every_kind_and_no_other():
    table = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    listed = {kind for line in table for kind in re.findall(r"`(\w+)`", line.split("|")[1])} - {"kind", "tune"}
    assert listed == set(KINDS)
