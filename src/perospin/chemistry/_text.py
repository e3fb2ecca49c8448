"""Showing a user's text in a message."""

from __future__ import annotations


def shorten(text: str, length: int = 60) -> str:
    """Text for an error message: control characters escaped, at most `length` characters."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: length + 1])
    return shown if len(text) <= length else shown[: length - 3] + "..."
