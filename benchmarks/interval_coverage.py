"""Measure how many held-out rows the intervals cover, on both shipped tables, with the models that predict.

The whole procedure (models, residuals, weights, interval) is repeated inside each training set and scored on rows that
no part of it has seen: leave one cation out on the 192 band gaps, leave one spacer out on the 52 relaxation rates. The
nominal 90 % must land in 85 to 95 % of the rows. Printed with and without the model's own spread, and with rows in
place of groups as what is exchangeable, so that one can see what each refinement does.
Run: ``python benchmarks/interval_coverage.py [--figure coverage.png]`` (a few minutes).
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np

from perospin.learning import build_estimator
from perospin.learning.intervals.coverage import Coverage, binomial_band, nested_coverage
from perospin.studies import Study
from perospin.studies.running.plan import build_schemes

LEVEL, LOWEST, HIGHEST = 0.9, 0.85, 0.95
TABLES = (("hoip-band-gap", "hoip-band-gap", "loco", "cation"), ("spin-relaxation", "perospin", "loso", "spacer"))


def measure(study: str, part: str, scheme: str, group: str) -> list[tuple[str, Coverage, float]]:
    """Coverage of the part's prediction model: as it predicts, without own spread, and with rows exchangeable."""
    loaded = Study.load(study)
    data, spec = loaded.dataset(part), loaded.parts[part]
    assert spec.predict is not None
    estimator = build_estimator(spec.spec_of(spec.predict.estimator), spec.seed)
    plan, groups = build_schemes(spec, data)[scheme], data.groups(group)
    found = []
    for what, spread, exchangeable in (
        ("as it predicts", "own", groups),
        ("without own spread", "none", groups),
        ("rows exchangeable", "own", None),
    ):
        start = time.process_time()
        done = nested_coverage(
            estimator,
            data.features,
            data.y,
            plan,
            groups=groups,
            exchangeable=exchangeable,
            spread=spread,  # type: ignore[arg-type]
            name=spec.title_of(spec.predict.estimator),
            **data.fit_options,
        )
        found.append((what, dataclasses.replace(done, groups=groups.astype(str)), time.process_time() - start))
    return found


def draw(results: dict[str, Coverage], path: Path) -> None:
    """Observed against nominal coverage of both tables."""
    import matplotlib
    from matplotlib.figure import Figure

    from perospin import look as style
    from perospin.reports.figures.coverage import against_nominal

    with matplotlib.rc_context(style.RC):
        figure = Figure(figsize=(style.WIDE, 3.3))
        for axes, (study, done) in zip(figure.subplots(1, 2, sharey=True), results.items(), strict=True):
            against_nominal(axes, done.to_frame())
            axes.set_title(f"{study}\n{done.scheme}, nested", fontsize=8)
        figure.axes[1].set_ylabel("")
        figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=Path, help="draw observed against nominal coverage here")
    asked = parser.parse_args()
    shown, missed = {}, []
    for study, part, scheme, group in TABLES:
        for what, done, seconds in measure(study, part, scheme, group):
            at = int(np.argmin(np.abs(done.levels - LEVEL)))
            rows, by_group = done.observed()[at], done.observed_by_group()[at]
            low, high = (float(end[0]) for end in binomial_band([LEVEL], len(done.y)))
            print(
                f"{study}, {done.scheme}, {done.estimator}, {what}: nominal {LEVEL:.0%} covers {rows:.1%} of "
                f"{len(done.y)} rows (by chance {low:.0%} to {high:.0%}), {by_group:.1%} as a mean over "
                f"{done.n_groups} groups; middle width {done.width()[at]:.2f}; {seconds:.0f} s of processor time",
                flush=True,
            )
            if what == "as it predicts":
                shown[study] = done
                if not LOWEST <= rows <= HIGHEST:
                    missed.append(study)
                print("  " + "  ".join(f"{n:.0%}: {o:.1%}" for n, o in zip(done.levels, done.observed(), strict=True)))
    if asked.figure:
        draw(shown, asked.figure)
    told = f"nominal {LEVEL:.0%} lands in {LOWEST:.0%} to {HIGHEST:.0%} of the rows"
    print(f"{told}: {'NOT on ' + ', '.join(missed) if missed else 'yes, on both tables'}")


if __name__ == "__main__":
    main()
