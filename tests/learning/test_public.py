from __future__ import annotations

import subprocess
import sys

import pytest

import perospin.learning as learning


@pytest.mark.parametrize("name", learning.__all__)
def test_every_public_name_exists_and_says_what_it_is(name):
    value = getattr(learning, name)
    assert name in dir(learning)
    if name != "KINDS":
        assert value.__doc__


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="attribute oracle"):
        _ = learning.oracle


def test_importing_the_room_loads_nothing_heavy():
    code = (
        "import sys, perospin.learning; "
        "print([m for m in ('sklearn', 'jax', 'pandas', 'numpy', 'scipy', 'shap', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
