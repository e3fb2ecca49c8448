"""Write the README's table and picture from finished runs: python scripts/readme_table.py report/spin-relaxation.

Several folders may be given where the parts of the study were run apart.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from perospin.studies.result import PartResult, StudyResult

ROOT = Path(__file__).resolve().parents[1]
START = "<!-- table: written by scripts/readme_table.py from report/spin-relaxation; do not edit -->"
END = "<!-- end of table -->"
SCHEMES = ["loso", "loo", "45-7", "38-14", "in-sample"]
SUBSET = "the three known outliers"
ROWS = [
    ("perospin", "rule"),
    ("perospin", "rule-arithmetic"),
    ("spacing", "three-lines"),
    ("spacing", "average"),
    ("spacing", "pair"),
    ("perospin", "gp-averaged"),
    ("perospin", "two-stage"),
    ("perospin", "gp-interface"),
    ("perospin", "average"),
    ("perospin", "nested-search"),
]
BOLD = ("spacing", "average")
FLAGS = {"hydroxyl_per_n", "heavy_halogen_per_n"}
"""Columns that were known beforehand to mark the three slow materials."""


def cell(part: PartResult, estimator: str, scheme: str) -> str:
    """R2 of the logarithm, R2 of the rate, typical factor; the spread over seeds where there are several."""
    score = part.told_score(estimator, scheme)
    if score is None:
        return "–"
    seeds = (
        f" ({score['r2_low']:.2f} to {score['r2_high']:.2f}, {score['n_seeds']} seeds)" if "n_seeds" in score else ""
    )
    return f"{score['r2']:.2f}{seeds} / {score['r2_original']:.2f} / ×{score['typical_factor']:.2f}"


def without(part: PartResult, estimator: str) -> str:
    """Write the sums of squared errors on the named rows and on the others."""
    row = part.without(SUBSET, estimator, SCHEMES[0])
    return "–" if row is None else f"{row['sse_rows']:.2f} / {row['sse_others']:.2f} / {row['r2_without']:.2f}"


def label(part: PartResult, estimator: str) -> str:
    """Name of an estimator, marked where it wasn't written down blindly."""
    spec = part.spec
    marks = ["flags"] if FLAGS.intersection(spec.columns_of(estimator)) else []
    marks += ["not blind"] if spec.known_beforehand(estimator) else []
    return spec.title_of(estimator) + (f" ({', '.join(marks)})" if marks else "")


def table(parts: dict[str, PartResult]) -> str:
    """Write the table in Markdown."""
    first = parts["perospin"]
    row = first.without(SUBSET, "rule", SCHEMES[0])
    if row is None:
        raise SystemExit(f"the run has no scores without '{SUBSET}'; run the study again")
    head = [first.scheme_label(s) for s in SCHEMES]
    head.append(
        f"squared error, {SUBSET} / other {row['n_others']} rows / R² without the {row['n_rows']} "
        f"({first.scheme_label(SCHEMES[0])})"
    )
    lines = ["| model | " + " | ".join(head) + " |", "|---|" + "---|" * len(head)]
    for name, estimator in ROWS:
        if name not in parts:
            raise SystemExit(f"no folder holds the part '{name}'")
        part = parts[name]
        bold = "**" if (name, estimator) == BOLD else ""
        cells = [*(cell(part, estimator, s) for s in SCHEMES), without(part, estimator)]
        lines.append(f"| {bold}{label(part, estimator)}{bold} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(folders: list[Path]) -> None:
    """Write table and picture."""
    parts: dict[str, PartResult] = {}
    picture = None
    for folder in folders:
        for name, part in StudyResult.load(folder).parts.items():
            parts[name] = part
            drawn = folder / "figures" / name / "parity-log.png"
            if name == "perospin" and drawn.is_file():
                picture = drawn
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{START}\n{table(parts)}\n{END}{after}", encoding="utf-8")
    if picture is not None:
        images = ROOT / "docs" / "images"
        images.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, images / "parity.png")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
