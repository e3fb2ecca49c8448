"""Crystals that nobody has grown: starts for a relaxation, built from a formula."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
