"""Write the counts and the comparison of docs/cations.md from the shipped tables: python scripts/cations_page.py."""

from __future__ import annotations

import re
from pathlib import Path

from perospin.descriptors import shipped_table
from perospin.descriptors.cations.comparison import compare_with_spin52

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cations.md"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for level in ("fast", "neutral", "published"):
        text = re.sub(rf"(\| `{level}` \| )\d+", rf"\g<1>{len(shipped_table(level))}", text)
    frame = compare_with_spin52()
    lines = ["| cation | " + " | ".join(frame.columns) + " |", "|---|" + "---|" * frame.shape[1]]
    for name, *values in frame.itertuples():
        lines.append(f"| {name} | " + " | ".join(f"{v:+.4f}" for v in values) + " |")
    middle = " | ".join(f"{frame[c].abs().median():.4f}" for c in frame)
    lines.append(f"| **median of the absolute differences** | {middle} |")
    before, rest = text.split("<!-- compare -->")
    PAGE.write_text(
        before + "<!-- compare -->\n" + "\n".join(lines) + "\n<!-- end -->" + rest.split("<!-- end -->")[1],
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
