"""Ways of writing a formula: plain text, unicode subscripts, LaTeX and HTML; reading and writing them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from perospin.errors import FormulaError
from perospin.text import shorten

Style = Literal["plain", "unicode", "latex", "html"]

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUBSCRIPT_DIGITS = {chr(0x2080 + d): str(d) for d in range(10)}
_DASHES = dict.fromkeys("‐‑‒–—―−﹣－", "-")
_SIGNS = {"′": "'", "’": "'", "‘": "'", "∙": "·", "•": "·", "⋅": "·", "・": "·", "ₓ": "x"}
_LATEX_COMMAND = re.compile(r"\\(?:([A-Za-z]{1,20})[ ]?|([,;:! ]))")
_LATEX_IGNORED = {"left", "right", "rm", "displaystyle"}
_LATEX_GROUPS = {"ce", "mathrm", "text", "textrm", "mathit", "textit", "mathbf", "textbf", "ensuremath", "mathregular"}
_HTML_TAG = re.compile(r"<(/?)sub>", re.IGNORECASE)


@dataclass(frozen=True)
class Plain:
    """A formula reduced to plain characters, with the place of each in the original text."""

    text: str
    positions: tuple[int, ...]
    original: str

    def place(self, index: int) -> int:
        """Position (counted from 1) in the original text of a plain character."""
        return self.positions[index] + 1 if index < len(self.positions) else len(self.original) + 1


def to_plain(text: str) -> Plain:
    """Reduce unicode subscripts, LaTeX and HTML to plain text.

    Raises
    ------
    FormulaError
        If LaTeX braces don't match or a command isn't one for formulae.
    """
    out: list[str] = []
    positions: list[int] = []
    braces: list[tuple[str, int]] = []
    lowered = False  # the last character was a subscript

    def emit(character: str, at: int) -> None:
        out.append(character)
        positions.append(at)

    i = 0
    while i < len(text):
        c = text[i]
        was_lowered, lowered = lowered, False
        if c in _SUBSCRIPT_DIGITS:
            emit(_SUBSCRIPT_DIGITS[c], i)
            lowered = True
        elif c == "\\":
            match = _LATEX_COMMAND.match(text, i)
            command = match[1] if match else None
            if match is None or (command and command not in _LATEX_IGNORED | _LATEX_GROUPS | {"cdot", "bullet"}):
                raise FormulaError(
                    f"'{shorten(text[i : i + 12])}' at position {i + 1} isn't LaTeX for a formula: "
                    r"write e.g. (\mathrm{PEA})_{2}\mathrm{PbI}_{4}"
                )
            i = match.end()
            if command in _LATEX_GROUPS and i < len(text) and text[i] == "{":
                braces.append(("command", i))
                i += 1
            elif command in {"cdot", "bullet"}:
                emit("·", match.start())
            lowered = was_lowered
            continue
        elif c == "_":
            if i + 1 < len(text) and text[i + 1] == "{":
                braces.append(("subscript", i))
                i += 1
            elif not (i + 1 < len(text) and (text[i + 1].isalnum())):
                raise FormulaError(f"'_' at position {i + 1} has no subscript behind it")
        elif c == "{":
            braces.append(("bracket", i))
            emit("{", i)
        elif c == "}":
            if not braces:
                raise FormulaError(f"'}}' at position {i + 1} closes nothing")
            kind, _ = braces.pop()
            if kind == "bracket":
                emit("}", i)
            lowered = kind == "subscript" or was_lowered
        elif c == "$":
            lowered = was_lowered
        elif c == "<" and (tag := _HTML_TAG.match(text, i)):
            lowered = bool(tag[1])
            i = tag.end()
            continue
        else:
            c = _fold(c)
            if was_lowered and c.isdigit():
                emit(" ", i)  # a digit on the line behind a subscript starts something new
            emit(c, i)
            lowered = was_lowered and c == "."
        i += 1
    if braces:
        raise FormulaError(f"'{{' at position {braces[-1][1] + 1} is never closed")
    return Plain("".join(out), tuple(positions), text)


def _fold(c: str) -> str:
    """ASCII form of a dash, prime, dot, full-width or thin-space character; others unchanged."""
    if c.isascii():
        return " " if c.isspace() else c
    if c in _DASHES:
        return "-"
    if c in _SIGNS:
        return _SIGNS[c]
    if c.isspace() or c in "\u200b\u200c\u200d\u2060\ufeff":
        return " "
    if unicodedata.decomposition(c).startswith("<wide>"):
        wide = unicodedata.normalize("NFKC", c)
        if len(wide) == 1 and wide.isascii() and wide.isprintable():
            return wide
    return c


def amount_text(amount: Fraction) -> str:
    """Exact decimal text of an amount, e.g. ``"0.05"``.

    Raises
    ------
    FormulaError
        If the amount has no finite decimal form.
    """
    denominator, twos, fives = amount.denominator, 0, 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    if denominator != 1:
        raise FormulaError(f"the amount {amount} has no finite decimal form")
    places = max(twos, fives)
    if places == 0:
        return str(amount.numerator)
    digits = str(amount.numerator * 10**places // amount.denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


def render(terms: Sequence[tuple[str, bool, Fraction]], style: Style) -> str:
    """Write a formula.

    Parameters
    ----------
    terms
        Symbol, whether it stands in brackets, amount; in order.
    style
        ``"plain"``, ``"unicode"`` (subscript digits), ``"latex"`` (with its dollar signs) or ``"html"``.

    Raises
    ------
    FormulaError
        If the style isn't one of these.
    """
    if style not in get_args(Style):
        raise FormulaError(f"unknown style '{style}': choose one of {', '.join(get_args(Style))}")
    parts = []
    for symbol, brackets, amount in terms:
        name = rf"\text{{{symbol}}}" if style == "latex" else symbol
        number = "" if amount == 1 else amount_text(amount)
        if style == "unicode":
            number = number.translate(_SUBSCRIPTS)
        elif style == "latex" and number:
            number = f"_{{{number}}}"
        elif style == "html" and number:
            number = f"<sub>{number}</sub>"
        parts.append((f"({name})" if brackets else name) + number)
    body = "".join(parts)
    return f"${body}$" if style == "latex" else body
