"""Very long data: starts are tried on a part of the points, the result uses all of them."""

from __future__ import annotations

import numpy as np

from perospin.fitting import Parameter, Quantity, SeparableModel, fit_model


def test_long_data_find_the_minimum_of_all_points() -> None:
    model = SeparableModel(
        name="decay",
        parameters=(Parameter("lifetime_ps", "ps", "lifetime", 300.0, 0.01, 1e4, positive=True),),
        amplitudes=(Quantity("amplitude"), Quantity("offset")),
        basis=lambda t, theta: [np.exp(-t["delay"] / theta["lifetime_ps"]), np.ones_like(t["delay"])],
        x=(Quantity("delay", "ps"),),
    )
    delay = np.linspace(0.0, 50.0, 120_000)
    signal = 2.0 * np.exp(-delay / 7.76) + 0.1 + 0.05 * np.random.default_rng(0).normal(size=len(delay))
    fit = fit_model(model, {"delay": delay}, signal)
    assert abs(fit.lifetime_ps - 7.76) < 3 * fit["lifetime_ps"].uncertainty
    # what 120,000 points give, not the few thousand of the first search
    assert fit["lifetime_ps"].uncertainty < 0.01
    assert fit.statistics["n_points"] == 120_000
