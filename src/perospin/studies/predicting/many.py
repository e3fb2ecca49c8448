"""Predict many materials at once: value, interval and domain as a table, equal rows computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import PerospinError
from perospin.studies.predicting.predictor import Predictor, check_describes, unread_parts

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import Perovskite

__all__ = ["predict_many"]

_BLOCK = 200


def predict_many(
    predictor: Predictor,
    materials: Sequence[Perovskite],
    ions: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Predict materials as `Predictor.predict` does, without explanation.

    Parameters
    ----------
    predictor : Predictor
        A fitted study.
    materials : sequence of Perovskite
    ions : IonLibrary, optional
        Library with the user's own ions.
    progress : callable, optional
        Called with the number done and in all.

    Returns
    -------
    DataFrame
        One row a material: ``formula``; ``value``, ``low`` and ``high`` in the unit of the target; ``centre`` and
        ``spread``, the prediction and the half width of its interval in the space of the models; ``in_domain``;
        ``reasons``, why not; ``known``, whether the study holds it; then the columns that the model reads. A material
        that the model can't read has NaN and its reason.

    Raises
    ------
    StudyError
        If the study can't describe a formula.
    DataError
        If it needs conditions, as lifetimes do.
    """
    import pandas as pd

    check_describes(predictor.study, predictor.part_name, predictor.part)
    given = predictor.conditions_of({})
    frames = []
    for start in range(0, len(materials), _BLOCK):
        frames.append(_block(predictor, list(materials[start : start + _BLOCK]), ions, given))
        if progress is not None:
            progress(min(start + _BLOCK, len(materials)), len(materials))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _block(predictor: Predictor, materials: list[Any], ions: Any, given: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    part, columns, needed = predictor.part, list(predictor.columns), list(predictor.needed)
    rows = predictor.described(materials, ions, given=given).reindex(columns=predictor.data.features.columns)
    told = pd.DataFrame({"formula": [str(material) for material in materials]})
    for name in ("centre", "low", "high", "value", "spread"):
        told[name] = np.nan
    readable = rows[needed].notna().all(axis=1).to_numpy()
    if readable.any():
        read = rows[readable]
        distinct = read.drop_duplicates(subset=columns)
        keys = pd.MultiIndex.from_frame(distinct[columns].fillna(-9e99))
        place = keys.get_indexer(pd.MultiIndex.from_frame(read[columns].fillna(-9e99)))
        assert part.answers is not None
        centre = np.asarray(predictor.model.predict(distinct), dtype=float)
        low, high = predictor.intervals.predict(distinct, part.answers.level)
        told.loc[readable, "centre"] = centre[place]
        told.loc[readable, "spread"] = (0.5 * (high - low))[place]
        for name, values in (("value", centre), ("low", low), ("high", high)):
            told.loc[readable, name] = part.target.inverse(values)[place]
    plain = np.zeros(len(rows), dtype=bool)  # the columns are no reason; the long way is for the others
    plain[readable] = predictor.domain.knows_columns(rows[readable])
    known = set(predictor.data.rows["formula"])
    unread: dict[Any, tuple[str, ...]] = {}
    reasons = [
        _reasons(predictor, material, rows.iloc[[i]], ions, unread, bool(plain[i]))
        if readable[i]
        else [f"no value for {', '.join(c for c in needed if np.isnan(rows[c].iloc[i]))}"]
        for i, material in enumerate(materials)
    ]
    told["in_domain"] = [not said for said in reasons]
    told["reasons"] = ["; ".join(said) for said in reasons]
    told["known"] = [formula in known for formula in told["formula"]]
    return pd.concat([told, rows[columns].reset_index(drop=True)], axis=1)


def _reasons(
    predictor: Predictor, material: Any, row: pd.DataFrame, ions: Any, seen: dict[Any, tuple[str, ...]], plain: bool
) -> list[str]:
    # what the model reads of metal and halide is the same for materials of one kind: it is looked up once for each
    kind = (
        material.family, material.n_layers == 1, material.b_site, material.x_site,
        tuple(sorted(ion.charge for ion, _ in material.spacers)),
    )  # fmt: skip
    try:
        if predictor.part.descriptors.source != "table" and kind not in seen:
            seen[kind] = unread_parts(material, row, predictor.domain.columns, predictor.part.descriptors.level, ions)
        unread = seen.get(kind, ())
        if plain:
            return predictor.domain.reasons_of_ions(material, unread)
        return predictor.domain.reasons(material, row, unread)
    except PerospinError as error:
        return [str(error)]
