"""What a campaign chooses from: what it asks of a space, and a table of materials as the simplest one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perospin.chemistry import IonLibrary
from perospin.errors import NavigationError
from perospin.navigation.space.space import Candidate, Space
from perospin.navigation.surrogates.columns import InputColumns
from perospin.similar import did_you_mean
from perospin.text import shorten, visible

__all__ = ["CandidateTable", "Candidates", "DeclaredSpace", "OwnIons", "candidates_from", "open_candidates"]

FloatArray = NDArray[np.float64]
Choice = str | float
OwnIons = Mapping[str, str | Mapping[str, Any]]
"""SMILES of each of the user's own ions, or more about it; as `IonLibrary.with_ions` reads them."""
_MOST_NAMED = 200_000
_NAMES = ("name", "material", "formula", "sample")


class Candidates(Protocol):
    """What a campaign asks of a space."""

    @property
    def count(self) -> int:
        """Number of candidates."""
        ...

    def candidates(self) -> Iterator[Candidate]:
        """All of them, one after the other."""
        ...

    def encode(self, candidates: Sequence[Candidate]) -> tuple[FloatArray, InputColumns]:
        """Return inputs of a surrogate, shape (n, d), and their columns."""
        ...

    def find(self, choices: Mapping[str, Choice]) -> Candidate:
        """Find the candidate with these choices; one sentence if there is none."""
        ...

    def sample(self, n: int, generator: np.random.Generator) -> list[Candidate]:
        """Different candidates by chance."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as plain JSON, for the log."""
        ...


class CandidateTable:
    """Materials that stand in a table: numbers are inputs, words are choices without an order.

    Parameters
    ----------
    columns : sequence of str
        Names of the choices.
    rows : sequence of sequence
        A cell for each choice; a column is of numbers throughout, or of words.
    names : sequence of str
        Of the materials, each once.

    Raises
    ------
    NavigationError
        If names repeat, cells are missing, or nothing differs between the rows.
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Choice]], names: Sequence[str]) -> None:
        if len(rows) < 2 or len(rows) != len(names):
            raise NavigationError("a campaign chooses among two candidates or more, each with a name")
        repeated = next((name for name, times in Counter(names).items() if times > 1), None)
        if repeated is not None:
            raise NavigationError(f"the candidate '{shorten(repeated, 60)}' occurs twice; each needs a name of its own")
        self.columns, self.names = tuple(columns), tuple(names)
        self._rows = [dict(zip(columns, row, strict=True)) for row in rows]
        self._place = {name: i for i, name in enumerate(names)}
        kinds, upper, lower, used = [], [], [], []
        self._levels: dict[str, list[str]] = {}
        for column in columns:
            cells = [row[column] for row in self._rows]
            words = sorted({cell for cell in cells if isinstance(cell, str)})
            if words and len(words) > 1:
                self._levels[column] = words
            if len(set(cells)) < 2:
                continue  # a choice that is always the same says nothing
            numbers = [float(cell) for cell in cells if not isinstance(cell, str)]
            used.append(column)
            kinds.append("category" if words else "continuous")
            lower.append(0.0 if words else min(numbers))
            upper.append(len(words) - 1.0 if words else max(numbers))
        if not used:
            raise NavigationError(
                "the candidates differ in no column; give what they are made of, or their descriptors"
            )
        self.input_columns = InputColumns(tuple(used), tuple(kinds), tuple(lower), tuple(upper))

    @classmethod
    def load(cls, path: Path | str) -> CandidateTable:
        """Read candidates from a CSV file, a table pasted from Excel, or a workbook.

        A column headed name, material, formula or sample names them; else their choices do.

        Raises
        ------
        NavigationError
            One sentence that names the row and the column.
        """
        from perospin.sheets.cells import number
        from perospin.sheets.table import open_table

        table = open_table(path)
        heads = [visible(heading) for heading in table.headings]
        if len(set(heads)) < len(heads) or not all(heads):
            raise NavigationError(f"each column of '{table.name}' needs a heading of its own")
        read = [
            (row, [visible(cell.strip()) for cell in cells]) for row, cells in table.rows if any(map(str.strip, cells))
        ]
        for row, cells in read:
            if len(cells) != len(heads) or not all(cells):
                gap = next((head for head, cell in zip(heads, cells, strict=False) if not cell), heads[-1])
                raise NavigationError(f"row {row} of '{table.name}' needs a value in the column '{shorten(gap, 40)}'")
        named = next((i for i, head in enumerate(heads) if head.casefold() in _NAMES), None)
        made: list[list[Choice]] = [[] for _ in read]
        for i in range(len(heads)):
            found = [number(cells[i], ".") for _, cells in read]
            plain = [value for value in found if value is not None and np.isfinite(value)]
            for row_number, (_, cells) in enumerate(read):
                if i != named:
                    made[row_number].append(plain[row_number] if len(plain) == len(read) else cells[i])
        columns = [head for i, head in enumerate(heads) if i != named]
        names = (
            [
                ", ".join(f"{c} {v}" if isinstance(v, str) else f"{c} {v:g}" for c, v in zip(columns, row, strict=True))
                for row in made
            ]
            if named is None
            else [cells[named] for _, cells in read]
        )
        return cls(columns, made, names)

    @property
    def count(self) -> int:
        """Number of candidates."""
        return len(self.names)

    def candidates(self) -> Iterator[Candidate]:
        """All of them, in the order of the table."""
        return (Candidate(name, row) for name, row in zip(self.names, self._rows, strict=True))

    def encode(self, candidates: Iterable[Candidate]) -> tuple[FloatArray, InputColumns]:
        """Return inputs of a surrogate, shape (n, d), and their columns."""
        return np.array(
            [
                [
                    self._levels[column].index(str(one.choices[column]))
                    if column in self._levels
                    else float(one.choices[column])
                    for column in self.input_columns.names
                ]
                for one in candidates
            ],
            dtype=float,
        ).reshape(-1, len(self.input_columns)), self.input_columns

    def find(self, choices: Mapping[str, Choice]) -> Candidate:
        """Find a candidate by its ``name``, or by enough of its choices.

        Raises
        ------
        NavigationError
            If no candidate, or more than one, fits.
        """
        if (name := choices.get("name")) is not None:
            if name not in self._place:
                hint = did_you_mean(str(name), self.names, otherwise="see 'perospin campaign status'", quoted=True)
                raise NavigationError(f"'{shorten(visible(str(name)), 60)}' is no candidate of this campaign; {hint}")
            return Candidate(self.names[self._place[str(name)]], self._rows[self._place[str(name)]])
        for column in choices:
            if column not in self.columns:
                raise NavigationError(
                    f"'{shorten(visible(column), 40)}' is no choice of this campaign; it has {', '.join(self.columns)}"
                )
        fits = [i for i, row in enumerate(self._rows) if all(_same(row[c], v) for c, v in choices.items())]
        told = shorten(visible(", ".join(f"{c} = {v}" for c, v in choices.items())), 120)
        if len(fits) != 1:
            what = "no candidate has" if not fits else f"{len(fits)} candidates have"
            raise NavigationError(f"{what} {told or 'no choice at all'}; give the name of one, or all of its choices")
        return Candidate(self.names[fits[0]], self._rows[fits[0]])

    def sample(self, n: int, generator: np.random.Generator) -> list[Candidate]:
        """Different candidates by chance."""
        picked = generator.choice(self.count, size=min(n, self.count), replace=False)
        return [Candidate(self.names[i], self._rows[i]) for i in np.sort(picked)]

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""
        rows = [[row[column] for column in self.columns] for row in self._rows]
        return {"columns": list(self.columns), "names": list(self.names), "rows": rows}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> CandidateTable:
        """Read what `to_dict` made."""
        return cls(content["columns"], content["rows"], content["names"])


class DeclaredSpace:
    """A space from its file, as a campaign asks for it: candidates are found by name too.

    Parameters
    ----------
    space : Space
    ions : dict of str to str or dict, optional
        The user's own ions that the space was opened with, for the log.
    """

    def __init__(self, space: Space, ions: OwnIons | None = None) -> None:
        self.space, self.ions = space, dict(ions or {})

    @property
    def count(self) -> int:
        """Number of candidates."""
        return self.space.count

    def candidates(self) -> Iterator[Candidate]:
        """All of them, one after the other."""
        return self.space.candidates()

    def encode(self, candidates: Sequence[Candidate]) -> tuple[FloatArray, InputColumns]:
        """Return inputs of a surrogate, shape (n, d), and their columns."""
        return self.space.encode(candidates)

    @cached_property
    def _named(self) -> dict[str, Candidate]:
        return {one.name: one for one in self.space.candidates()}

    def find(self, choices: Mapping[str, Choice]) -> Candidate:
        """Find a candidate by its ``name``, by its formula where nothing else differs, or by all its choices.

        Raises
        ------
        NavigationError
            If it lies outside the space.
        """
        if (name := choices.get("name")) is None:
            return self.space.find(choices)
        if self.space.size <= _MOST_NAMED and (one := self._named.get(str(name))) is not None:
            return one
        only = self.space.grid is not None and not self.space.mixtures and not self.space.declared.variables
        if only:
            return self.space.find({"material": name})
        raise NavigationError(
            f"'{shorten(visible(str(name)), 60)}' is no candidate of '{self.space.name}'; copy the name from a "
            "suggestion, or give all choices as columns"
        )

    def sample(self, n: int, generator: np.random.Generator) -> list[Candidate]:
        """Different candidates by chance."""
        return self.space.sample(n, generator)

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as plain JSON."""
        more = {"ions": self.ions, "left_out": dict(self.space.left_out)}
        return {"space": self.space.to_dict()} | {name: part for name, part in more.items() if part}


def open_candidates(path: Path | str, ions: OwnIons | None = None) -> Candidates:
    """Open a space file (``.toml``), or a table of candidates.

    Raises
    ------
    NavigationError
        If it can't be read, or own ions come with a table: only a space file reads formulas.
    """
    if Path(path).suffix.lower() == ".toml":
        return DeclaredSpace(Space.load(path, IonLibrary.of(ions)), ions)
    if ions:
        raise NavigationError("own ions are for a space file (.toml); a table of candidates needs none")
    return CandidateTable.load(path)


def candidates_from(content: Mapping[str, Any]) -> Candidates:
    """Read what `to_dict` of either kind made."""
    if "space" in content:
        own = content.get("ions")
        space = Space.from_dict(content["space"], IonLibrary.of(own))
        if left_out := content.get("left_out"):
            space = Space(space.declared, space.ions, left_out)
        return DeclaredSpace(space, own)
    return CandidateTable.from_dict(content)


def _same(cell: Choice, told: Choice) -> bool:
    if isinstance(cell, str) or isinstance(told, str):
        return str(cell) == str(told)
    return bool(np.isclose(cell, told, rtol=1e-6, atol=1e-9))
