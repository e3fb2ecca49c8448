"""Structure before synthesis: layer spacing and bond angle of any formula, measured where a crystal is known.

The models are those of the shipped studies `layer-spacing` and `bond-angle`. They live here and not among the
descriptors, which know no model: one declaration, scored and shown like every other study, answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import DataError, FormulaError, PerospinError, StudyError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from perospin.chemistry import IonLibrary, Perovskite
    from perospin.studies.predicting.predictor import Predictor

__all__ = ["EXPECTED_DESCRIPTIONS", "describe", "expected_structure", "held_out_structure", "spacing_beside"]


@dataclass(frozen=True)
class _Quantity:
    """A structural column, the study that predicts it, and its name among the columns of `expected_structure`."""

    column: str
    study: str
    name: str
    unit: str
    words: str


_NORMAL_90 = 1.6449

_QUANTITIES = (
    _Quantity("layer_spacing_a", "layer-spacing", "expected_layer_spacing", "_a", "layer spacing (A)"),
    _Quantity(
        "bxb_angle_in_plane_deg", "bond-angle", "expected_angle", "_deg", "metal-halide-metal angle in the sheet (deg)"
    ),
)

EXPECTED_DESCRIPTIONS: Mapping[str, str] = {
    f"{q.name}{end}": text
    for q in _QUANTITIES
    for end, text in (
        (q.unit, f"{q.words}: median of the known crystals, else predicted"),
        (f"_low{q.unit}", f"{q.words}: lowest known crystal, or lower end of the 90 % interval"),
        (f"_high{q.unit}", f"{q.words}: highest known crystal, or upper end of the 90 % interval"),
        ("_from", f"{q.words}: measured in how many crystals, or predicted, and by which study"),
    )
}
"""Column of `expected_structure` -> what it is."""


def describe(materials: Iterable[Any], level: str = "fast", *, structure: str | None = None, **options: Any) -> Any:
    """Describe materials, as `perospin.descriptors.describe` does, with their expected structure if asked for.

    Parameters
    ----------
    materials : iterable
        Formulas, `Perovskite`s, structures and files.
    level : {"fast", "published"}
        Level at which cations are described.
    structure : {"predicted"}, optional
        Add the columns `EXPECTED_DESCRIPTIONS`: measured where a crystal of the composition is known, else predicted
        with an interval; the columns ``..._from`` say which.
    **options
        As in `perospin.descriptors.describe`.

    Returns
    -------
    DataFrame
        One row a material.

    Raises
    ------
    DataError
        If `structure` is another word; and as `perospin.descriptors.describe`.
    """
    from perospin.descriptors import describe as describe_materials

    if structure not in (None, "predicted"):
        raise DataError(f"structure is \"predicted\" or left out, not '{structure}'; give crystals among the materials")
    frame = describe_materials(materials, level, **options)
    if structure is None:
        return frame
    return with_expected_structure(frame, options.get("ions"))


def with_expected_structure(frame: pd.DataFrame, ions: Any = None) -> pd.DataFrame:
    """Add the columns `EXPECTED_DESCRIPTIONS` to a frame of `describe`; a row's own crystal comes first."""
    from perospin.chemistry import Perovskite

    library = _library(ions)
    materials: list[Perovskite | None] = []
    for formula in frame.index:
        try:
            materials.append(Perovskite.parse(str(formula), library))
        except FormulaError:
            materials.append(None)  # a crystal whose ions aren't told
    found = expected_structure(materials)
    found.index = frame.index
    for q in _QUANTITIES:
        if q.column in frame:
            own = frame[q.column].notna().to_numpy()
            for end in (q.unit, f"_low{q.unit}", f"_high{q.unit}"):
                found.loc[own, f"{q.name}{end}"] = frame.loc[own, q.column]
            found.loc[own, f"{q.name}_from"] = "measured in this crystal"
    import pandas as pd

    joined = pd.concat([frame, found], axis=1)
    joined.attrs = frame.attrs
    return joined


def expected_structure(materials: Iterable[Perovskite | str | None], level: float = 0.9) -> pd.DataFrame:
    """Layer spacing and bond angle of materials: measured where crystals are known, else predicted with an interval.

    Parameters
    ----------
    materials : iterable of Perovskite, str or None
        None gives an empty row.
    level : float
        Nominal level of the intervals.

    Returns
    -------
    DataFrame, (n_materials, 8)
        Columns `EXPECTED_DESCRIPTIONS`. Where crystals are known, low and high are the extremes among them. Empty for
        what has no layers, or has descriptors that the models don't know; ``..._from`` then says why.

    Raises
    ------
    FormulaError
        If a formula can't be read.
    """
    import pandas as pd

    from perospin.chemistry import Perovskite

    given = [None if material is None else Perovskite.of(material) for material in materials]
    rows: list[dict[str, Any]] = [{} for _ in given]
    for q in _QUANTITIES:
        for row, material in zip(rows, given, strict=True):
            row |= _expected(q, material, level)
    return pd.DataFrame(rows, columns=list(EXPECTED_DESCRIPTIONS))


def _expected(q: _Quantity, material: Perovskite | None, level: float) -> dict[str, Any]:
    """Value, low, high and origin of one quantity of one material."""
    from perospin.descriptors.crystals import crystals_of

    value = low = high = math.nan
    origin = ""
    if material is None:
        origin = "ions not told"
    elif material.n_layers is None:
        origin = "no layers"
    else:
        known = crystals_of(str(material))[q.column].dropna()
        if len(known):
            value, low, high = float(known.median()), float(known.min()), float(known.max())
            origin = f"measured in {len(known)} crystal{'s' * (len(known) > 1)}"
        else:
            try:
                predictor = _predictor(q.study)
                value, low, high = _predicted(predictor, material, level)
                reasons = predictor.domain.reasons(material, _row(predictor, material))
                origin = f"predicted ({q.study})" + (f"; out of domain: {reasons[0]}" if reasons else "")
            except StudyError as error:
                origin = f"not predicted: {error}"
    return {
        f"{q.name}{q.unit}": value,
        f"{q.name}_low{q.unit}": low,
        f"{q.name}_high{q.unit}": high,
        f"{q.name}_from": origin,
    }


def spacing_beside(material: Perovskite | str) -> dict[str, Any]:
    """Layer spacing to set beside a crystal that was built: what the shipped model says, and what crystals have.

    Parameters
    ----------
    material : Perovskite or str
        A layered perovskite.

    Returns
    -------
    dict
        ``study_spacing_a`` with its 90 % interval ``study_spacing_low_a`` and ``study_spacing_high_a`` (normal, from
        the held-out spread of the study `layer-spacing`; NaN where a descriptor isn't known), ``study_spacing_from``
        (whether the model saw a crystal of this composition), ``crystal_spacing_a`` (median of the known crystals, NaN
        without one), ``n_crystals`` and ``crystal_files``.
    """
    from perospin.chemistry import Perovskite
    from perospin.descriptors.crystals import crystals_of
    from perospin.studies.predicting.spacing import expected_spacings

    material = Perovskite.of(material)
    crystals = crystals_of(str(material))
    crystals = crystals[crystals["layer_spacing_a"].notna()]
    expected = expected_spacings([material])[0]
    value, sd = (math.nan, math.nan) if expected is None else expected
    origin = "the study layer-spacing knows too little of this spacer"
    if expected is not None:
        origin = "study layer-spacing" + (", fitted with these crystals" if len(crystals) else "")
    return {
        "study_spacing_a": round(value, 3),
        "study_spacing_low_a": round(value - _NORMAL_90 * sd, 3),
        "study_spacing_high_a": round(value + _NORMAL_90 * sd, 3),
        "study_spacing_from": origin,
        "crystal_spacing_a": round(float(crystals["layer_spacing_a"].median()), 4) if len(crystals) else math.nan,
        "n_crystals": len(crystals),
        "crystal_files": " ".join(crystals["file"]),
    }


def held_out_structure(materials: Sequence[Perovskite | str | None], quantity: str = "layer_spacing_a") -> pd.DataFrame:
    """Predict a structural column of each material by a model that never saw its spacer.

    All crystals that hold the material's spacer (or one of them), any enantiomer or the racemate, are left out before
    the model is fitted, so the prediction may stand beside a property of the same material in a nested validation.

    Parameters
    ----------
    materials : sequence of Perovskite, str or None
        None, and what has no layers or no organic spacer, gives an empty row.
    quantity : {"layer_spacing_a", "bxb_angle_in_plane_deg"}
        What to predict.

    Returns
    -------
    DataFrame, (n_materials, 3)
        ``predicted`` (in the unit of the quantity), ``sd`` (standard deviation: the model's own spread, scaled by the
        held-out residuals of the other spacers) and ``left_out`` (crystals left out of the training rows).

    Raises
    ------
    DataError
        If there is no such quantity.
    """
    import pandas as pd

    from perospin.chemistry import Perovskite
    from perospin.descriptors.packing import spacer_key
    from perospin.learning.estimators import build_estimator
    from perospin.learning.intervals.intervals import centre_and_scale
    from perospin.learning.training.folds import fit_each
    from perospin.studies.running.plan import build_schemes
    from perospin.studies.study import Study

    chosen = next((q for q in _QUANTITIES if q.column == quantity), None)
    if chosen is None:
        raise DataError(f"'{quantity}' is not predicted; {' and '.join(q.column for q in _QUANTITIES)} are")
    study = Study.load(chosen.study)
    part, data = study.parts[study.default_part], study.dataset()
    assert part.predict is not None  # declared in the shipped studies
    scheme = build_schemes(part, data)[part.predict.scheme]
    estimator = build_estimator(part.spec_of(part.predict.estimator), part.seed)
    columns = part.columns_of(part.predict.estimator)

    given = [None if material is None else Perovskite.of(material) for material in materials]
    described = _packing([m if m is not None and m.n_layers else None for m in given])
    asked = described[columns].notna().all(axis=1).to_numpy()
    keys = [
        frozenset(spacer_key(m).split(" + ")) if m is not None and a else None
        for m, a in zip(given, asked, strict=True)
    ]
    distinct = list(dict.fromkeys(key for key in keys if key is not None))
    own = [frozenset(key.split(" + ")) for key in data.groups("spacer").tolist()]
    trains = [np.array([i for i, held in enumerate(own) if not held & key], dtype=np.int64) for key in distinct]
    models = fit_each(estimator, data.features, data.y, [*trains, *scheme.trains])
    ratios = _ratios(models[len(trains) :], scheme, data)
    found = pd.DataFrame(math.nan, index=range(len(given)), columns=["predicted", "sd", "left_out"])
    for key, train, model in zip(distinct, trains, models, strict=False):
        rows = [i for i, other in enumerate(keys) if other == key]
        centre, scale = centre_and_scale(model, described.iloc[rows].reindex(columns=data.features.columns))
        others = [ratios[i] for i, held in enumerate(own) if not held & key]
        found.loc[rows, "predicted"] = part.target.inverse(centre)
        found.loc[rows, "sd"] = scale * math.sqrt(float(np.mean(np.square(others))))
        found.loc[rows, "left_out"] = len(data) - len(train)
    return found


def _ratios(models: Sequence[Any], scheme: Any, data: Any) -> NDArray[np.float64]:
    """Held-out residual of each row over the model's own spread, shape (n_rows,)."""
    from perospin.learning.intervals.intervals import centre_and_scale

    out = np.empty(len(data))
    for model, split in zip(models, scheme.splits, strict=True):
        centre, scale = centre_and_scale(model, data.features.iloc[split.test])
        out[split.test] = (data.y[split.test] - centre) / scale
    return out


def _packing(materials: Sequence[Perovskite | None]) -> pd.DataFrame:
    from perospin.descriptors import packing_columns

    return packing_columns(materials)


@lru_cache(maxsize=len(_QUANTITIES))
def _predictor(study: str) -> Predictor:
    from perospin.studies.study import Study

    return Study.load(study).predictor()


def _row(predictor: Predictor, material: Perovskite) -> pd.DataFrame:
    return _packing([material]).reindex(columns=predictor.data.features.columns)


def _predicted(predictor: Predictor, material: Perovskite, level: float) -> tuple[float, float, float]:
    """Value and ends of the interval, without what else a prediction tells.

    Raises
    ------
    StudyError
        If a descriptor that the model reads isn't known.
    """
    row = _row(predictor, material)
    missing = [name for name in predictor.columns if math.isnan(float(row[name].iloc[0]))]
    if missing:
        raise StudyError(f"{material} has no '{missing[0]}'")
    low, high = (float(end[0]) for end in predictor.intervals.predict(row, level))
    return float(predictor.model.predict(row)[0]), low, high


def _library(ions: Any) -> IonLibrary:
    from perospin.chemistry import IonLibrary

    try:
        return IonLibrary.of(ions)
    except PerospinError:  # `describe` has said so already
        return IonLibrary.default()
