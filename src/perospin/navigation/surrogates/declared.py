"""Surrogates, laws and priors from a declaration, as a campaign's TOML holds it.

::

    [surrogate]
    kind = "competing"
    [[surrogate.laws]]
    kind = "vegard"
    fractions = ["iodide", "bromide"]
    ends = [{ normal = [1.6, 0.2] }, { normal = [2.3, 0.2] }]
    [[surrogate.laws]]
    kind = "constant"
    level = { normal = [2.0, 0.5] }
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from perospin.errors import NavigationError
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.deep_kernel import DeepKernelSurrogate
from perospin.navigation.surrogates.hypotheses import CompetingSurrogates
from perospin.navigation.surrogates.means import (
    Mean,
    arrhenius,
    boundary_step,
    constant,
    inverse_power,
    of_rate_law,
    straight_line,
    vegard,
)
from perospin.navigation.surrogates.plain import GPSurrogate
from perospin.navigation.surrogates.priors import LogNormal, Normal, Uniform
from perospin.navigation.surrogates.structured import StructuredSurrogate
from perospin.navigation.surrogates.surrogate import Surrogate

__all__ = ["LAWS", "PRIORS", "SURROGATES", "law_from", "surrogate_from"]


def _rate_law(law: str, arguments: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> Mean:
    from perospin.mechanisms import get_law

    return of_rate_law(law, get_law(law).function, arguments, options=options)


LAWS: Mapping[str, Callable[..., Mean]] = {
    "constant": constant,
    "straight line": straight_line,
    "vegard": vegard,
    "inverse power": inverse_power,
    "arrhenius": arrhenius,
    "boundary step": boundary_step,
    "rate law": _rate_law,
}
"""Ready-made laws by the name that a declaration has for them; their options are the arguments of the functions."""

PRIORS: Mapping[str, Callable[[float, float], Any]] = {"normal": Normal, "lognormal": LogNormal, "uniform": Uniform}
"""Priors by name; a declaration holds two numbers: mean and sd, median and factor, lower and upper end."""

SURROGATES = ("plain", "structured", "competing", "deep kernel")


def _read(given: Any) -> Any:
    """Priors in the place of their tables, anywhere in a declaration."""
    if isinstance(given, Mapping):
        if len(given) == 1 and next(iter(given)) in PRIORS:
            ((name, numbers),) = given.items()
            try:
                first, second = (float(number) for number in numbers)
            except (TypeError, ValueError):
                raise NavigationError(f"a prior is written {{ {name} = [a, b] }} with two numbers") from None
            return PRIORS[name](first, second)
        return {key: _read(value) for key, value in given.items()}
    return [_read(value) for value in given] if isinstance(given, list) else given


def law_from(given: Mapping[str, Any]) -> Mean:
    """Read a law.

    Raises
    ------
    NavigationError
        One sentence that says what is wrong and which options there are.
    """
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in LAWS:
        raise NavigationError(f"unknown law {kind!r}; known are {', '.join(LAWS)}")
    options = {key: _read(value) for key, value in given.items() if key != "kind"}
    try:
        inspect.signature(LAWS[kind]).bind(**options)
    except TypeError as error:
        takes = ", ".join(inspect.signature(LAWS[kind]).parameters)
        raise NavigationError(f"the law '{kind}' can't be read: {error}; it takes {takes}") from None
    try:
        return LAWS[kind](**options)
    except (AttributeError, TypeError, ValueError):
        raise NavigationError(
            f"an option of the law '{kind}' has the wrong form; write priors like {{ normal = [1.6, 0.2] }}"
        ) from None


def surrogate_from(columns: InputColumns, given: Mapping[str, Any] | None = None, seed: int = 0) -> Surrogate:
    """Make the surrogate that a campaign declares; the plain one if it declares none.

    Parameters
    ----------
    columns : InputColumns
    given : mapping, optional
        Its ``kind`` (one of `SURROGATES`); a ``law`` if structured, ``laws`` if competing.
    seed : int

    Raises
    ------
    NavigationError
        One sentence that says what is wrong.
    """
    declared: dict[str, Any] = {"kind": "plain"} if given is None else dict(given)
    kind = declared.pop("kind", None)
    needs = {"plain": None, "structured": "law", "competing": "laws", "deep kernel": None}
    if kind not in needs:
        raise NavigationError(f"unknown surrogate {kind!r}; known are {', '.join(SURROGATES)}")
    need = needs[kind]
    if set(declared) != ({need} if need else set()):
        takes = f"exactly '{need}'" if need else "nothing"
        raise NavigationError(f"the surrogate '{kind}' takes {takes} beside its kind, not {sorted(declared)}")
    if kind == "structured":
        return StructuredSurrogate(columns, law_from(declared["law"]), seed=seed)
    if kind == "competing":
        return CompetingSurrogates([StructuredSurrogate(columns, law_from(law), seed=seed) for law in declared["laws"]])
    return DeepKernelSurrogate(columns, seed=seed) if kind == "deep kernel" else GPSurrogate(columns)
