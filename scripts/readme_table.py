"""Write the README's table and picture from a finished run: python scripts/readme_table.py report/spin-relaxation."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
START = "<!-- table: written by scripts/readme_table.py from report/spin-relaxation; do not edit -->"
END = "<!-- end of table -->"
SCHEMES = ["loso", "loo", "45-7", "38-14", "in-sample"]
ROWS = ["rule", "gp-averaged", "two-stage", "gp-interface", "average", "nested-search"]


def cell(scores: pd.DataFrame, estimator: str, scheme: str) -> str:
    found = scores[(scores["estimator"] == estimator) & (scores["scheme"] == scheme)]
    if found.empty:
        return "–"
    row = found.iloc[0]
    return f"{row['r2']:.2f} / {row['r2_original']:.2f} / ×{row['typical_factor']:.2f}"


def table(scores: pd.DataFrame) -> str:
    labels = scores.drop_duplicates("scheme").set_index("scheme")["scheme_label"]
    names = scores.drop_duplicates("estimator").set_index("estimator")["label"]
    lines = [
        "| model | " + " | ".join(labels[s] for s in SCHEMES) + " |",
        "|---|" + "---|" * len(SCHEMES),
    ]
    for estimator in ROWS:
        bold = "**" if estimator == "average" else ""
        cells = " | ".join(cell(scores, estimator, s) for s in SCHEMES)
        lines.append(f"| {bold}{names[estimator]}{bold} | {cells} |")
    return "\n".join(lines)


def main(folder: Path) -> None:
    scores = pd.read_csv(folder / "tables" / "perospin" / "scores.csv")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{START}\n{table(scores)}\n{END}{after}", encoding="utf-8")
    images = ROOT / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "figures" / "perospin" / "parity-log.png", images / "parity.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
