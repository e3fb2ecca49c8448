from __future__ import annotations

import re
from pathlib import Path

from perospin.learning import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "estimators.md"


def test_the_manual_lists_every_kind_and_no_other():
    text = PAGE.read_text(encoding="utf-8").split("## Options")[0]
    table = [line for line in text.splitlines() if line.startswith("| `")]
    listed = {kind for line in table for kind in re.findall(r"`(\w+)`", line.split("|")[1])} - {"kind", "tune"}
    assert listed == set(KINDS)


def test_the_manual_lists_every_option_as_the_class_declares_it():
    text = PAGE.read_text(encoding="utf-8").split("## Options")[1]
    rows = {line for line in text.splitlines() if line.startswith("| `")}
    assert rows == {
        f"| `{kind.name}` | `{name}` | {option.written} | {option.allowed} | {option.says} |"
        for kind in KINDS.values()
        for name, option in kind.says.items()
    }
