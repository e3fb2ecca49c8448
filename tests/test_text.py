"""Text from outside: shown without harm, and given back as it was."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.text import (
    control_character,
    from_spreadsheet,
    markdown,
    readable_json,
    shorten,
    tex,
    tex_verbatim,
    to_spreadsheet,
    visible,
    without_password,
)


@given(st.text())
def test_what_is_shown_can_t_move_a_cursor(text: str) -> None:
    assert visible(text).isprintable()
    assert shorten(text, 20).isprintable()
    assert visible(text) == text or not text.isprintable()


@given(st.text())
def test_a_cell_is_no_formula_and_comes_back(text: str) -> None:
    cell = to_spreadsheet(text)
    assert from_spreadsheet(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or math.isfinite(float(cell))


@given(st.lists(st.sampled_from("'=+-@ a")).map("".join))
def test_cells_of_signs_come_back(text: str) -> None:
    assert from_spreadsheet(to_spreadsheet(text)) == text


@given(st.text())
def test_a_bibtex_field_is_balanced(text: str) -> None:
    for field in (tex(text), tex_verbatim(text.encode(errors="replace").decode())):
        depth = 0
        for sign in field:
            depth += {"{": 1, "}": -1}.get(sign, 0)
            assert depth >= 0
        assert depth == 0
        assert "\n" not in field


@given(st.recursive(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(), st.lists))
def test_json_is_readable_and_the_same(content: object) -> None:
    text = readable_json(content)
    assert json.loads(text) == content
    assert text.replace("\n", "").isprintable()


@given(st.text())
def test_markdown_holds_no_tag_and_no_link(text: str) -> None:
    shown = markdown(text)
    assert "<" not in shown
    assert "](" not in shown
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain é 𝔐", ""),
        ("a\tb\nc\u00a0d\u2028", ""),
        ("ab\x00", "U+0000 at position 3"),
        ("\u202eabc", "U+202E at position 1"),
        ("a\ud800", "U+D800 at position 2"),
    ],
)
def test_control_characters(text: str, found: str) -> None:
    assert control_character(text) == found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:se@cret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://host/db?password=secret&x=1", "postgresql://host/db?password=***&x=1"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("/home/me/a:b@c.sqlite", "/home/me/a:b@c.sqlite"),
    ],
)
def test_passwords(text: str, shown: str) -> None:
    assert without_password(text) == shown
