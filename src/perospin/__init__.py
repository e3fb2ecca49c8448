"""Predict, measure and understand spin relaxation in halide perovskites, with honest error bars.

The names of ``__init__.pyi`` load on first use: ``import perospin`` itself loads no heavy library.
"""

from __future__ import annotations

from typing import Any

import lazy_loader as _lazy

from perospin import _moved

_lazy_getattr, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
_moved.install()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("perospin")
    return _lazy_getattr(name)
