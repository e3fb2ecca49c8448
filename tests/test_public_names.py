"""What the rooms promise: every public name exists, has a type, and old paths say where it has gone."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from perospin import _moved

SOURCE = Path(__file__).resolve().parents[1] / "src"
ROOMS = sorted(".".join(stub.parent.relative_to(SOURCE).parts) for stub in SOURCE.rglob("__init__.pyi"))
NAMES = [(room, name) for room in ROOMS for name in importlib.import_module(room).__all__]


def test_the_rooms_have_public_lists() -> None:
    assert {"perospin", "perospin.studies", "perospin.spectra", "perospin.learning"} <= set(ROOMS)


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_every_public_name_exists(room: str, name: str) -> None:
    assert getattr(importlib.import_module(room), name) is not None


def test_no_public_name_is_any_to_an_editor(tmp_path: Path) -> None:
    asked = [f"import {room}" for room in ROOMS] + [f"reveal_type({room}.{name})" for room, name in NAMES]
    script = tmp_path / "asked.py"
    script.write_text("\n".join(asked) + "\n", encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", SOURCE.parent / "pyproject.toml", script],
        capture_output=True, text=True, cwd=SOURCE.parent, check=False, env={**os.environ, "MYPYPATH": str(SOURCE)},
    )  # fmt: skip
    told = [line for line in found.stdout.splitlines() if "Revealed type is" in line]
    assert len(told) == len(NAMES), found.stdout[:2000] + found.stderr[:2000]
    unknown = [
        asked[int(line.split(":")[1]) - 1] for line in told if line.split("Revealed type is ")[1] in ('"Any"', "'Any'")
    ]
    assert not unknown


@pytest.mark.parametrize(("old", "new"), _moved.MODULES.items())
def test_an_old_module_works_and_names_the_new_one(old: str, new: str) -> None:
    module = importlib.import_module(new)
    name = next(n.name for n in _definitions(module.__file__) if not n.name.startswith("_"))
    with pytest.warns(DeprecationWarning, match=rf"'{old}\.{name}' has moved: import it from '{new}'"):
        found = getattr(importlib.import_module(old), name)
    assert found is getattr(module, name)


@pytest.mark.parametrize(("room", "name"), [(room, name) for room, names in _moved.NAMES.items() for name in names])
def test_an_old_name_works_and_names_the_new_room(room: str, name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"'{room}\.{name}' has moved"):
        found = getattr(importlib.import_module(room), name)
    assert found is getattr(importlib.import_module(_moved.NAMES[room][name]), name)


def _definitions(path: str | None) -> list[ast.FunctionDef | ast.ClassDef]:
    assert path is not None
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if found:
        return found
    names = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    public = [name for name in names if not name.startswith("_") and name != "annotations"]
    stub = Path(path).with_suffix(".pyi")
    if not public and stub.is_file():
        public = [a.name for n in ast.parse(stub.read_text()).body if isinstance(n, ast.ImportFrom) for a in n.names]
    return [ast.ClassDef(name=public[0], bases=[], keywords=[], body=[], decorator_list=[], type_params=[])]
