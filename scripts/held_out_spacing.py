"""Layer spacing of the layered rows of the 52-material table, each by a model that never saw its spacer.

``python scripts/held_out_spacing.py`` writes `held_out_spacing.csv` and, for materials that are not in it, the model of
all crystals, `layer_spacing_model.npz`, beside the shipped studies (some minutes). The
study `spin-relaxation` reads it: the spacing of a row then carries nothing that was learnt from a crystal, or a rate,
of its own spacer. The columns are those of `perospin.studies.structures.held_out_structure`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perospin.chemistry import Perovskite
from perospin.learning.estimators import build_estimator, fit_each
from perospin.learning.training.spread import predict_with_spread
from perospin.saving import write_csv
from perospin.studies import Study
from perospin.studies.predicting.spacing import MODEL, write_spacing_model
from perospin.studies.running.plan import build_schemes
from perospin.studies.structures import held_out_structure

TABLE = Path(__file__).resolve().parents[1] / "src" / "perospin" / "studies" / "shipped" / "held_out_spacing.csv"


def main() -> None:
    described = Study.load("spin-relaxation").dataset("perospin").rows["described_as"]
    formulas = sorted({text for text in described if text and Perovskite.parse(text).n_layers is not None})
    study = Study.load("layer-spacing")
    part, data = study.parts[study.default_part], study.dataset()
    assert part.predict is not None
    estimator = build_estimator(part.spec_of(part.predict.estimator), part.seed)
    scheme = build_schemes(part, data)[part.predict.scheme]
    model, *folds = fit_each(estimator, data.features, data.y, [np.arange(len(data)), *scheme.trains])
    ratios = np.concatenate(
        [
            (data.y[split.test] - mean) / spread
            for fold, split in zip(folds, scheme.splits, strict=True)
            for mean, spread in [predict_with_spread(fold, data.features.iloc[split.test])]
        ]
    )
    ratio = float(np.sqrt(np.mean(ratios**2)))
    write_spacing_model(TABLE.with_name(MODEL), model, part.columns_of(part.predict.estimator), ratio)
    found = held_out_structure(formulas)
    found.insert(0, "formula", formulas)
    write_csv(found.dropna().round({"predicted": 4, "sd": 4}), TABLE)
    print(found.to_string())


if __name__ == "__main__":
    main()
