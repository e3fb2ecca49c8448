"""What a space file may hold: materials, fractions, variables and rules; all mistakes are told at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from perospin.errors import NavigationError
from perospin.navigation.space.spacers import Core
from perospin.navigation.space.trajectories import Trajectory
from perospin.saving import name_fault
from perospin.text import shorten

__all__ = ["Fractions", "Materials", "RuleText", "SpaceFile", "Variable", "read_space", "steps_in_one"]

_MOST_STEPS = 10_000


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Materials(_Section):
    """Ions that are combined to charge-neutral perovskites."""

    spacers: Literal["all"] | list[str] = []
    """Spacer cations by symbol, or "all" whose quantum chemistry ships."""
    smiles: dict[str, str] = {}
    """Further spacers, name -> SMILES with the charge."""
    smiles_file: str | None = None
    """File of further spacers, `SMILES name` in each line, beside the space file."""
    cores: dict[str, Core] = {}
    """Further spacers made by substitution: [materials.cores.NAME]."""
    a_cations: list[str] = []
    """Cations of the cages: of 3D materials, and of layered ones from n = 2 on."""
    a_step: float | None = Field(None, gt=0, le=0.5)
    """Step in which two cations of the cages are mixed, as 0.25; pure ones only if left out."""
    metals: list[str] = Field(["Pb"], min_length=1)
    """Divalent metals."""
    halides: list[str] = Field(["I"], min_length=1)
    """Halides."""
    halide_step: float | None = Field(None, gt=0, le=0.5)
    """Step in which two halides are mixed, as 0.25; pure ones only if left out."""
    layers: list[int] = [1]
    """Layer numbers of layered materials."""
    three_dimensional: bool = False
    """Whether ABX3 belongs to the space too."""
    families: list[Literal["RP", "DJ", "ACI"]] | None = None
    """Families of layered materials: Ruddlesden-Popper (RP), Dion-Jacobson (DJ), alternating cations (ACI).

    RP and DJ, as the spacers' charges have it, if left out.
    """

    excluded_pairs: list[tuple[str, str]] = []
    """Pairs of ions that never stand in one material, such as ["PEA", "Cs"]."""

    @field_validator("halide_step", "a_step")
    @classmethod
    def _whole(cls, value: float | None) -> float | None:
        if value is not None:
            steps_in_one(value)
        return value


class Fractions(_Section):
    """Shares of components that sum to 1, all of them shown."""

    components: list[str] = Field(min_length=2)
    """What is mixed."""
    step: float = Field(gt=0, le=0.5)
    """Smallest step that a pipette can make, as 0.1."""
    most: int | None = Field(None, ge=1)
    """Most components in one mixture."""

    @model_validator(mode="after")
    def _checked(self) -> Fractions:
        steps_in_one(self.step)
        if len(set(self.components)) < len(self.components):
            raise ValueError("components names one twice")
        return self


class Variable(_Section):
    """A process variable: a range with a step, or a list of choices."""

    low: float | None = None
    """Lower end of the range."""
    high: float | None = None
    """Upper end of the range."""
    step: float | None = Field(None, gt=0)
    """Step within the range; without one, 21 values stand for it where candidates are listed."""
    values: list[float | str] | None = None
    """Choices: numbers, or words for a category such as a solvent."""
    unit: str = ""
    """Unit, for people."""

    @model_validator(mode="after")
    def _checked(self) -> Variable:
        if self.values is not None:
            if self.low is not None or self.high is not None or self.step is not None:
                raise ValueError("give either values or low and high, not both")
            if not self.values or len(set(self.values)) < len(self.values):
                raise ValueError("values is empty or names one twice")
            if len({isinstance(value, str) for value in self.values}) > 1:
                raise ValueError("values mixes numbers and words")
            return self
        if self.low is None or self.high is None or not -math.inf < self.low < self.high < math.inf:
            raise ValueError("give low and high with low < high, or values")
        if self.step is not None and (self.high - self.low) / self.step > _MOST_STEPS:
            raise ValueError(f"step makes more than {_MOST_STEPS} values")
        return self

    @property
    def is_category(self) -> bool:
        """Whether its values are words."""
        return self.values is not None and isinstance(self.values[0], str)

    def levels(self) -> tuple[float | str, ...]:
        """Values that stand for it where candidates are listed."""
        if self.values is not None:
            return tuple(self.values)
        assert self.low is not None
        assert self.high is not None
        step = self.step or (self.high - self.low) / 20
        count = math.floor((self.high - self.low) / step + 1e-9)
        return tuple(round(self.low + i * step, 12) for i in range(count + 1))


class RuleText(_Section):
    """A rule that every candidate obeys."""

    rule: str
    """A comparison of columns, such as "tolerance_factor < 1.05"."""
    why: str = ""
    """What it is for."""


class SpaceFile(_Section):
    """A space as its file declares it."""

    name: str = "space"
    """Name, for reports."""
    description: str = ""
    """What the space is."""
    materials: Materials | None = None
    """Ions that are combined to perovskites."""
    fractions: dict[str, Fractions] = {}
    """Mixtures by name."""
    variables: dict[str, Variable] = {}
    """Process variables by name."""
    trajectories: dict[str, Trajectory] = {}
    """Courses of a process variable by name, such as annealing profiles."""
    rules: list[RuleText] = []
    """Rules that every candidate obeys."""

    @model_validator(mode="after")
    def _something(self) -> SpaceFile:
        if self.materials is None and not self.fractions and not self.variables and not self.trajectories:
            raise ValueError("a space needs [materials], [fractions.NAME], [variables.NAME] or [trajectories.NAME]")
        names = [*self.fractions, *self.variables, *self.trajectories]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two parts of the space are called '{shorten(twice)}'")
        for name in names:
            if fault := name_fault(name):
                raise ValueError(f"the name '{shorten(name)}' can't be: {fault}")
        return self


def steps_in_one(step: float) -> int:
    """Count the steps in 1; a step that doesn't divide 1 can't make shares that sum to 1."""
    count = Fraction(1) / Fraction(str(step))
    if count.denominator != 1:
        raise ValueError(f"a step of {step:g} doesn't divide 1; take one such as 0.05, 0.1, 0.2 or 0.25")
    return int(count)


def read_space(raw: Mapping[str, Any], where: str) -> SpaceFile:
    """Check a declaration.

    Raises
    ------
    NavigationError
        One sentence with all mistakes.
    """
    try:
        return SpaceFile.model_validate(raw)
    except ValidationError as error:
        said = []
        for problem in error.errors():
            place = ".".join(str(step) for step in problem["loc"] if "literal" not in str(step)) or "the file"
            words = problem["msg"].removeprefix("Value error, ")
            said.append(f"{place}: {words[:1].lower()}{words[1:]}")
        raise NavigationError(f"{where}: {shorten('; '.join(dict.fromkeys(said)), 330)}") from None
