"""Text that came from outside: kept clean, shown without harm, and written so that other programs take it as text."""

from __future__ import annotations

import json
import re
import unicodedata

__all__ = [
    "control_character",
    "from_spreadsheet",
    "markdown",
    "readable_json",
    "shorten",
    "tex",
    "tex_verbatim",
    "to_spreadsheet",
    "visible",
    "without_password",
]

#: Signs that make a spreadsheet take a cell for a formula, full-width forms included.
_FORMULA_SIGNS = "=+-@\t\r＝＋－＠"
_GUARDED = f"'{_FORMULA_SIGNS}"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|-inf", re.ASCII)
_PASSWORD = re.compile(r"(://[^:/@\s]*):.*@", re.DOTALL)
_PASSWORD_OPTION = re.compile(r"((?:password|passwd|pwd|passfile)\s*=\s*)[^&\s]+", re.IGNORECASE)
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts \{ as a brace too
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "%&#_$"},
}


def visible(text: str) -> str:
    """Escape the control characters of a text, for a terminal or a message."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shorten(text: str, length: int = 60) -> str:
    """Text for a message: control characters escaped, at most `length` characters of it."""
    shown = visible(text[: length + 1])
    return shown if len(text) <= length else shown[: length - 3] + "..."


def control_character(text: str) -> str:
    """Name of the first control, formatting or surrogate character (``"U+202E at position 3"``), or ``""``.

    White space of any kind counts as white space, not as a control character.
    """
    if text.isprintable():
        return ""
    for place, c in enumerate(text, start=1):
        if unicodedata.category(c) in ("Cc", "Cf", "Cs") and not c.isspace():
            return f"U+{ord(c):04X} at position {place}"
    return ""


def to_spreadsheet(text: str) -> str:
    """Cell of text for a CSV file: an apostrophe in front keeps a spreadsheet from running it as a formula.

    Numbers stay numbers, negative ones too. :func:`from_spreadsheet` gives the text back.
    """
    if not text or text[0] not in _GUARDED or not text.strip("'") or _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip("'")[0] in _FORMULA_SIGNS else text


def from_spreadsheet(cell: str) -> str:
    """Text of a cell that :func:`to_spreadsheet` wrote; any other cell as it is."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'")[:1] in _FORMULA_SIGNS and cell.strip("'") else cell


def tex(text: str) -> str:
    """Text for a BibTeX field, with the signs that TeX reads otherwise written out; braces stay balanced."""
    return "".join(_TEX.get(c, c) for c in visible(text))


def tex_verbatim(address: str) -> str:
    """Address or DOI for a BibTeX field, where signs stand for themselves: those that end the field are encoded."""
    return re.sub(r"[\\{}\"\s]|[^\x20-\x7e]", lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()), address)


def markdown(text: str) -> str:
    """Markdown made of foreign texts, without what a viewer would run or follow: tags, links, control characters."""
    lines = (visible(line) for line in text.split("\n"))
    return "\n".join(lines).replace("<", "&lt;").replace("](", "]\\(")


def readable_json(content: object) -> str:
    """JSON with the letters of all alphabets as they are, and all control characters escaped."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def without_password(text: str) -> str:
    """Replace the passwords in a database URL, or in a message about one, by ``***``."""
    return _PASSWORD_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))
