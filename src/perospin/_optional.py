"""Packages that are imported late or not at all: extras, and classes that are told without importing theirs."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from perospin.errors import MissingExtraError


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, which belongs to the optional extra `extra`.

    Raises
    ------
    MissingExtraError
        If the module is not installed; the message gives the line to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        if extra == "quantum" and sys.platform == "win32":
            raise MissingExtraError(
                f"this needs the package '{module}', which isn't made for Windows: run perospin under WSL for it"
            ) from error
        raise MissingExtraError(
            f"this needs the package '{module}', which is not installed: pip install 'perospin[{extra}]'"
        ) from error


def is_a(thing: Any, package: str, *names: str) -> bool:
    """Whether something is of a class of a package, or of a class made from it; the package is not imported."""
    return any(known.__name__ in names and known.__module__.split(".")[0] == package for known in type(thing).__mro__)
