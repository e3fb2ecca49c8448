"""Reading a formula into ions and amounts, in time linear in its length.

The text is covered from right to left by dynamic programming: at each position stand abbreviations, structural
formulae or bracketed groups of the ion library, longest first, and one is taken if the rest can be covered too. So
``BACs2Pb2I7`` is BA + 2 Cs although BAC is an abbreviation as well, without any backtracking. What the tokens spell is
checked in :mod:`perospin.chemistry.spelling`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from perospin.chemistry.ion import Ion
from perospin.chemistry.notation import Plain, to_plain
from perospin.chemistry.spelling import Known, Speller, Token
from perospin.errors import AmbiguousIonError, FormulaError, UnknownIonError
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.chemistry.ions import IonLibrary

MAX_CHARACTERS = 4000
MAX_DEPTH = 8
MAX_DIGITS = 12

_AMOUNT = re.compile(r" ?(\d+(?:\.\d+)?|\.\d+)")
_UNKNOWN_AMOUNT = re.compile(
    r" ?(?:[-+] ?)?(?:\d{0,12}\.?\d{0,12} ?)?(?:[xyzδ](?![a-z])|n ?[-+] ?\d|n(?=[A-Z(\[]|$))[-+\d.xyzδn]*"
)
_SOLVENT = re.compile(r" ?[·*.]? ?\d{0,12}\.?\d{0,12} ?\(?(?:H2O|D2O|DMF|DMSO|DMAc|MeCN|CH3CN|NMP|GBL|MeOH|EtOH)\b")
_JOINT = re.compile(r" ?[·*.]")
_LAYERS = re.compile(r"[ ,;](?:\( ?n ?= ?(\d{1,4}) ?\)|n ?= ?(\d{1,4}))$")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_JOINING_WORD = re.compile(r"(?:and|or|on|in|with|vs)\b")
#: Heavy hydrogen and other isotopes; looked for in unreadable text only.
_ISOTOPE = re.compile(
    r"[CN]\d{0,2}D(?:\d|(?=[\]()CN]|$))"  # CD3ND3, C6D5C2H4NH3
    r"|(?<![A-Za-z0-9])[dD]\d{1,2}(?!\d)|(?<=[AM])d\d{1,2}(?!\d)"  # d5-PEA, MAPbI3-d6, MAd6PbI3
    r"|(?<![A-Za-z0-9])[dD]-(?=MA|FA|CH|GA|GUA)|(?<![A-Za-z0-9])DC\("
    r"|(?<![A-Za-z0-9])1[35][CN](?![a-z])|deuter"  # 13CH3NH3
)


@dataclass(frozen=True)
class Term:
    """One ion of a formula as read: its charge states, its amount, and where it stands."""

    states: tuple[Ion, ...]
    amount: Fraction
    place: int


class Reading(NamedTuple):
    """What a formula says: its ions, the layer number behind it, and cautions on how it was read."""

    terms: list[Term]
    layers: int | None
    cautions: tuple[str, ...]


def read_formula(text: str, ions: IonLibrary) -> Reading:
    """Ions and amounts of a formula, the layer number it states with ``(n = 2)`` behind it, and cautions.

    Raises
    ------
    FormulaError
        If the text can't be read; the message says where and what would be right.
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text, got {type(text).__name__}: {text!r:.60}")
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            f"the formula '{shorten(text, 30)}' has {len(text)} characters; at most {MAX_CHARACTERS} are read"
        )
    plain = to_plain(text)
    body, layers = _split_layer_number(plain.text.rstrip())
    if not body.strip():
        raise FormulaError("the formula is empty: write e.g. MAPbI3 or (PEA)2PbI4")
    reader = _Reader(Plain(body, plain.positions, plain.original), ions)
    terms: list[Term] = []
    tokens, cautions = reader.read()
    reader.flatten(tokens, Fraction(1), terms)
    return Reading(terms, layers, (*cautions, *reader.clashes))


def _split_layer_number(body: str) -> tuple[str, int | None]:
    tail = body[-24:]
    match = _LAYERS.search(tail)
    if match is None:
        return body, None
    return body[: len(body) - len(tail) + match.start()].rstrip(" ,;"), int(match[1] or match[2])


class _Reader:
    def __init__(self, plain: Plain, ions: IonLibrary) -> None:
        self.plain, self.text, self.ions = plain, plain.text, ions
        self.closes = self._match_brackets()
        self.clashes: dict[str, None] = {}
        self._known_steps: dict[tuple[int, int], dict[int, Token | int]] = {}
        self._known_names: dict[str, Known] = {}
        self.speller = Speller(self.text, self._known, self.fail, self._unknown)

    def fail(self, message: str, at: int) -> FormulaError:
        where = f"position {self.plain.place(at)} of '{shorten(self.plain.original)}'"
        return FormulaError(f"{message} ({where})")

    def _match_brackets(self) -> dict[int, int]:
        closes: dict[int, int] = {}
        stack: list[int] = []
        for i, c in enumerate(self.text):
            if c in _CLOSING:
                stack.append(i)
                if len(stack) > MAX_DEPTH:
                    raise self.fail(f"brackets are nested more than {MAX_DEPTH} deep", i)
            elif c in ")]}":
                if not stack:
                    raise self.fail(f"'{c}' closes no bracket", i)
                start = stack.pop()
                if _CLOSING[self.text[start]] != c:
                    raise self.fail(f"'{c}' closes '{self.text[start]}'", i)
                closes[start] = i
        if stack:
            raise self.fail(f"'{self.text[stack[-1]]}' is never closed", stack[-1])
        return closes

    def read(self) -> tuple[tuple[Token, ...], tuple[str, ...]]:
        """Cover the whole text and check what it spells, or say where and why it can't be read."""
        cover = self._cover(0, len(self.text))
        if cover is None:
            raise self._explain_whole()
        self.speller.check(cover)
        return cover, tuple(self.speller.cautions)

    def _known(self, name: str) -> Known:
        """Look a name up, once."""
        if name not in self._known_names:
            try:
                states = self.ions.resolve(name)[0][0]
            except AmbiguousIonError:
                self._known_names[name] = Known(name, "cation", (), "spacer", False)
            else:
                ion = states[0]
                kind = ion.role if ion.role in ("metal", "anion") else "cation"
                charges = tuple(state.charge for state in states)
                self._known_names[name] = Known(ion.symbol, kind, charges, ion.role, ion.is_monatomic)
        return self._known_names[name]

    def _cover(self, start: int, end: int) -> tuple[Token, ...] | None:
        """Tokens that cover text[start:end], or None."""
        steps = self._steps(start, end)
        cover, i = [], start
        while i < end:
            step = steps.get(i)
            if step is None:
                return None
            if isinstance(step, Token):
                cover.append(step)
                i = step.end
            else:
                i = step
        return tuple(cover) or None

    def _steps(self, start: int, end: int) -> dict[int, Token | int]:
        """For each position from where text[start:end] can be read to its end: the token to take, or where to go on.

        Positions inside brackets are left out, so that each character is looked at once in all.
        """
        if (start, end) in self._known_steps:
            return self._known_steps[start, end]
        level, i = [], start
        while i < end:
            level.append(i)
            i = self.closes.get(i, i) + 1
        steps: dict[int, Token | int] = {}
        for i in reversed(level):
            if self._skips(i, start, end):
                if i + 1 in steps or i + 1 == end:
                    steps[i] = i + 1
                continue
            for token in self._tokens_at(i, end):
                if token.end in steps or token.end == end:
                    steps[i] = token
                    break
        self._known_steps[start, end] = steps
        return steps

    def _skips(self, i: int, start: int, end: int) -> bool:
        """Whether a space, or a hyphen between two parts (DABCO-NH4I3), stands at i."""
        if self.text[i] == "-" and start < i < end - 1:
            return self.text[i + 1].isupper() or self.text[i + 1] in "(["
        return self.text[i] == " "

    def _tokens_at(self, i: int, end: int) -> list[Token]:
        tokens = [self._token(i, i + len(name), end, name) for name in self.ions.tokens_at(self.text, i, end)]
        close = self.closes.get(i)
        if close is not None and close < end:
            name = self.text[i + 1 : close].strip()
            if self.ions.knows(name):
                tokens.append(self._token(i, close + 1, end, name))
            elif (group := self._cover(i + 1, close)) and not self._halide_leads(group):
                tokens.append(self._token(i, close + 1, end, None, group))
        return tokens

    def _halide_leads(self, group: tuple[Token, ...]) -> bool:
        """Whether a halide stands before an organic cation: (BrPEA) is an unknown ion, not Br and PEA."""
        kinds = ["" if token.name is None else self._known(token.name).kind for token in group]
        return kinds[0] == "anion" and "cation" in kinds

    def _token(self, i: int, body_end: int, end: int, name: str | None, group: tuple[Token, ...] = ()) -> Token:
        match = _AMOUNT.match(self.text, body_end, end)
        if match is None or not match[1].isascii():
            return Token(i, body_end, body_end, Fraction(1), name, group)
        if len(match[1].replace(".", "")) > MAX_DIGITS:
            raise self.fail(f"the amount '{shorten(match[1], 20)}' has more than {MAX_DIGITS} digits", body_end)
        return Token(i, body_end, match.end(), Fraction(match[1]), name, group)

    def flatten(self, tokens: tuple[Token, ...], factor: Fraction, terms: list[Term]) -> None:
        """Multiply groups out and look the names up."""
        for token in tokens:
            if token.amount == 0:
                what = self.text[token.start : token.body_end]
                raise self.fail(f"the amount of {shorten(what, 30)} is 0: leave it out or give its amount", token.start)
            amount = factor * token.amount
            if token.name is None:
                self.flatten(token.group, amount, terms)
                continue
            if clash := self.ions.clash(token.name):
                self.clashes.setdefault(clash)
            for states, share in self.ions.resolve(token.name):
                terms.append(Term(states, amount * share, token.start))

    def _explain_whole(self) -> FormulaError:
        """Say what stops the reading of the whole text."""
        if isotope := _ISOTOPE.search(self.text):
            return self.fail(
                "the formula names an isotope (deuterium, 13C, 15N): ions are told apart by their elements "
                "alone; write hydrogen as H, e.g. CH3NH3PbI3, and keep the isotope in a note",
                isotope.start(),
            )
        return self._explain(0, len(self.text))

    def _explain(self, start: int, end: int) -> FormulaError:
        """Say what stops the reading of text[start:end]: it fails behind the farthest place that can be reached."""
        farthest, tokens = self._reach(start, end)
        if farthest == end:  # only spaces
            return self.fail("there is nothing between the brackets", start)
        return self._explain_at(farthest, start, end, tokens[-1] if tokens else None)

    def _reach(self, start: int, end: int) -> tuple[int, list[Token]]:
        """Farthest position that reading text[start:end] from the left gets to, and the tokens met on the way."""
        reached, farthest, tokens = {start}, start, []
        for i in range(start, end):
            if i not in reached:
                continue
            farthest = i
            if self._skips(i, start, end):
                reached.add(i + 1)
            for token in self._tokens_at(i, end):
                reached.add(token.end)
                tokens.append(token)
        return (end if end in reached else farthest), tokens

    def _explain_at(self, i: int, start: int, end: int, last: Token | None) -> FormulaError:
        rest = self.text[i:end]
        c = rest[0]
        what = self.text[last.start : last.body_end] if last else ""
        if i > start and (unknown := _UNKNOWN_AMOUNT.match(rest)):
            return self.fail(
                f"the amount '{shorten(unknown[0].strip(), 12)}' behind {shorten(what, 20)} "
                "isn't a number: give each amount, e.g. MAPbI2.5Cl0.5",
                i,
            )
        if i > start and _SOLVENT.match(rest):
            return self.fail(
                f"'{shorten(rest, 20)}' is solvent or water: hydrates and solvates aren't read, "
                f"give the perovskite {shorten(self.text[:i].strip(), 40)} alone",
                i,
            )
        if i > start and (joiner := self._joiner(i, start, rest)):
            host = shorten(self.text[:i].strip(), 40)
            return self.fail(f"'{joiner}' joins two materials or leaves one open: give '{host}' alone", i)
        if i > start and c == ":":
            return self.fail("':' marks a dopant: give the host alone, or write the dopant's amount at its site", i)
        if i > start and _JOINT.match(rest):
            return self.fail(f"'{c}' joins two compounds: hydrates, solvates and adducts aren't read", i)
        if c in ",;":
            return self.fail(f"'{c}' lists ions without their amounts: give each amount, e.g. Br0.5Cl0.5", i)
        if c in _CLOSING:
            return self._explain_group(i)
        number = re.match(r"\d{1,12}(?:\.\d{1,12})?", rest)
        if number and i == start and i + number.end() in self._steps(start, end):
            return self.fail(f"'{number[0]}' stands in front: an amount comes behind its ion", i)
        if c in "^+⁺⁻" or c in "⁰¹²³⁴⁵⁶⁷⁸⁹":
            return self.fail(f"'{c}': charges aren't written in a formula, leave them out", i)
        if not (c.isascii() and c.isalnum()):
            return self.fail(f"unexpected character '{shorten(c)}'", i)
        if re.match(r"X(?![A-Za-z])", rest):
            return self.fail("'X' stands for any halide: name it (I, Br, Cl ...)", i)
        return self._unknown(self._unknown_name(i, end), i)

    def _joiner(self, i: int, start: int, rest: str) -> str:
        """Sign or word at i that joins what was read to another material, or ''."""
        if rest[0] in "/|\u2016\u2225@&":
            return rest[0]
        if word := _JOINING_WORD.match(rest):
            return word[0]
        # '+' and lists: only behind a whole compound; else they are charges and ions of one site
        if start == 0 and rest[0] in "+,;" and rest[1:].strip():
            cover = self._cover(0, i)
            if cover is not None and len(self.speller.kinds(cover)) == 3:
                return rest[0]
        return ""

    def _explain_group(self, i: int) -> FormulaError:
        """Explain a bracket: blame its content if that looks like a formula, else it is one unknown ion."""
        close = self.closes[i]
        name = self.text[i + 1 : close].strip()
        if not name:
            return self.fail("there is nothing between the brackets", i)
        inner = self._explain(i + 1, close)
        farthest, tokens = self._reach(i + 1, close)
        if tokens and _UNKNOWN_AMOUNT.match(self.text, farthest, close):
            return inner
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9.]*(?: ?[,;] ?[A-Za-z][A-Za-z0-9.]*)+", name):
            return inner
        has_metal = any(token.name is not None and self._known(token.name).kind == "metal" for token in tokens)
        return inner if has_metal else self._unknown(name, i + 1)

    def _unknown_name(self, i: int, end: int) -> str:
        """Find the unknown word at i: up to a digit, a bracket, or a metal or last halide that can be read."""
        word = re.match(r"[0-9]*[A-Za-z'-]+|[0-9]+", self.text[i:end])
        length = word.end() if word else 1
        steps = self._steps(i, end)
        for j in range(i + 1, i + length):
            step = steps.get(j)
            if isinstance(step, Token) and step.name is not None:
                kind = self._known(step.name).kind
                if kind == "metal" or (kind == "anion" and step.end == end):
                    return self.text[i:j]
        return self.text[i : i + length].rstrip("-'")

    def _unknown(self, name: str, at: int, remark: str = "") -> FormulaError:
        where = f" at position {self.plain.place(at)} of '{shorten(self.plain.original)}'"
        if name.endswith("ium") and name in self.ions:
            return FormulaError(f"the name '{shorten(name)}'{where} must stand in brackets: ({shorten(name)})")
        if re.fullmatch(r"[a-z]{4,}(?:-[a-z]+)*", name):
            return FormulaError(f"'{shorten(name)}'{where} is no part of a formula: write e.g. (PEA)2(MA)Pb2I7")
        return UnknownIonError(self.ions.unknown_message(name, where, remark))
