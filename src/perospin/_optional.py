"""Optional dependencies: imported where they are used, with an error that names the extra."""

from __future__ import annotations

import importlib
from types import ModuleType

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
        raise MissingExtraError(
            f"this needs the package '{module}', which is not installed: pip install 'perospin[{extra}]'"
        ) from error
