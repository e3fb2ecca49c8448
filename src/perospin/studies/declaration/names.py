"""Names that a declaration uses must be declared in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from perospin.errors import StudyError
from perospin.similar import did_you_mean
from perospin.studies.declaration.part import PartSpec, _inner_specs, _kind_of


def _check_names(part: PartSpec) -> list[str]:
    """Every wrong reference by name inside a part (estimators, schemes, groups, feature sets), in sentences."""
    wrong: list[str] = []
    names = part.estimator_names()
    schemes = part.scheme_keys()
    groups = list(part.data.groups)
    for kind, values in (("estimator", names), ("scheme", schemes)):
        wrong += [f"two {kind}s are called '{v}'; names must differ" for v in values if values.count(v) > 1]

    def known(value: str | None, allowed: Sequence[str], what: str, place: str) -> None:
        if value is not None and value not in allowed:
            hint = did_you_mean(value, allowed, otherwise=f"there are: {', '.join(allowed) or 'none'}", quoted=True)
            wrong.append(f"{place} names the {what} '{value}', which is not declared; {hint}")

    known(part.baseline, names, "estimator", "baseline")
    known(part.verdict.estimator, names, "estimator", "verdict.estimator")
    known(part.verdict.scheme, schemes, "scheme", "verdict.scheme")
    for name in part.verdict.beside:
        known(name, names, "estimator", "verdict.beside")
    if part.explain:
        known(part.explain.estimator, [e.name for e in part.estimators], "estimator", "explain.estimator")
        known(part.explain.scheme, schemes, "scheme", "explain.scheme")
        for name in part.explain.directions:
            known(name, [e.name for e in part.estimators], "estimator", "explain.directions")
        if any(s.key == part.explain.scheme and s.kind == "in_sample" for s in part.schemes):
            wrong.append("explain.scheme must hold rows out; the in-sample explanation is always made")
    for claim in part.claims:
        place = f"the claim '{claim.text:.40}'"
        for compared in (*([claim.best] if claim.best else []), *claim.than):
            known(compared, names, "estimator", place)
        if claim.most_important:
            if part.explain is None:
                wrong.append(f"{place} needs [explain]: what matters most is asked of an explained model")
            else:
                players = [*(part.explain.players or part.columns_of(part.explain.estimator))]
                known(claim.most_important, players, "player", place)
    if part.predict:
        known(part.predict.estimator, [e.name for e in part.estimators], "estimator", "predict.estimator")
        known(part.predict.scheme, schemes, "scheme", "predict.scheme")
    for scheme in part.schemes:
        known(scheme.group, groups, "group", f"scheme '{scheme.key}'")
        if scheme.rule.data_key and getattr(part.data, scheme.rule.data_key) is None:
            wrong.append(f"scheme '{scheme.key}' needs {scheme.rule.data_says}")
        if isinstance(scheme.features, str):
            known(scheme.features, list(part.features), "feature set", f"scheme '{scheme.key}'")
    for grid in part.grids:
        known(grid.select_by, schemes, "scheme", f"grid '{grid.name}': select_by")
        for name in _names_of_sets(grid.spec):
            known(name, list(part.features), "feature set", f"grid '{grid.name}'")
        for member, point in grid.candidates():
            wrong += _wrong(part.write_out, point, f"estimator '{member}'")
        for scheme_name in grid.schemes or ():
            known(scheme_name, schemes, "scheme", f"grid '{grid.name}'")
    for name, effect in part.effects.items():
        for key in ("linear", "smooth"):
            if isinstance(effect.get(key), str):
                known(effect[key], list(part.scales), "scale", f"effect '{name}': {key}")
    for entry in part.estimators:
        for scheme_name in entry.schemes or ():
            known(scheme_name, schemes, "scheme", f"estimator '{entry.name}'")
        dumped = entry.model_dump()
        for spec in _specs(dumped):
            effects = spec.get("effects")
            for name in effects if isinstance(effects, list) else ():
                known(
                    name if isinstance(name, str) else None, list(part.effects), "effect", f"estimator '{entry.name}'"
                )
            for name in _names_of_sets(spec):
                known(name, list(part.features), "feature set", f"estimator '{entry.name}'")
        wrong += _wrong(part.spec_of, entry.name, f"estimator '{entry.name}'")
        careless = _needs_features(dumped)
        if careless:
            wrong.append(
                f"estimator '{entry.name}' ({careless}) names no features; add features = \"a feature set\" or "
                "a list of columns, so that no column slips in"
            )
    checks = part.checks
    known(checks.bootstrap_group, groups, "group", "checks.bootstrap_group")
    known(checks.family_group, groups, "group", "checks.family_group")
    known(checks.duplicates, groups, "group", "checks.duplicates")
    known(checks.shuffle_estimator, [e.name for e in part.estimators], "estimator", "checks.shuffle_estimator")
    for test in checks.permutation:
        known(test.estimator, [e.name for e in part.estimators], "estimator", "checks.permutation")
        known(test.scheme, schemes, "scheme", "checks.permutation")
        known(test.group, groups, "group", "checks.permutation")
    if checks.learning_curve:
        for name in checks.learning_curve.estimators:
            known(name, [e.name for e in part.estimators], "estimator", "checks.learning_curve")
    if checks.coverage:
        known(checks.coverage.scheme, schemes, "scheme", "checks.coverage")
        for name in checks.coverage.estimators:
            known(name, [e.name for e in part.estimators], "estimator", "checks.coverage")
    subsets = [subset.name for subset in checks.subsets]
    if len(set(subsets)) < len(subsets):
        wrong.append(f"two of checks.subsets are called '{max(subsets, key=subsets.count)}'; names must differ")
    if checks.seeds:
        known(checks.seeds.scheme, schemes, "scheme", "checks.seeds")
        for name in checks.seeds.estimators:
            known(name, [e.name for e in part.estimators], "estimator", "checks.seeds")
    return list(dict.fromkeys(wrong))


def _wrong(written_out: Callable[[Any], Mapping[str, Any]], what: Any, place: str) -> list[str]:
    """Say that a specification has an unknown kind or option, or a value out of its declared range."""
    from perospin.learning.estimators import check_estimator_spec  # brings scikit-learn

    try:
        check_estimator_spec(written_out(what))
    except KeyError:  # it names a set that is not declared, which is told
        return []
    except StudyError as error:
        return [f"{place}: {error.args[0]}"]
    return []


def _names_of_sets(spec: Mapping[str, Any]) -> list[str]:
    tuned = spec.get("tune")
    choices = tuned.get("features", ()) if isinstance(tuned, Mapping) else ()
    return [name for name in (spec.get("features"), *choices) if isinstance(name, str)]


def _needs_features(spec: Mapping[str, Any], inherited: bool = False) -> str | None:
    """Return the kind of a specification that would silently read every column of the table."""
    has = inherited or bool(_names_of_sets(spec)) or isinstance(spec.get("features"), list)
    has = has or bool(isinstance(spec.get("tune"), Mapping) and spec["tune"].get("features"))
    kind = _kind_of(spec)
    if kind is None:
        return None if has else str(spec.get("kind"))
    # effects may stand there by their names alone
    has = has or bool(spec.get("effects")) or any(True for _ in kind.named_columns(spec))
    inside = list(_inner_specs(spec))
    if not kind.names_columns or "none" in kind.inner(spec):
        return None
    if inside:
        # a kind that takes features itself hands them on to the estimators inside it
        found = (_needs_features(inner, has and "features" in kind.takes) for inner in inside)
        return next((name for name in found if name), None)
    return None if has else kind.name


def _specs(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield spec
    for inner in _inner_specs(spec):
        yield from _specs(inner)
