"""Simulate pump-probe pairs over a grid and count how well the fit gives back what they were made of.

Grid: lifetime over the response's width, signal over noise, and for two components their shares. Asked of every cell in
which the lifetime is determined: mean deviation below 2 %, 68 % intervals that cover 60 to 76 % of the fits. Asked
of every lifetime below a third of the response: a bound that holds, or nothing, but no number. A cell counts as
determined if 19 fits in 20 give a value and these scatter by less than 15 %. Intervals by covariance, the default.
Run: ``python benchmarks/recovery.py [--repeats 300] [--figure recovery.png]`` (about ten minutes on one core).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perospin.spectra import fit_pump_probe, simulate_pump_probe

FWHM_PS, POPULATION_PS = 0.2, 100.0
DELAY_PS = np.concatenate([np.arange(-1.0, 1.0, 0.04), np.geomspace(1.0, 250.0, 70)])
RATIOS = (0.1, 0.2, 0.3, 0.6, 1.0, 3.0, 10.0, 50.0)
NOISES = (0.1, 0.03, 0.01)
PAIR_PS, SHARES, PAIR_NOISES = (0.6, 8.0), (0.2, 0.5, 0.8), (0.03, 0.01)
LOWEST, HIGHEST, MOST_BIAS, WIDEST = 0.60, 0.76, 0.02, 0.15


@dataclass(frozen=True)
class Cell:
    """Counts of one cell of the grid."""

    name: str
    truth_ps: float
    noise: float
    valued: int
    bounded: int
    bound_holds: int
    repeats: int
    bias: float
    bias_error: float
    scatter: float
    coverage: float

    @property
    def determined(self) -> bool:
        """Whether the data of this cell determine the lifetime."""
        return self.valued >= 0.95 * self.repeats and self.scatter < WIDEST

    @property
    def resolved(self) -> bool:
        """Whether the lifetime is at least a third of the response."""
        return self.truth_ps >= FWHM_PS / 3.0

    def verdict(self) -> str:
        """Whether the cell is as asked."""
        if not self.resolved:
            right = self.valued <= 0.05 * self.repeats and self.bound_holds >= 0.95 * self.bounded
            return "ok: no number" if right else "A NUMBER WAS GIVEN"
        if not self.determined:
            return "not determined"
        biased = abs(self.bias) > MOST_BIAS + 2 * self.bias_error
        covered = LOWEST <= self.coverage <= HIGHEST
        return "ok" if covered and not biased else "BIASED" if biased else "COVERAGE"


def count(name: str, truth: float, noise: float, fits: Sequence[object], key: str) -> Cell:
    """Summarise the fits of one cell."""
    values = [fit[key] for fit in fits]  # type: ignore[index]
    given = [v for v in values if v.status in ("fitted", "derived")]
    bounds = [v for v in values if v.status == "upper bound"]
    numbers = np.array([v.value for v in given]) / truth
    inside = [v.low <= truth <= v.high for v in given]
    return Cell(
        name,
        truth,
        noise,
        len(given),
        len(bounds),
        sum(v.value >= truth for v in bounds),
        len(values),
        float(numbers.mean() - 1) if len(given) else np.nan,
        float(numbers.std() / np.sqrt(len(given))) if len(given) else np.nan,
        float(numbers.std()) if len(given) else np.nan,
        float(np.mean(inside)) if given else np.nan,
    )


def one_component(ratio: float, noise: float, repeats: int) -> Cell:
    """Both traces in one fit, response known, time zero free."""
    truth = ratio * FWHM_PS
    fits = []
    for seed in range(repeats):
        same, counter = simulate_pump_probe(
            DELAY_PS, truth, population_lifetime_ps=POPULATION_PS, irf_fwhm_ps=FWHM_PS, noise=2 * noise, seed=seed,
            initial_polarisation=0.8, time_zero_ps=0.013,
        )  # fmt: skip
        fits.append(fit_pump_probe(DELAY_PS, same, counter, irf_fwhm_ps=FWHM_PS))
    return count(f"{ratio:g} x response", truth, noise, fits, "lifetime_ps")


def two_components(share: float, noise: float, repeats: int) -> list[Cell]:
    """Fit the difference with two exponentials, response known, time zero free."""
    from perospin.spectra.signals.irf import gaussian_decay

    rng = np.random.default_rng(round(1000 * share + 1e5 * noise))
    clean = sum(
        a * gaussian_decay(DELAY_PS - 0.013, t, FWHM_PS) for a, t in zip((share, 1 - share), PAIR_PS, strict=True)
    )
    fits = [
        fit_pump_probe(DELAY_PS, clean + noise * rng.normal(size=len(DELAY_PS)), irf_fwhm_ps=FWHM_PS, components=2)
        for _ in range(repeats)
    ]
    return [
        count(f"{share:.0%} of {PAIR_PS[0]} ps, {i + 1}", truth, noise, fits, f"difference_lifetime_{i + 1}_ps")
        for i, truth in enumerate(PAIR_PS)
    ]


def measure(repeats: int) -> list[Cell]:
    """Go through the whole grid, printing each cell."""
    cells: list[Cell] = []

    def show(cell: Cell) -> None:
        cells.append(cell)
        print(
            f"{cell.name:>22}  {1 / cell.noise:>5.0f}  {cell.valued:>5} {cell.bounded:>5} {cell.bound_holds:>5}  "
            f"{cell.bias:>+7.2%} "
            f"± {cell.bias_error:.2%}  {cell.scatter:>7.2%}  {cell.coverage:>6.1%}  {cell.verdict()}",
            flush=True,
        )

    print(
        f"{'lifetime':>22}  {'S/N':>5}  {'value':>5} {'bound':>5} {'holds':>5}  "
        f"{'mean deviation':>16}  {'scatter':>7}  covered"
    )
    for ratio in RATIOS:
        for noise in NOISES:
            show(one_component(ratio, noise, repeats))
    for share in SHARES:
        for noise in PAIR_NOISES:
            for cell in two_components(share, noise, repeats):
                show(cell)
    return cells


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Deviation and coverage of the single lifetime against lifetime over response."""
    import matplotlib
    from matplotlib.figure import Figure

    from perospin.look import COLOURS, COLUMN_INCHES, COLUMN_RC, GREY

    with matplotlib.rc_context(COLUMN_RC):
        figure = Figure(figsize=(COLUMN_INCHES, 4.2), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True)
        one = [cell for cell in cells if cell.name.endswith("response")]
        for noise, colour in zip(NOISES, COLOURS, strict=False):
            own = [c for c in one if c.noise == noise and c.resolved and c.determined]
            x = [c.truth_ps / FWHM_PS for c in own]
            label = f"signal/noise {1 / noise:.0f}"
            top.errorbar(
                x, [100 * c.bias for c in own], [200 * c.bias_error for c in own], fmt="o-", color=colour,
                markersize=3.5, linewidth=1, label=label,
            )  # fmt: skip
            bottom.plot(x, [100 * c.coverage for c in own], "o-", color=colour, markersize=3.5, linewidth=1)
        for axes in (top, bottom):
            axes.axvspan(min(RATIOS) / 1.3, 1 / 3, color="#ececec")
            axes.set_xscale("log")
        top.text(0.085, 5.5, "only an\nupper bound", fontsize=7, va="top")
        top.axhline(0, color=GREY, linewidth=0.6)
        for edge in (-2, 2):
            top.axhline(edge, color=GREY, linewidth=0.8, linestyle="--")
        bottom.axhspan(60, 76, color="#dbe9f4", linewidth=0)
        bottom.axhline(68, color=GREY, linewidth=0.8, linestyle="--")
        top.set_ylabel("mean deviation (%)")
        top.set_ylim(-4, 6)
        bottom.set_ylabel("68 % intervals cover (%)")
        bottom.set_ylim(50, 86)
        bottom.set_xlabel("spin lifetime / response (FWHM)")
        bottom.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        top.legend(loc="upper right")
        figure.savefig(path, dpi=200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    start = time.perf_counter()
    cells = measure(asked.repeats)
    wrong = [cell for cell in cells if not cell.verdict().startswith(("ok", "not determined"))]
    checked = [cell for cell in cells if cell.verdict().startswith("ok") or cell in wrong]
    print(f"{len(checked) - len(wrong)} of {len(checked)} cells as asked; {time.perf_counter() - start:.0f} s")
    if asked.figure:
        draw(cells, asked.figure)


if __name__ == "__main__":
    main()
