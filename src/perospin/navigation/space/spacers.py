"""Spacers that a library lacks: from a file of SMILES, or made by substitution on a core."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from perospin.errors import NavigationError
from perospin.saving import read_text
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry import Ion

__all__ = ["Core", "describe_spacers", "read_smiles_file", "substituted"]

_MOST_SUBSTITUTIONS = 5000
_LARGEST_FILE = 2**20


class Core(BaseModel):
    """A cation with marked positions, and the groups that may stand there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    core: str = Field(max_length=400)
    """SMILES of the cation with the positions as [*:1], [*:2] ..."""
    groups: list[str] = Field(min_length=1, max_length=40)
    """SMILES of groups, bound by their first atom; "H" for none."""
    most: int | None = Field(None, ge=0)
    """Most positions that hold another group than H."""

    @model_validator(mode="after")
    def _checked(self) -> Core:
        if not self.n_positions:
            raise ValueError("core marks no position; write one as [*:1], as in '[*:1]c1ccc(CC[NH3+])cc1'")
        if len(set(self.groups)) < len(self.groups):
            raise ValueError("groups names one twice")
        if self.count > _MOST_SUBSTITUTIONS:
            raise ValueError(
                f"{self.count:,} substitutions are possible; up to {_MOST_SUBSTITUTIONS:,} are made: give fewer groups "
                "or positions, or 'most'"
            )
        return self

    @property
    def n_positions(self) -> int:
        """Number of marked positions."""
        return sum(f"[*:{i}]" in self.core for i in range(1, 20))

    @property
    def count(self) -> int:
        """Exact number of substitutions, equal molecules counted each time; nothing is made."""
        other, plain = sum(group != "H" for group in self.groups), "H" in self.groups
        most = self.n_positions if self.most is None else min(self.most, self.n_positions)
        return sum(
            math.comb(self.n_positions, k) * other**k
            for k in range(most + 1)
            if plain or k == self.n_positions
        )  # fmt: skip


def substituted(name: str, rule: Core) -> list[str]:
    """Make the different molecules of a core, as canonical SMILES.

    Raises
    ------
    NavigationError
        If core or group can't be read, or an atom would have a valence that doesn't exist.
    """
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        core = Chem.MolFromSmiles(rule.core)
        if core is None:
            raise NavigationError(
                f"the core '{shorten(rule.core)}' of '{name}' can't be read: no SMILES, or a valence that doesn't exist"
            )
        marks = sorted(atom.GetAtomMapNum() for atom in core.GetAtoms() if not atom.GetAtomicNum())
        if marks != list(range(1, len(marks) + 1)) or len(marks) != rule.n_positions:
            raise NavigationError(f"the positions of core '{name}' must be [*:1], [*:2] and so on, each once")
        found: dict[str, None] = {}
        for groups in _assignments(rule, len(marks)):
            whole = core
            for place, group in enumerate(groups, start=1):
                part = Chem.MolFromSmiles(f"[*:{place}]{'[H]' if group == 'H' else group}")
                if part is None:
                    raise NavigationError(
                        f"the group '{shorten(group)}' of core '{name}' can't be bound: write e.g. OC"
                    )
                whole = Chem.CombineMols(whole, part)
            try:
                made = Chem.RemoveHs(Chem.molzip(whole))
                Chem.SanitizeMol(made)
            except (ValueError, RuntimeError) as error:
                shown = ", ".join(groups)
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise NavigationError(
                    f"core '{name}' with {shorten(shown)} makes no molecule: {shorten(reason)}"
                ) from None
            found.setdefault(Chem.MolToSmiles(made))
    return list(found)


def _assignments(rule: Core, n_positions: int) -> Iterator[tuple[str, ...]]:
    most = n_positions if rule.most is None else rule.most
    for groups in itertools.product(rule.groups, repeat=n_positions):
        if sum(group != "H" for group in groups) <= most:
            yield groups


def read_smiles_file(path: Path) -> dict[str, str]:
    """Read ``SMILES name`` in each line; a line that begins with # says nothing.

    A spacer without a name is S and the number of its line.

    Raises
    ------
    NavigationError
        If it can't be read, or names one twice.
    """
    try:
        text = read_text(path, "the SMILES file", _LARGEST_FILE)
    except Exception as error:
        raise NavigationError(str(error)) from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):  # within a line it is a triple bond
            continue
        smiles, *rest = line.split(maxsplit=1)
        name = rest[0].strip() if rest else f"S{number}"
        if name in found:
            raise NavigationError(f"'{path}', line {number}: there is a '{shorten(name)}' above already")
        found[name] = smiles
    if not found:
        raise NavigationError(f"'{path}' holds no SMILES; write one a line, as '[NH3+]CCc1ccccc1 PEA'")
    return found


def describe_spacers(
    ions: list[Ion], limit_s: float, workers: int, tell: Callable[[str, int, int], None] | None = None
) -> Mapping[str, str]:
    """Compute cations at the level "fast" and their amines, each in a time limit; what is computed is kept.

    Returns
    -------
    mapping of str to str
        Symbol and reason of those that failed.

    Raises
    ------
    MissingExtraError
        If the programs aren't installed.
    """
    from perospin.descriptors.cations.table import computed_smiles
    from perospin.descriptors.quantum.engine import Request, compute_all

    wanted: dict[Any, str] = {}
    for ion in ions:
        for level in ("fast", "neutral"):
            smiles = computed_smiles(ion, level)
            if smiles is not None:
                wanted.setdefault(Request.ion(smiles, level), ion.symbol)
    ended = 0

    def count(request: Any, reason: str) -> None:
        nonlocal ended
        ended += 1
        if tell is not None:
            tell("describing new spacers", ended, len(wanted))

    batch = compute_all(wanted, workers=workers, timeout_s=limit_s, on_result=count)
    return {wanted[request]: reason for request, reason in batch.failures.items()}
