"""Draw docs/images/learning/*.png from the results that ``make report`` leaves behind.

python scripts/learning_figures.py [--report report] [--out docs/images/learning]

The waterfall of one prediction is fitted here (a few seconds).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from perospin import look as style
from perospin.reports.figures.all import draw_all
from perospin.reports.figures.coverage import against_nominal
from perospin.studies.result import PartResult, StudyResult

EXAMPLE = "(HPA)2PbI4"


def coverage(parts: dict[str, PartResult]) -> Figure:
    """Observed against nominal coverage of both shipped tables."""
    figure = Figure(figsize=(style.WIDE, 3.3))
    for axes, (title, part) in zip(figure.subplots(1, 2, sharey=True), parts.items(), strict=True):
        names = {name: part.spec.title_of(str(name)) for name in part.coverage["estimator"]}
        against_nominal(axes, part.coverage.assign(estimator=part.coverage["estimator"].map(names)))
        axes.set_title(f"{title}\n{part.coverage['scheme_label'].iloc[0]}, nested", fontsize=8)
    figure.axes[1].set_ylabel("")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, default=Path("report"), help="folder of the results")
    parser.add_argument("--out", type=Path, default=Path("docs/images/learning"))
    asked = parser.parse_args()
    spin = StudyResult.load(asked.report / "spin-relaxation")
    part = spin["perospin"]
    gaps = StudyResult.load(asked.report / "hoip-band-gap")["hoip-band-gap"]
    asked.out.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(style.RC):
        drawn = {
            "coverage": coverage({"52 relaxation rates": part, "192 band gaps": gaps}),
            "waterfall": spin.predict(EXAMPLE).plot(),
            **{name: draw_all(part)[name] for name in ("importance", "directions", "dependence")},
        }
        for name, figure in drawn.items():
            figure.savefig(asked.out / f"{name}.png", dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
