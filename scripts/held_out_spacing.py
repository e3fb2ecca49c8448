"""Layer spacing of the layered rows of the 52-material table, each by a model that never saw its spacer.

``python scripts/held_out_spacing.py`` writes `held_out_spacing.csv` beside the shipped studies (some minutes). The
study `spin-relaxation` reads it: the spacing of a row then carries nothing that was learnt from a crystal, or a rate,
of its own spacer. The columns are those of `perospin.studies.structures.held_out_structure`.
"""

from __future__ import annotations

from pathlib import Path

from perospin.chemistry import Perovskite
from perospin.saving import write_csv
from perospin.studies import Study
from perospin.studies.structures import held_out_structure

TABLE = Path(__file__).resolve().parents[1] / "src" / "perospin" / "studies" / "shipped" / "held_out_spacing.csv"


def main() -> None:
    described = Study.load("spin-relaxation").dataset("perospin").rows["described_as"]
    formulas = sorted({text for text in described if text and Perovskite.parse(text).n_layers is not None})
    found = held_out_structure(formulas)
    found.insert(0, "formula", formulas)
    write_csv(found.dropna().round({"predicted": 4, "sd": 4}), TABLE)
    print(found.to_string())


if __name__ == "__main__":
    main()
