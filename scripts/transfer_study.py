"""Ask whether exciton binding energies carry the 52-material table past its ceiling: python scripts/transfer_study.py.

Every variant below was written down before any of them was scored; all are scored once and all are printed, under
leave-one-spacer-out, beside the paired bootstrap against the average of the shipped study. The tables in
docs/transfer.md between the markers are rewritten. About a minute on one core.

Stage 1 gives every row a binding energy E from sourced values (never those of the spacer that is held out) and the
spacer's dielectric descriptor. Stage 2 passes it through rate ~ E^2. Scenarios at the end use the measured E of the
held-out material itself where there is one: another question, kept apart.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from perospin.chemistry import Perovskite
from perospin.database import load_records
from perospin.learning import build_estimator, evaluate, leave_one_group_out, noise_floor, paired_bootstrap
from perospin.learning.estimators import ColumnModel
from perospin.learning.estimators.linear import SpreadRidge
from perospin.learning.estimators.rules import spacer_classes
from perospin.learning.validation.evaluation import Evaluation
from perospin.learning.validation.schemes import Scheme
from perospin.mechanisms.laws.exciton_exchange import layer_binding_energy_mev
from perospin.studies.data.dataset import Dataset, build_dataset
from perospin.studies.data.groups import spacer_group
from perospin.studies.declaration.part import PartSpec
from perospin.studies.declaration.reading import find_study, read_study_file

FloatArray = NDArray[np.float64]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "transfer.md"
START, END = "<!-- written by scripts/transfer_study.py; do not edit -->", "<!-- end of what the script writes -->"

# Read in abstracts (November 2026), not in the database: (HOCH2CH2NH3)2PbI4 "20 times smaller than in conventional 2D
# perovskites" (10.1038/s42005-018-0082-8); (CnH2n+1NH3)2PbI4, n = 4 to 12, 320 meV (10.1103/PhysRevB.42.11099).
EOA_SHIFT = -np.log10(20.0)
ISHIHARA_BA_MEV = 320.0

# Thickness of one lead iodide layer and its optical dielectric constant, for the superlattice of variant E3.
LAYER_A, WELL = 6.3, 5.0
RIDGE = 0.1
SLOW = {"(EOA)2PbI4", "(3I-PA)2PbI4", "(4I-BA)2PbI4"}


@dataclass(frozen=True)
class Table:
    """Rows of the study, and what stage 1 knows of them."""

    data: Dataset
    spacer: NDArray[np.str_]
    classes: NDArray[np.int64]
    layers_log_e: FloatArray  # log10 of E from the number of layers alone, meV
    polarity: FloatArray  # excess ln(dielectric constant) of the spacer, times 1/n
    superlattice: FloatArray  # log10 of the factor on E by the superlattice's dielectric constant, against BA
    measured: FloatArray  # log10 of the sourced E of the row's own material, NaN if there is none

    @property
    def y(self) -> FloatArray:
        """Logarithm of the rate."""
        return self.data.y


# -- what is known of E ------------------------------------------------------------------------------------------


def sourced() -> dict[str, list[float]]:
    """Read the sourced binding energies (meV) by formula; upper limits and consensus estimates of reviews left out."""
    records = load_records(property="exciton_binding_energy", user=False)
    kept = records[(records["limit"] == "value") & ~records["estimated"].astype(bool)]
    out: dict[str, list[float]] = {}
    for formula, value in zip(kept["formula"], kept["value"], strict=True):
        out.setdefault(str(Perovskite.parse(formula)), []).append(float(value))
    return out


def layers(n_layers: FloatArray) -> FloatArray:
    energy = np.array([16.0 if not np.isfinite(n) else float(layer_binding_energy_mev(n)) for n in n_layers])
    return np.asarray(np.log10(energy))


def superlattice_constant(n: FloatArray, barrier: FloatArray, dielectric: FloatArray) -> FloatArray:
    """sqrt(in-plane times out-of-plane dielectric constant) of wells of n layers and organic barriers."""
    well = LAYER_A * n
    along = (well * WELL + barrier * dielectric) / (well + barrier)
    across = (well + barrier) / (well / WELL + barrier / dielectric)
    return np.asarray(np.sqrt(along * across))


def read() -> tuple[PartSpec, Table]:
    _, parts, _ = read_study_file(find_study("spin-relaxation"))
    part = parts["perospin"]
    data = build_dataset(part)
    features = data.features
    n = 1.0 / np.where(features["inverse_n"] > 0, features["inverse_n"], np.nan).astype(float)
    layered = np.isfinite(n)
    barrier = features["barrier_thickness_a"].to_numpy(dtype=float)
    dielectric = features["spacer_dielectric_constant"].to_numpy(dtype=float)
    formulas = [str(f) for f in data.rows["described_as"]]
    reference = formulas.index("(BA)2PbI4")
    ours = superlattice_constant(n, barrier, dielectric)
    theirs = superlattice_constant(n, np.full(len(n), barrier[reference]), np.full(len(n), dielectric[reference]))
    known = sourced()
    measured = [float(np.mean(np.log10(known[f]))) if f in known else np.nan for f in formulas]
    return part, Table(
        data=data,
        spacer=np.array(data.groups("spacer")),
        classes=spacer_classes(features, 3),
        layers_log_e=layers(np.where(layered, n, np.inf)),
        polarity=np.nan_to_num(features["excess_log_dielectric"].to_numpy(dtype=float)),
        superlattice=np.where(layered, -2.0 * np.log10(ours / theirs), 0.0),
        measured=np.array(measured),
    )


def spacer_slope(known: Mapping[str, list[float]], table: Table, held_out: str, extra: bool) -> float:
    """Change of log10 E with the spacer's polarity, by ridge through BA, without the held-out spacer's values."""
    points: dict[str, tuple[float, float]] = {}
    for formula, values in known.items():
        material = Perovskite.parse(formula)
        if material.n_layers is None or spacer_group(material) == held_out:
            continue
        shift = float(np.mean(np.log10(values)) - layers(np.array([float(material.n_layers)]))[0])
        rows = np.flatnonzero(table.spacer == spacer_group(material))
        single = rows[table.data.features["is_n1"].to_numpy()[rows] > 0.5]
        if single.size:
            points[formula] = float(table.polarity[single[0]]) / float(material.n_layers), shift
    if extra and held_out != "EOA":
        row = int(np.flatnonzero(table.spacer == "EOA")[0])
        points["(EOA)2PbI4"] = float(table.polarity[row]), EOA_SHIFT
    x, r = np.array(list(points.values())).T
    return float(x @ r / (x @ x + RIDGE))


Energy = Callable[[Table, Mapping[str, list[float]], str], FloatArray]

ENERGIES: Mapping[str, tuple[str, Energy]] = {
    "E1": ("layers only", lambda t, k, s: t.layers_log_e),
    "E2": (
        "layers, and polarity of the spacer (slope from sourced E)",
        lambda t, k, s: t.layers_log_e + spacer_slope(k, t, s, extra=False) * t.polarity,
    ),
    "E3": (
        "layers, and the superlattice's dielectric constant (nothing fitted)",
        lambda t, k, s: t.layers_log_e + t.superlattice,
    ),
    "E4": (
        "E2 with (EOA)2PbI4, 1/20, read in an abstract",
        lambda t, k, s: t.layers_log_e + spacer_slope(k, t, s, extra=True) * t.polarity,
    ),
}


# -- from E to the rate ------------------------------------------------------------------------------------------


def class_means(y: FloatArray, classes: NDArray[np.int64], train: NDArray[np.int64]) -> FloatArray:
    """Shrunken class means of the training rows, for all rows (as the two-stage model has them)."""
    overall = y[train].mean()
    out = np.full(len(y), overall)
    for c in np.unique(classes):
        mine = train[classes[train] == c]
        out[classes == c] = (y[mine].sum() + 0.5 * overall) / (len(mine) + 0.5)
    return out


def law_everywhere(t: Table, e: FloatArray, train: NDArray[np.int64]) -> FloatArray:
    return np.asarray(2.0 * e + np.mean(t.y[train] - 2.0 * e[train]))


def law_in_class(t: Table, e: FloatArray, train: NDArray[np.int64]) -> FloatArray:
    out = class_means(t.y, t.classes, train)
    mine = train[t.classes[train] == 1]
    out[t.classes == 1] = 2.0 * e[t.classes == 1] + np.mean(t.y[mine] - 2.0 * e[mine])
    return out


def law_then_ridge(t: Table, e: FloatArray, train: NDArray[np.int64], barrier: list[str]) -> FloatArray:
    base = law_in_class(t, e, train)
    model = ColumnModel(SpreadRidge(10.0), barrier).fit(t.data.features.iloc[train], t.y[train] - base[train])
    return np.asarray(base + model.predict(t.data.features))


def law_with_floor(t: Table, e: FloatArray, train: NDArray[np.int64]) -> FloatArray:
    """Fit rate = k E^2 + a rate that everything has; both by least squares of the logarithm."""

    def predicted(theta: FloatArray) -> FloatArray:
        return np.asarray(np.log10(10.0 ** (theta[0] + 2.0 * e) + 10.0 ** theta[1]))

    start = np.array([float(np.max(t.y[train] - 2.0 * e[train])) - 1.0, float(np.median(t.y[train]))])
    found = least_squares(lambda theta: predicted(theta)[train] - t.y[train], start)
    return predicted(np.asarray(found.x))


def joint(t: Table, train: NDArray[np.int64], held_out: str, barrier: list[str], weight: float) -> FloatArray:
    """Two-stage ridge with 2 log10 E of sourced single layers as further rows of the same linear law."""
    base = class_means(t.y, t.classes, train)
    features = t.data.features
    rows = [i for i in np.flatnonzero(np.isfinite(t.measured) & (t.classes == 1)) if t.spacer[i] != held_out]
    residual = list(t.y[train] - base[train])
    anchor = float(np.log10(470.0))
    residual += [2.0 * (t.measured[i] - anchor) for i in rows]
    stacked = features.iloc[[*train, *rows]]
    counts = np.array([1.0] * len(train) + [weight] * len(rows))
    model = ColumnModel(SpreadRidge(10.0), barrier).fit(stacked, np.array(residual), sample_weight=counts)
    return np.asarray(base + model.predict(features))


# -- scoring -----------------------------------------------------------------------------------------------------


def scored(name: str, t: Table, scheme: Scheme, predict: Callable[[NDArray[np.int64], str], FloatArray]) -> Evaluation:
    """Evaluate: `predict(train, held_out_spacer)` gives values for all rows, of which the test rows are kept."""
    guesses = [predict(s.train, str(t.spacer[s.test[0]]))[s.test] for s in scheme.splits]
    values = {"estimator_name": name, "scheme": scheme.to_dict(), "y": t.y, "y_pred": np.concatenate(guesses)}
    return Evaluation.from_dict(values)


def main() -> None:
    part, t = read()
    known = sourced()
    barrier = list(part.features["barrier"])
    scheme = leave_one_group_out(t.spacer, "loso", "leave one spacer out")
    current = {
        name: evaluate(
            build_estimator(part.spec_of(name), part.seed), t.data.features, t.y, scheme, groups=t.spacer, name=name
        )
        for name in ("rule", "two-stage", "average")
    }
    average = current["average"]
    by_row = np.empty(len(t.y))
    by_row[average.rows] = average.y_pred

    tried: list[tuple[str, str, Evaluation]] = []
    for e, (what, energy) in ENERGIES.items():
        models: dict[str, tuple[str, Callable[[FloatArray, NDArray[np.int64]], FloatArray]]] = {
            "A": ("rate = k E^2 for all rows", lambda e, train: law_everywhere(t, e, train)),
            "B": ("class means, E^2 among n = 1 monovalent", lambda e, train: law_in_class(t, e, train)),
            "C": ("B, then ridge on the barrier", lambda e, train: law_then_ridge(t, e, train, barrier)),
            "D": ("mean of B and the current average", lambda e, train: 0.5 * (law_in_class(t, e, train) + by_row)),
            "F": ("rate = k E^2 + a common rate", lambda e, train: law_with_floor(t, e, train)),
        }
        for letter, (how, model) in models.items():
            done = scored(f"{e}{letter}", t, scheme, lambda train, s, m=model, en=energy: m(en(t, known, s), train))
            tried.append((f"{e}{letter}", f"{what}; {how}", done))
    for weight in (1.0, 4.0):
        name = f"J{weight:g}"
        done = scored(name, t, scheme, lambda train, s, w=weight: joint(t, train, s, barrier, w))
        tried.append((name, f"sourced E as further rows of the ridge, weight {weight:g}", done))

    # Thought of after the variants above were seen: E3 makes apolar para-substituted spacers relax ten times too fast.
    later: list[tuple[str, str, Evaluation]] = []
    capped = t.layers_log_e + np.minimum(t.superlattice, 0.0)
    for letter, how, model in (
        ("B", "as B", lambda e, train: law_in_class(t, e, train)),
        ("D", "as D", lambda e, train: 0.5 * (law_in_class(t, e, train) + by_row)),
    ):
        done = scored(f"P{letter}", t, scheme, lambda train, s, m=model: m(capped, train))
        later.append((f"P{letter}", f"E3, no spacer screens less than butylammonium; {how}", done))

    scenarios: list[tuple[str, str, Evaluation]] = []
    for extra in (False, True):
        e = t.layers_log_e + 0.0
        single = t.classes == 1
        own = np.where(np.isfinite(t.measured) & single, t.measured, e)
        if extra:
            own[t.spacer == "EOA"] = float(np.log10(470.0)) + EOA_SHIFT
        source = "database" if not extra else "database and (EOA)2PbI4 from an abstract"
        count = int(np.sum(single & np.isfinite(t.measured))) + int(extra)
        for letter, how, model in (
            ("B", "as B", lambda own, train: law_in_class(t, own, train)),
            ("D", "as D", lambda own, train: 0.5 * (law_in_class(t, own, train) + by_row)),
            ("F", "as F", lambda own, train: law_with_floor(t, own, train)),
        ):
            name = f"S{letter}{'+' if extra else ''}"
            done = scored(name, t, scheme, lambda train, s, m=model, o=own: m(o, train))
            scenarios.append((name, f"measured E of {count} single layers ({source}); {how}", done))

    lines = [START, "", *materials(t, known), "", *ceiling(t, average), ""]
    lines += score_table(t, scheme, [(n, part.title_of(n), v) for n, v in current.items()], average, "What there is")
    lines += score_table(t, scheme, tried, average, f"Transfer: all {len(tried)} variants that were tried")
    lines += score_table(t, scheme, later, average, f"After the fact: {len(later)} more")
    lines += single_layers(t, [("law with E3 (E3B)", {n: v for n, _, v in tried}["E3B"]), ("current average", average)])
    title = f"Scenarios: E of the held-out material itself measured ({len(scenarios)} more)"
    lines += score_table(t, scheme, scenarios, average, title)
    lines += [END]
    text = "\n".join(lines)
    print(text)
    if PAGE.exists():
        page = PAGE.read_text(encoding="utf-8")
        if START in page and END in page:
            before, after = page.split(START)[0], page.split(END)[1]
            PAGE.write_text(before + text + after, encoding="utf-8")


def score_table(
    t: Table, scheme: Scheme, rows: list[tuple[str, str, Evaluation]], base: Evaluation, title: str
) -> list[str]:
    lines = [
        f"**{title}** ({scheme.label}; R² of the logarithm, R² of the rate, typical factor; gain in R² of the "
        "logarithm over the current average with its 95 % interval, paired bootstrap over spacers, 2000 resamples)",
        "",
        "| | variant | R² log | R² rate | factor | gain over the average |",
        "|---|---|---|---|---|---|",
    ]
    for name, what, done in rows:
        scores = done.scores(lambda v: 10.0**v)
        gain = "–"
        if done is not base:
            found = paired_bootstrap(done, base, t.spacer, 2000, 44)
            gain = f"{found.gain:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
        lines.append(
            f"| {name} | {what} | {scores.r2:.2f} | {scores.r2_original:.2f} | {scores.typical_factor:.2f} | {gain} |"
        )
    return [*lines, ""]


def single_layers(t: Table, models: list[tuple[str, Evaluation]]) -> list[str]:
    """Rates of the single layers with a monovalent spacer, as measured and as held-out predictions."""
    formulas = [str(f) for f in t.data.rows["described_as"]]
    guesses = []
    for _, done in models:
        by_row = np.empty(len(t.y))
        by_row[done.rows] = done.y_pred
        guesses.append(10.0**by_row)
    names = [f"{name} (1/ps)" for name, _ in models]
    lines = [
        f"**The single layers one by one** ({models[0][1].scheme.label})",
        "",
        f"| material | polarity against BA (ln ε) | measured (1/ps) | {' | '.join(names)} |",
        "|---|---|---|" + "---|" * len(models),
    ]
    for i in sorted(np.flatnonzero(t.classes == 1), key=lambda i: -t.polarity[i]):
        cells = " | ".join(f"{guess[i]:.2g}" for guess in guesses)
        lines.append(f"| {formulas[i]} | {t.polarity[i]:+.2f} | {10 ** t.y[i]:.2g} | {cells} |")
    return [*lines, ""]


def materials(t: Table, known: Mapping[str, list[float]]) -> list[str]:
    formulas = [str(f) for f in t.data.rows["described_as"]]
    single = [f for f, c in zip(formulas, t.classes, strict=True) if c == 1]
    lines = [
        f"**What is known of E** (database, upper limits and review estimates left out): {len(known)} materials, of "
        f"which {sum(f in formulas for f in known)} stand in the table and {sum(f in known for f in single)} are among "
        f"its {len(single)} single layers with a monovalent spacer, where spacers matter.",
        "",
        "| material | E (meV) | what its spread does to E² |",
        "|---|---|---|",
    ]
    for formula, values in sorted(known.items()):
        spread = f"× {(max(values) / min(values)) ** 2:.1f}" if len(values) > 1 else "one value"
        lines.append(f"| {formula} | {', '.join(f'{v:g}' for v in sorted(values))} | {spread} |")
    ratio = (470.0 / ISHIHARA_BA_MEV) ** 2
    lines += [
        "",
        f"(BA)2PbI4 has 470 meV here and 320 meV in an older work: E² differs by × {ratio:.1f}, "
        f"{np.log10(ratio):.2f} in the logarithm of the rate, whose standard deviation over the table is "
        f"{t.y.std():.2f}.",
    ]
    return lines


def ceiling(t: Table, average: Evaluation) -> list[str]:
    formulas = [str(f) for f in t.data.rows["described_as"]]
    by_row = np.empty(len(t.y))
    by_row[average.rows] = average.y_pred
    squares = (by_row - t.y) ** 2
    total, spread = squares.sum(), np.sum((t.y - t.y.mean()) ** 2)
    slow = np.array([f in SLOW for f in formulas])
    uncertain = ~t.data.rows["certain"].to_numpy(dtype=bool)
    groups: dict[str, list[int]] = {}
    for i, (formula, certain) in enumerate(zip(formulas, ~uncertain, strict=True)):
        if certain:
            groups.setdefault(formula, []).append(i)
    pairs = [t.y[rows] for rows in groups.values() if len(rows) > 1]
    floor = noise_floor(pairs, t.y)
    low, high = floor.r2_ceiling_intervals[0.95]
    label = f"({average.scheme.label})"
    lines = [
        f"**Where the squared error of the current average lies** {label}: R² = {1 - total / spread:.2f}. "
        f"Noise floor from {len(pairs)} materials measured twice: {floor.sigma:.2f} in the logarithm, ceiling "
        f"{floor.r2_ceiling:.2f} (95 % {low:.2f} to {high:.2f}).",
        "",
        f"| if predicted to within the noise | rows | share of the squared error | R² would be {label} |",
        "|---|---|---|---|",
    ]
    sixteen = t.data.rows["row"].astype(str).to_numpy() == "16"
    for what, rows in (
        ("(EOA)2PbI4", np.array([f == "(EOA)2PbI4" for f in formulas])),
        ("(3I-PA)2PbI4", np.array([f == "(3I-PA)2PbI4" for f in formulas])),
        ("(4I-BA)2PbI4", np.array([f == "(4I-BA)2PbI4" for f in formulas])),
        ("all three", slow),
        ("all three and row 16 (no certain composition)", slow | sixteen),
    ):
        left = total - squares[rows].sum() + rows.sum() * floor.sigma**2
        lines.append(f"| {what} | {rows.sum()} | {squares[rows].sum() / total:.0%} | {1 - left / spread:.2f} |")
    return lines


if __name__ == "__main__":
    main()
