"""Which mechanism limits the spins? `infer` compares sums of rate laws against measured lifetimes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float, choice
from perospin.mechanisms.inference.assessment import DECIDED_AT, Assessment, assess, call, merged
from perospin.mechanisms.inference.candidates import CANDIDATES, ModelSpace, physical_parameters
from perospin.mechanisms.inference.doubts import doubts_of, few_values, single_beyond
from perospin.mechanisms.inference.least_squares import BatchFit, fit_batch, profile_interval
from perospin.mechanisms.inference.observations import Observations
from perospin.mechanisms.inference.result import Curve, Estimate, MechanismResult, ModelFit, Verdict
from perospin.mechanisms.inference.shapes import SHAPES
from perospin.mechanisms.inference.wording import sentence_of
from perospin.mechanisms.quantities import QUANTITIES
from perospin.mechanisms.validity import unusual

if TYPE_CHECKING:
    import pandas as pd

    from perospin.mechanisms.inference.posterior import Comparison, Sampled, Sampling

__all__ = ["infer"]

_GRID = 60
_DRAWS, _MIXED = 400, 2000
_COUNTS = 0.1  # share from which on a mechanism counts
_PROFILED = 0.03  # models from this probability on get profile intervals
_Z90 = 1.6448536
_SCREEN = 0.01  # models below this Akaike weight aren't sampled by NUTS
_MOST_SAMPLED = 6
# laws whose coefficient is itself a physical parameter
_PHYSICAL = ("constant", "activation", "nuclear_fluctuations", "elliott_yafet_einstein", "elliott_yafet_debye")
OnModel = Callable[[str, int, int], None]


def infer(
    data: pd.DataFrame | Mapping[str, Any] | Observations,
    *,
    mode: Literal["fast", "nuts"] = "fast",
    candidates: Sequence[str] | None = None,
    max_mechanisms: int = 2,
    relative_uncertainty: float | None = None,
    known: Mapping[str, float] | None = None,
    criterion: Literal["loo", "waic"] = "loo",
    decided_at: float = DECIDED_AT,
    seed: int = 0,
    sampling: Sampling | None = None,
    on_model: OnModel | None = None,
) -> MechanismResult:
    """Say which spin relaxation mechanism the data speak for, or that they can't tell.

    Every candidate law, alone and in sums, is fitted to ln(rate); the models are weighed, and their weights give the
    share of each mechanism under each measured condition and the verdict. Laws and priors:
    `perospin.mechanisms.inference.shapes`; the rule of the verdict: `perospin.mechanisms.inference.assessment`.

    Parameters
    ----------
    data : DataFrame, mapping of columns or Observations
        One row a measurement: ``lifetime_ps`` or ``rate_per_ps``, with ``lifetime_uncertainty_ps`` or
        ``rate_uncertainty_per_ps`` if known, and any of ``temperature_k``, ``density_cm3``, ``field_t``, ``n_layers``,
        ``momentum_scattering_time_ps``, ``exciton_binding_energy_mev``.
    mode : {"fast", "nuts"}
        ``"fast"``: least squares from several starts, Akaike weights (AIC; AICc where the scatter is estimated),
        normal approximation for the uncertainty, profile intervals for the likely models. ``"nuts"``: full posteriors
        by NumPyro of the models that the fast mode leaves (at most six), weights by PSIS-LOO or WAIC; needs the extra
        ``bayes``.
    candidates : list of str, optional
        Mechanisms to consider, with all their laws; with sums such as ``"constant+activation"`` among them exactly
        these models.
    max_mechanisms : int
        Largest number of mechanisms in a sum.
    relative_uncertainty : float, optional
        Standard uncertainty over the value, for data without uncertainties of their own. Without either the scatter is
        estimated from the data, and nothing can be said about whether a model fits.
    known : mapping, optional
        Constants measured otherwise, by argument name: ``nuclear_field_t``, ``hole_mass_m0``, ``phonon_energy_mev`` and
        ``momentum_scattering_time_ps`` (at 300 K) are then not fitted; ``mass_m0`` and ``permittivity`` turn
        coefficients into physical parameters.
    criterion : {"loo", "waic"}
        Score of the NUTS mode.
    decided_at : float
        Threshold of the verdict, above 0.5 and below 1.
    seed : int
        Of all draws.
    sampling : Sampling, optional
        Chains and draws of the NUTS mode.
    on_model : callable, optional
        Called in NUTS mode with (model, done, total).

    Returns
    -------
    MechanismResult

    Raises
    ------
    DataError
        If the data, a candidate, a constant or a setting is wrong; the message says which.
    MissingExtraError
        If NUTS is asked for and NumPyro or ArviZ is missing.

    Examples
    --------
    >>> import numpy as np
    >>> field = np.array([0.015, 0.02, 0.03, 0.05, 0.08, 0.12])
    >>> from perospin.mechanisms import nuclear_fluctuation_rate
    >>> t1 = 1 / nuclear_fluctuation_rate(field, 0.012, 60e6, spin_lifetime_ps=0.8e9)  # ps, arXiv 2603.03038
    >>> known = {"nuclear_field_t": 0.012}
    >>> result = infer({"field_t": field, "lifetime_ps": t1}, relative_uncertainty=0.05, known=known)
    >>> result.verdict.decided, result.verdict.mechanisms
    (True, ('nuclear_fluctuations', 'constant'))
    """
    choice(mode, ("fast", "nuts"), "mode")
    choice(criterion, ("loo", "waic"), "criterion")
    if not 0.5 < decided_at < 1.0:
        raise DataError(f"decided_at must lie between 0.5 and 1, got {decided_at}")
    observed = data if isinstance(data, Observations) else Observations.from_frame(data)
    observed = _with_uncertainty(observed, relative_uncertainty)
    constants = _known(known)
    space = ModelSpace.build(observed.conditions, observed.varying, candidates, max_mechanisms, constants)
    y = np.log(observed.rate_per_ps)
    sigma = observed.relative_uncertainty
    n = len(y)
    fit = fit_batch(space, y[None], None if sigma is None else sigma[None], n_random=4)
    fast = assess(space, fit, n, known_sigma=sigma is not None)
    if not np.isfinite(fast.score).any():
        smallest = int(min(space.masks().sum(axis=1) + space.shape_masks().sum(axis=1)))
        raise DataError(f"{n} rows are too few for a model of {smallest} parameters: measure more conditions")
    rng = np.random.default_rng(seed)
    notes = _notes(observed, space, fast)
    if mode == "fast":
        draws = {i: _draw(space, fit, fast, i, rng) for i in np.flatnonzero(fast.probability[0] > 1e-6).tolist()}
        probability, dominance = fast.probability[0], fast.dominance[0]
        unknown = sigma is None
        noise = _Noise(math.sqrt(fast.inflation[0]), fit.scatter[0] if unknown else np.zeros(len(space.models)), sigma)
        models = [_fast_model(space, y, sigma, fit, fast, i, constants) for i in range(len(space.models))]
    else:
        from perospin.mechanisms.inference.posterior import Sampling, compare, sample

        settings = replace(sampling or Sampling(), seed=seed)
        ranked = [int(i) for i in np.argsort(-fast.probability[0], kind="stable")[:_MOST_SAMPLED]]
        keep = [i for i in ranked if fast.probability[0, i] >= _SCREEN]
        sampled = sample(space, y, sigma, keep, settings, on_model)
        scores = compare(sampled, criterion, seed)
        probability, extra = np.zeros(len(space.models)), np.zeros(len(space.models))
        probability[keep] = scores.probability
        extra[keep] = [float(np.median(s.scatter)) for s in sampled]
        noise = _Noise(1.0, extra, sigma)
        draws = {s.model: s.theta for s in sampled}
        dominance = _dominance(space, draws, probability)
        models = [_sampled_model(space, s, scores, j, constants, fit, fast) for j, s in enumerate(sampled)]
        notes += _sampling_notes(models)
    models = sorted(models, key=lambda m: -m.probability)
    answers = space.answers()
    groups = list(answers.values())
    led = merged(dominance, groups)
    twin = np.array([len(space.families(group)) > 1 for group in groups])
    doubts = doubts_of(space, models)
    doubtful = np.array([any(name in doubts for name in _laws(space, group)) for group in groups])
    few = few_values(observed)
    alone = single_beyond(space, int(np.argmax(fast.probability[0])), fit.chi2[0] / fast.inflation[0], fit.theta[0])
    if alone is not None:
        doubts[alone] = f"{alone} alone, with a coefficient beyond its physics, fits as well as the sums of other laws"
    answer = call(led, float(fast.p_value[0]), twin | doubtful | bool(few) | (alone is not None), decided_at)
    notes += [*doubts.values(), *few]
    theta, of_model = _mixture(draws, probability, rng)
    shares, inclusion = _shares(space, theta, groups)
    names = list(answers)
    verdict = Verdict(
        decided=answer.decided,
        mechanisms=tuple(names[i] for i in answer.named),
        certainty=answer.certainty,
        threshold=decided_at,
        adequate=answer.adequate,
        sentence=sentence_of(space, observed, answer, led, shares, decided_at, list(doubts.values()), few),
    )
    return MechanismResult(
        mode=mode,
        verdict=verdict,
        models=tuple(models),
        mechanism_probability={name: float(p) for name, p in zip(names, inclusion, strict=True)},
        shares={name: shares[:, :, j] for j, name in enumerate(names)},
        dominance={name: led[:, j] for j, name in enumerate(names)},
        twins={name: space.families(group) for name, group in answers.items()},
        rate_per_ps=observed.rate_per_ps,
        relative_uncertainty=sigma,
        conditions=dict(observed.conditions),
        predicted_per_ps=_predicted(space, observed.conditions, theta, noise.width(of_model), rng),
        curve=_curve(space, observed, theta, noise, of_model, rng),
        notes=tuple(notes),
        provenance=_provenance(observed, mode, candidates, max_mechanisms, decided_at, seed, criterion, known),
    )


def _with_uncertainty(observed: Observations, relative: float | None) -> Observations:
    if relative is None:
        return observed
    if observed.relative_uncertainty is not None:
        raise DataError("the data have uncertainties of their own: leave relative_uncertainty out")
    if not (math.isfinite(relative) and 0.0 < relative < 1.0):
        raise DataError(f"relative_uncertainty must lie between 0 and 1 (0.1 means 10 %), got {relative}")
    return replace(observed, relative_uncertainty=np.full(len(observed.rate_per_ps), relative))


def _known(known: Mapping[str, float] | None) -> dict[str, float]:
    usable = (
        "nuclear_field_t", "mass_m0", "hole_mass_m0", "permittivity", "momentum_scattering_time_ps", "phonon_energy_mev"
    )  # fmt: skip
    checked = {}
    for name, value in (known or {}).items():
        if name not in usable:
            raise DataError(f"unknown constant '{name:.40}'; known constants may be {', '.join(usable)}")
        if not QUANTITIES[name].allows(float(value), float(value)):
            raise DataError(f"{name} must be {QUANTITIES[name].range_text}, got {value}")
        checked[name] = float(value)
    return checked


def _notes(observed: Observations, space: ModelSpace, fast: Assessment) -> list[str]:
    notes = []
    if observed.ignored:
        notes.append(f"columns not read: {', '.join(observed.ignored)}")
    notes += unusual(observed.conditions)
    if space.left_out:
        notes.append(
            f"not considered, as nothing they depend on varies here (each would be a constant): "
            f"{', '.join(space.left_out)}"
        )
    for name, group in space.answers().items():
        members = space.families(group)
        if len(members) > 1:
            notes.append(
                f"{name} stands for {' and '.join(members)}, the same law on these columns; if one can't be at work, "
                "leave it out of the candidates"
            )
    if observed.relative_uncertainty is None:
        notes.append("no uncertainties: the scatter is estimated, and whether a model fits can't be tested")
    elif fast.inflation[0] > 1.0:
        factor = math.sqrt(fast.inflation[0])
        notes.append(f"the scatter exceeds the stated uncertainties; they are taken as {factor:.2g} times larger")
    skipped = [space.model_name(m) for m, a in zip(space.models, fast.score[0], strict=True) if not np.isfinite(a)]
    if skipped:
        notes.append(f"{len(skipped)} models have too many parameters for {len(observed.rate_per_ps)} rows")
    return notes


def _laws(space: ModelSpace, group: Sequence[int]) -> tuple[str, ...]:
    return tuple(space.names[i] for i in group)


def _parts(space: ModelSpace, theta: Float, conditions: Mapping[str, Float] | None = None) -> Float:
    """Logarithm of each mechanism's rate for each draw; (n_draws, n, n_names), -inf where absent."""
    with np.errstate(invalid="ignore"):
        parts = space.log_rates(range(len(space.names)), theta, conditions)
    absent = np.isneginf(theta[:, : len(space.names)])[:, None, :]
    return np.asarray(np.where(absent, -np.inf, parts))


def _draw(space: ModelSpace, fit: BatchFit, fast: Assessment, model: int, rng: np.random.Generator) -> Float:
    """Draws from the normal approximation about the best fit of one model; (_DRAWS, n_names + n_shapes)."""
    size = len(space.names)
    level, _, low, high = space.shape_priors
    columns = [*space.models[model], *(size + np.flatnonzero(space.shape_masks()[model])).tolist()]
    mean = fit.theta[0, model, columns]
    covariance = fit.covariance[0, model][np.ix_(columns, columns)] * fast.inflation[0]
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    # a mechanism that the data don't need has a flat likelihood: its draws must not run off to where it would rule
    spread = np.sqrt(np.clip(values, 0.0, None))
    moves = (rng.standard_normal((_DRAWS, len(columns))) * spread) @ vectors.T
    theta = np.full((_DRAWS, size + len(level)), -np.inf)
    theta[:, size:] = level
    theta[:, columns] = mean + np.clip(moves, -2.0, 2.0)
    theta[:, size:] = np.clip(theta[:, size:], low, high)
    return theta


def _log_rate(parts: Float) -> Float:
    """Logarithm of the sum of the parts; (n_draws, n)."""
    top = parts.max(axis=2)
    return np.asarray(top + np.log(np.exp(parts - top[..., None]).sum(axis=2)))


def _mixture(draws: Mapping[int, Float], probability: Float, rng: np.random.Generator) -> tuple[Float, Float]:
    """Draws of all models, as often as the models are probable: (_MIXED, n_names + n_shapes), and the model of each."""
    indices = np.array(sorted(draws))
    chosen = rng.choice(indices, size=_MIXED, p=probability[indices] / probability[indices].sum())
    rows = np.stack([draws[int(i)][rng.integers(len(draws[int(i)]))] for i in chosen])
    return rows, chosen


def _shares(space: ModelSpace, theta: Float, groups: Sequence[Sequence[int]]) -> tuple[Float, Float]:
    """Mean and 5 % and 95 % quantiles of each answer's share, (n, 3, n_answers), and how often each counts.

    A mechanism counts if it makes up a tenth of the rate in some row.
    """
    parts = _parts(space, theta)
    share = merged(np.exp(parts - _log_rate(parts)[..., None]), groups)
    summary = np.stack([share.mean(axis=0), *np.quantile(share, [0.05, 0.95], axis=0)], axis=1)
    return summary, (share.max(axis=1) >= _COUNTS).mean(axis=0)


def _dominance(space: ModelSpace, draws: Mapping[int, Float], probability: Float) -> Float:
    first = next(iter(space.conditions.values()))
    total = np.zeros((len(first), len(space.names)))
    for model, theta in draws.items():
        leader = np.argmax(_parts(space, theta), axis=2)
        leads = (leader[..., None] == np.arange(len(space.names))).mean(axis=0)
        total += probability[model] * leads
    return total / max(float(probability[list(draws)].sum()), 1e-300)


@dataclass(frozen=True)
class _Noise:
    """Spread of a new measurement's ln(rate) about the model."""

    factor: float  # on the stated uncertainty
    extra: Float  # beside it, for each model
    sigma: Float | None

    def width(self, models: Float, rows: int | None = None) -> Float:
        """Return the standard deviation for draws of these models, (n_draws, n), or for `rows` typical rows."""
        own = np.zeros(1) if self.sigma is None else self.sigma
        if rows is not None:
            own = np.full(rows, np.median(own))
        return np.sqrt(self.extra[models][:, None] ** 2 + (self.factor * own[None, :]) ** 2)


def _predicted(
    space: ModelSpace, conditions: Mapping[str, Float], theta: Float, width: Float, rng: np.random.Generator
) -> Float:
    """Posterior predictive of a new measurement: median, 5 % and 95 % (1/ps); (n, 3)."""
    rates = _log_rate(_parts(space, theta, conditions))
    return np.exp(np.quantile(rates + width * rng.standard_normal(rates.shape), [0.5, 0.05, 0.95], axis=0)).T


def _curve(
    space: ModelSpace,
    observed: Observations,
    theta: Float,
    noise: _Noise,
    models: Float,
    rng: np.random.Generator,
) -> Curve | None:
    """Total and parts along the one condition that varies; None if several do."""
    if len(observed.varying) != 1:
        return None
    name = observed.varying[0]
    column = observed.conditions[name]
    wide = column.max() / column.min() > 20.0
    grid = np.geomspace(column.min(), column.max(), _GRID) if wide else np.linspace(column.min(), column.max(), _GRID)
    conditions = {key: np.full(_GRID, value[0]) for key, value in observed.conditions.items()} | {name: grid}
    parts = _parts(space, theta, conditions)
    total = np.exp(np.quantile(_log_rate(parts), [0.5, 0.05, 0.95], axis=0)).T
    rates = np.exp(parts).mean(axis=0)
    each = {answer: rates[:, list(group)].sum(axis=1) for answer, group in space.answers().items()}
    predicted = _predicted(space, conditions, theta, noise.width(models, _GRID), rng)
    return Curve(name, grid, total, predicted, each)


def _fast_model(
    space: ModelSpace,
    y: Float,
    sigma: Float | None,
    fit: BatchFit,
    fast: Assessment,
    model: int,
    known: Mapping[str, float],
) -> ModelFit:
    """One model of the fast mode; intervals are profiled for models that matter, else from the covariance."""
    theta = fit.theta[0, model]
    profiled = bool(fast.probability[0, model] >= _PROFILED)
    inflation = float(fast.inflation[0])

    def interval(column: int) -> tuple[float, float]:
        width = _Z90 * math.sqrt(max(fit.covariance[0, model, column, column] * inflation, 0.0))
        if profiled and width > 0:
            low, high = profile_interval(space, y, sigma, fit, model, column, inflation, _Z90**2)
        else:
            low, high = theta[column] - width, theta[column] + width
        if column >= len(space.names):
            _, _, lowest, highest = (values[column - len(space.names)] for values in space.shape_priors)
            low, high = max(low, float(lowest)), min(high, float(highest))
        return low, high

    return ModelFit(
        name=space.model_name(space.models[model]),
        mechanisms=tuple(space.names[i] for i in space.models[model]),
        probability=float(fast.probability[0, model]),
        score=float(fast.score[0, model]),
        score_name="AIC" if sigma is not None and inflation == 1.0 else "AICc",
        chi2=float(fit.chi2[0, model]) if sigma is not None else None,
        n_parameters=_n_parameters(space, model),
        parameters=_estimates(space, model, theta, interval, known),
    )


def _sampled_model(
    space: ModelSpace,
    sampled: Sampled,
    scores: Comparison,
    position: int,
    known: Mapping[str, float],
    fit: BatchFit,
    fast: Assessment,
) -> ModelFit:
    def interval(column: int) -> tuple[float, float]:
        low, high = np.quantile(sampled.theta[:, column], [0.05, 0.95])
        return float(low), float(high)

    return ModelFit(
        name=space.model_name(space.models[sampled.model]),
        mechanisms=tuple(space.names[i] for i in space.models[sampled.model]),
        probability=float(scores.probability[position]),
        score=float(scores.elpd[position]),
        score_name=f"elpd ({scores.criterion})",
        chi2=float(fit.chi2[0, sampled.model]) if np.isfinite(fast.p_value[0]) else None,
        n_parameters=_n_parameters(space, sampled.model),
        parameters=_estimates(space, sampled.model, np.median(sampled.theta, axis=0), interval, known),
        score_error=float(scores.elpd_se[position]),
        r_hat=sampled.r_hat,
        divergences=sampled.divergences,
        pareto_k=float(scores.pareto_k[position]),
    )


def _n_parameters(space: ModelSpace, model: int) -> int:
    return int(space.masks()[model].sum() + space.shape_masks()[model].sum())


def _estimates(
    space: ModelSpace,
    model: int,
    theta: Float,
    interval: Callable[[int], tuple[float, float]],
    known: Mapping[str, float],
) -> tuple[Estimate, ...]:
    """Coefficients, physical parameters behind them, and shape parameters, each with its 90 % interval."""
    found = []
    for column in space.models[model]:
        name = space.names[column]
        value, (low, high) = theta[column], interval(column)
        if name not in _PHYSICAL:
            unit = space.coefficient_unit(name)
            found.append(Estimate(f"{name}: coefficient", unit, *_exp(value, low, high)))
        ends = [physical_parameters(name, x, space, known) for x in (value, low, high)]
        for key, log_value in ends[0].items():
            low_end, high_end = sorted(end[key] for end in ends[1:])
            found.append(Estimate(key, QUANTITIES[key].unit, *_exp(log_value, low_end, high_end)))
    size = len(space.names)
    used = space.shape_masks()[model]
    for i, name in enumerate(space.shape_names):
        if used[i]:
            own = (float(theta[size + i]), *interval(size + i))
            unit = QUANTITIES[name].unit if name in QUANTITIES else "1"
            found.append(Estimate(name, unit, *(_exp(*own) if SHAPES[name].log else own)))
    return tuple(found)


def _exp(*values: float) -> tuple[float, ...]:
    with np.errstate(over="ignore"):
        return tuple(float(np.exp(v)) for v in values)


def _sampling_notes(models: Sequence[ModelFit]) -> list[str]:
    notes = []
    likely = [m for m in models if m.probability >= 0.01]
    if any((m.r_hat or 1.0) > 1.05 for m in likely):
        notes.append("some chains have not converged (R-hat above 1.05): sample longer")
    if any(m.divergences for m in likely):
        notes.append("some transitions diverged: the tails of the posterior may be cut short")
    if any((m.pareto_k or 0.0) > 0.7 for m in likely):
        notes.append("Pareto k above 0.7: single rows decide the leave-one-out score, which is then unreliable")
    return notes


def _provenance(
    observed: Observations,
    mode: str,
    candidates: Sequence[str] | None,
    max_mechanisms: int,
    decided_at: float,
    seed: int,
    criterion: str,
    known: Mapping[str, float] | None,
) -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    digest = hashlib.sha256()
    for name in sorted(observed.conditions):
        digest.update(name.encode() + np.ascontiguousarray(observed.conditions[name]).tobytes())
    digest.update(np.ascontiguousarray(observed.rate_per_ps).tobytes())
    versions = {}
    for package in ("perospin", "numpy", "scipy", *(("numpyro", "arviz", "jax") if mode == "nuts" else ())):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "unknown"
    settings = {
        "mode": mode,
        "candidates": list(candidates) if candidates else list(CANDIDATES),
        "max_mechanisms": max_mechanisms,
        "decided_at": decided_at,
        "seed": seed,
        "known": dict(known or {}),
    }
    if mode == "nuts":
        settings["criterion"] = criterion
    return {"settings": settings, "data_sha256": digest.hexdigest(), "versions": versions}
