"""Run a part piece by piece: plan, cells, folds, log of variants."""
