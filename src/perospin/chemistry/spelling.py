"""What the tokens of a formula spell: one ion too many in a bracket, or two materials in one formula.

Abbreviations are short, so an unknown one is easily spelt by known ones (``ImBA`` by Im and BA), and a formula goes on
where a second material begins. Both would be added up to a neutral compound that nobody meant: they are refused here,
and the few ways of writing that the literature does use (``(PEAI)2PbI2``, ``(FAPbI3)0.85(MAPbBr3)0.15``,
``PEA2PbI4(MAPbI3)2``) are told by their brackets.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from perospin.errors import FormulaError

Kind = Literal["cation", "metal", "anion"]
#: Net charge (e) a metal that rounded amounts may leave.
ROUNDING = Fraction(1, 50)
#: At most so many combinations of charge states are looked at for one part of a formula.
_MAX_STATES = 512
_MAX_PARTS = 120


@dataclass(frozen=True)
class Token:
    """One ion or one bracketed group, with its place in the text and its amount."""

    start: int
    body_end: int
    end: int
    amount: Fraction
    name: str | None  # None for a group of tokens in brackets
    group: tuple[Token, ...] = ()

    @property
    def bare(self) -> bool:
        """Whether an ion stands without brackets."""
        return self.name is not None and self.body_end - self.start == len(self.name)

    @property
    def counted(self) -> bool:
        """Whether an amount is written behind it."""
        return self.end > self.body_end


@dataclass(frozen=True)
class Known:
    """What the library says about a name: its symbol, its kind, and the charges it may have (none if ambiguous)."""

    symbol: str
    kind: Kind
    charges: tuple[int, ...]
    role: str
    element: bool


class Speller:
    """Check the tokens of one formula.

    Parameters
    ----------
    text
        The plain text that the tokens are of.
    known
        What a name stands for.
    fail
        Makes the error of a message and a place in the text.
    unknown
        Makes the error of an unknown ion from its name, its place and a remark.
    """

    def __init__(
        self,
        text: str,
        known: Callable[[str], Known],
        fail: Callable[[str, int], FormulaError],
        unknown: Callable[[str, int, str], FormulaError],
    ) -> None:
        self.text, self.known, self.fail, self.unknown = text, known, fail, unknown
        self.cautions: list[str] = []

    def check(self, tokens: Sequence[Token], whole: bool = True) -> None:
        """Refuse what isn't one compound written out; keep a caution for what is read by custom.

        Raises
        ------
        FormulaError
            If a bracket or a run of letters is an unknown ion that known ones spell, ions stand without amounts, or
            the formula holds two materials.
        """
        if whole and sum(1 for _ in self._leaves(tokens)) > _MAX_PARTS:
            raise self.fail(f"more than {_MAX_PARTS} ions stand one after the other: is this one formula?", 0)
        for token in tokens:
            if token.group:
                self._check_group(token)
                self.check(token.group, whole=False)
        self._check_leading_halide(tokens)
        self._check_neighbours(tokens)
        self._check_hyphens(tokens)
        self._check_parts(tokens, whole)

    def _leaves(self, tokens: Sequence[Token]) -> Iterator[tuple[Token, Known]]:
        for token in tokens:
            if token.name is None:
                yield from self._leaves(token.group)
            else:
                yield token, self.known(token.name)

    def kinds(self, tokens: Sequence[Token]) -> set[Kind]:
        """Kinds of ion that tokens hold."""
        return {known.kind for _, known in self._leaves(tokens)}

    def _charges(self, tokens: Sequence[Token]) -> set[Fraction]:
        """Net charges that tokens may have; empty if one of them is ambiguous."""
        states: dict[str, tuple[Fraction, tuple[int, ...]]] = {}
        fixed = Fraction(0)

        def add(tokens: Sequence[Token], factor: Fraction) -> bool:
            nonlocal fixed
            for token in tokens:
                amount = factor * token.amount
                if token.name is None:
                    if not add(token.group, amount):
                        return False
                    continue
                known = self.known(token.name)
                if not known.charges:
                    return False
                if len(known.charges) == 1:
                    fixed += amount * known.charges[0]
                else:
                    before = states.get(known.symbol, (Fraction(0), ()))[0]
                    states[known.symbol] = (before + amount, known.charges)
            return True

        if not add(tokens, Fraction(1)):
            return set()
        choices = itertools.product(*([amount * charge for charge in charges] for amount, charges in states.values()))
        return {fixed + sum(choice, Fraction(0)) for choice in itertools.islice(choices, _MAX_STATES)}

    def _neutral(self, tokens: Sequence[Token]) -> bool:
        metals = sum((t.amount for t, known in self._leaves(tokens) if known.kind == "metal"), Fraction(0))
        allowed = ROUNDING * metals
        return any(abs(charge) <= allowed for charge in self._charges(tokens))

    def _written(self, tokens: Sequence[Token]) -> str:
        return self.text[tokens[0].start : tokens[-1].end].strip()

    def _joined(self, left: Token, right: Token) -> bool:
        return "-" in self.text[left.end : right.start]

    def _check_group(self, token: Token) -> None:
        """Refuse a bracket that is one unknown ion, though known ions spell it."""
        group = token.group
        leaves = [(leaf, self.known(leaf.name)) for leaf in group if leaf.name is not None]
        kinds = self.kinds(group)
        cations = [leaf for leaf, known in leaves if leaf.bare and known.kind == "cation"]
        loose = any(not leaf.counted for leaf in cations)
        if "cation" not in kinds or len(group) < 2:
            return
        if "metal" in kinds:
            spelt = "anion" not in kinds and loose
        else:
            hyphened = any(self._joined(a, b) for a, b in itertools.pairwise(group))
            charges = self._charges(group)
            charged = "anion" in kinds and bool(charges) and 0 not in charges
            spelt = hyphened or charged or (len(cations) > 1 and loose)
        if spelt:
            raise self._spelt(group, token.start + 1)

    def _spelt(self, tokens: Sequence[Token], at: int) -> FormulaError:
        name = self._written(tokens)
        names = [self.text[t.start : t.body_end] for t in tokens]
        parts = f"{', '.join(names[:-1])} and {names[-1]}"
        only_cations = self.kinds(tokens) == {"cation"}
        mixture = "; a mixture needs amounts, as in (FA0.8MA0.2)" if only_cations else ""
        return self.unknown(name, at, f"it isn't read as {parts}{mixture}")

    def _check_leading_halide(self, tokens: Sequence[Token]) -> None:
        """Refuse ``BrBAPbI3``: a halide that stands in front belongs to an unknown cation."""
        if len(tokens) < 2 or not (tokens[0].bare and tokens[1].bare) or tokens[0].counted:
            return
        first, second = (self.known(token.name or "") for token in tokens[:2])
        if first.kind == "anion" and second.kind == "cation" and not second.element:
            start, end = tokens[0].start, tokens[1].body_end
            raise self.unknown(self.text[start:end], start, f"it isn't read as {first.symbol} and {second.symbol}")

    def _check_neighbours(self, tokens: Sequence[Token]) -> None:
        """Refuse cations that stand side by side without brackets and amounts, as in ``FAMAPbIBr3``."""
        for a, b in itertools.pairwise(tokens):
            if not (a.bare and b.bare) or a.counted:
                continue
            left, right = self.known(a.name or ""), self.known(b.name or "")
            if left.kind != "cation" or right.kind != "cation" or (left.element and (right.element or b.counted)):
                continue
            # a dication or guanidinium before the cage's cation is customary: BDAMA3Pb4I13, GUAMA3Pb3I10
            leads = left.symbol == "GUA" or (left.role == "spacer" and 2 in left.charges)
            if leads and right.role == "a_site":
                continue
            names = self.text[a.start : b.body_end]
            separate = f"({a.name})({b.name})"
            if b.counted and not self._joined(a, b):
                self.cautions.append(
                    f"'{names}' is read as the two ions {a.name} and {b.name}: write {separate} to be clear"
                )
                continue
            raise self.fail(
                f"'{names}' is a short form without amounts, or one unknown ion: give each amount, e.g. FA0.8MA0.2, "
                f"or write {separate} for one of each",
                a.start,
            )

    def _check_hyphens(self, tokens: Sequence[Token]) -> None:
        """Allow a hyphen inside one metal-free compound only (DABCO-NH4I3)."""
        for i, (a, b) in enumerate(itertools.pairwise(tokens)):
            if self._joined(a, b) and ("metal" in self.kinds(tokens) or "anion" in self.kinds(tokens[: i + 1])):
                whole = [part for part in (tokens[: i + 1], tokens[i + 1 :]) if len(self.kinds(part)) == 3]
                right = f"give {self._written(whole[0])} alone" if whole else "write the formula without it"
                raise self.fail(f"'-' joins two materials or leaves one open: {right}", a.end)

    def _parts(self, tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
        """Neutral parts that a formula falls into from left to right; one part if it doesn't."""
        parts: list[tuple[Token, ...]] = []
        start = 0
        for end in range(1, len(tokens) + 1):
            if end < len(tokens) and self.kinds(tokens[end : end + 1]) == {"anion"}:
                continue  # more halides follow
            part = tokens[start:end]
            kinds = self.kinds(part)
            if "anion" in kinds and len(kinds) > 1 and self._neutral(part):
                parts.append(tuple(part))
                start = end
        return parts if start == len(tokens) else [tuple(tokens)]

    def _check_inner_halide(self, tokens: Sequence[Token]) -> None:
        """Refuse ``PDAIPbI3``: an I between a cation and the metal is the end of an unknown abbreviation."""
        for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if not (a.bare and b.bare and c.bare) or a.counted:
                continue
            left, inner, right = (self.known(token.name or "") for token in (a, b, c))
            if left.kind == "cation" and inner.kind == "anion" and right.kind != "anion":
                raise self._spelt((a, b), a.start)

    def _check_parts(self, tokens: Sequence[Token], whole: bool) -> None:
        """Refuse a formula that holds several compounds, unless their brackets and amounts say how they add up."""
        parts = self._parts(tokens)
        if len(parts) < 2:
            self._check_inner_halide(tokens)
            return
        kinds = [self.kinds(part) for part in parts]
        perovskites = [part for part, kind in zip(parts, kinds, strict=True) if len(kind) == 3]
        salts = [part for part, kind in zip(parts, kinds, strict=True) if kind == {"cation", "anion"}]
        halides = [part for part, kind in zip(parts, kinds, strict=True) if kind == {"metal", "anion"}]
        words = [self._written(part) for part in parts]
        if not perovskites and not (salts and halides):
            return  # no perovskite at all: said elsewhere
        if perovskites and bool(salts) != bool(halides):
            extra = (salts or halides)[0]
            raise self.fail(
                f"'{self._written(extra)}' is an additive or a second material beside "
                f"{self._written(perovskites[0])}: give the perovskite alone",
                extra[0].start,
            )
        bracketed = [len(part) == 1 for part in parts]
        if perovskites and not salts:
            mixed = all(bracketed) and all(part[0].counted for part in parts)
            if mixed and whole and sum(part[0].amount for part in parts) == 1:
                return  # a solid solution by mole fractions
            stacked = sum(bracketed) == len(parts) - 1 and all(
                part[0].counted and part[0].amount.denominator == 1 for part in parts if len(part) == 1
            )
            if not (mixed or stacked):
                raise self.fail(
                    f"{words[0]} and {words[1]} are two materials: give one of them alone, or a mixture with its "
                    "amounts, e.g. (FAPbI3)0.85(MAPbBr3)0.15",
                    parts[1][0].start,
                )
        elif sum(bracketed) < len(parts) - 1:
            raise self.fail(
                f"{words[0]} and {words[1]} are two compounds: write the perovskite that they form", parts[1][0].start
            )
        self.cautions.append(f"{' and '.join(words)} are added up to one compound")
