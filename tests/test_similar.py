"""One "did you mean" for the whole house."""

from __future__ import annotations

import re
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import perospin
from perospin.similar import did_you_mean, similar_names

HOUSE = Path(perospin.__file__).parent


def test_difflib_is_imported_in_one_file_only() -> None:
    users = [
        path.relative_to(HOUSE).as_posix()
        for path in HOUSE.rglob("*.py")
        if re.search(r"^\s*(import difflib|from difflib )", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert users == ["similar.py"]


@given(st.lists(st.text("abcdef_", min_size=1, max_size=8), unique=True), st.text("abcdef_", max_size=8))
def test_every_offer_is_a_known_name_and_a_known_name_comes_first(known: list[str], name: str) -> None:
    close = similar_names(name, known, most=3)
    assert set(close) <= set(known)
    assert len(close) <= 3
    if name in known:
        assert close[0] == name


def test_the_sentence() -> None:
    known = ["lifetime_ps", "rate_per_ps"]
    assert did_you_mean("lifetme_ps", known) == "did you mean lifetime_ps?"
    assert did_you_mean("lifetme_ps", known, quoted=True) == "did you mean 'lifetime_ps'?"
    assert did_you_mean("lattice", ["lattice_a", "lattice_b"], most=2) == "did you mean lattice_b or lattice_a?"
    assert did_you_mean("zzz", known, otherwise="there are two") == "there are two"
    assert did_you_mean("zzz", known) == ""


def test_a_name_of_a_megabyte_costs_nothing() -> None:
    start = time.perf_counter()
    assert similar_names("a" * 2**20, ["a" * 150] * 20)
    assert time.perf_counter() - start < 5
