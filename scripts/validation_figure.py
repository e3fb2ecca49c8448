"""Draw docs/images/validation.png: the same models on the 52-material table under every kind of validation scheme.

python scripts/validation_figure.py [--out docs/images/validation.png] [--cells FOLDER]
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from perospin import look as style
from perospin.studies.declaration.reading import parse_study
from perospin.studies.result import PartResult
from perospin.studies.study import Study

MODELS = ("rule", "forest-averaged", "two-stage", "average")
SCHEMES = [
    {"kind": "in_sample", "name": "in-sample", "label": "in sample"},
    {"kind": "leave_one_out", "name": "loo", "label": "leave one out, twins parted", "leakage": "report"},
    {"kind": "leave_one_out", "name": "loo-guarded", "label": "leave one out"},
    {"kind": "repeated_k_fold", "name": "10x5", "k": 5, "n_repeats": 10, "label": "10 times 5-fold"},
    {"kind": "repeated_holdout", "name": "45-7", "n_test": 7, "n_repeats": 200, "label": "200 random 45/7 splits"},
    {"kind": "leave_one_group_out", "name": "spacer", "group": "spacer", "label": "leave one spacer out"},
    {"kind": "leave_one_group_out", "name": "kind", "group": "kind", "label": "leave one spacer family out"},
    {"kind": "leave_one_group_out", "name": "layers", "group": "layers", "label": "leave one layer number out"},
    {"kind": "leave_one_group_out", "name": "halide", "group": "halide", "label": "leave one halide out"},
    {
        "kind": "leave_cluster_out",
        "name": "cluster",
        "features": "interface",
        "label": "leave one descriptor cluster out",
    },
    {"kind": "tagged", "name": "38-14", "label": "38 literature rows predict the 14", "leakage": "report"},
]


def run(cells: Path | None) -> PartResult:
    """Evaluate the models under all schemes."""
    study = Study.load("spin-relaxation")
    raw = copy.deepcopy(dict(study.raw))
    part = raw["parts"]["perospin"]
    raw["schemes"] = SCHEMES
    raw["data"]["groups"] |= {"kind": "spacer_family", "layers": "layers", "halide": "halide"}
    part["estimators"] = [e for e in part["estimators"] if e["name"] in MODELS]
    for estimator in part["estimators"]:
        estimator.pop("schemes", None)
    part["checks"] = {"n_shuffles": 0}
    raw["checks"] = {"n_bootstrap": 10, "duplicates": "compound", "noise_scale": "log10"}
    part["verdict"] = {"estimator": "average", "scheme": "spacer"}
    for section in ("explain", "predict"):
        part.pop(section, None)
    raw["parts"] = {"perospin": part}
    raw.pop("default_part")
    header, parts, raw = parse_study(raw, "validation figure")
    changed = Study(header.name, header.title, "", parts, "perospin", raw, base=study.base)
    return changed.run(cells, progress=True)["perospin"]


def draw(part: PartResult) -> Figure:
    """R2 of each model under each scheme, the schemes from the easiest question to the hardest."""
    figure = Figure(figsize=(style.WIDE, 4.2))
    axes = figure.subplots()
    looks = {
        "rule": (style.BASELINE, "D"),
        "forest-averaged": (style.ORANGE, "s"),
        "two-stage": (style.GREEN, "^"),
        "average": (style.MODEL, "o"),
    }
    for name, (colour, marker) in looks.items():
        scores = [part.score(name, str(scheme["name"])) for scheme in SCHEMES]
        r2 = np.array([np.nan if score is None else score["r2"] for score in scores])
        axes.plot(r2, range(len(SCHEMES)), color=colour, linewidth=0.6, alpha=0.5)
        axes.scatter(
            r2, range(len(SCHEMES)), s=26, color=colour, marker=marker, label=part.spec.title_of(name), zorder=3
        )
    axes.axhspan(-0.5, 0.5, color=style.IN_SAMPLE, alpha=0.10, linewidth=0)
    ceiling = part.noise.get("ceiling_r2")
    if ceiling:
        axes.axvspan(ceiling, 1.02, color=style.PALE, alpha=0.7, linewidth=0, zorder=0)
    axes.axvline(0, color=style.PALE, linewidth=0.8, zorder=0)
    labels = [part.scheme_label(str(s["name"])).replace(", each material on one side", "*") for s in SCHEMES]
    axes.set_yticks(range(len(SCHEMES)), labels, fontsize=7.5)
    axes.get_yticklabels()[0].set_color(style.IN_SAMPLE)
    axes.set_ylim(len(SCHEMES) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#eeeeee", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel(
        "R² of log₁₀ spin relaxation rate under the scheme of each line\n"
        "(grey: beyond the noise of the data; * each material on one side)"
    )
    axes.set_xlim(right=1.02)
    figure.legend(loc="outside lower center", ncols=2, handletextpad=0.3, columnspacing=1.4)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/validation.png"))
    parser.add_argument("--cells", type=Path, default=None, help="folder that keeps finished pieces")
    arguments = parser.parse_args()
    part = run(arguments.cells)
    with matplotlib.rc_context(style.RC):
        draw(part).savefig(arguments.out, metadata={"Software": None})
    for scheme in SCHEMES:
        cells = [
            f"{name} {(part.score(name, str(scheme['name'])) or {'r2': float('nan')})['r2']:.2f}" for name in MODELS
        ]
        print(f"{part.scheme_label(str(scheme['name']))}: {', '.join(cells)}")
    for caution in part.cautions:
        print(f"- {caution}")


if __name__ == "__main__":
    main()
