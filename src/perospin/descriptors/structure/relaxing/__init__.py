"""Relax a crystal with any ASE calculator, and say how far to trust what comes out."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
