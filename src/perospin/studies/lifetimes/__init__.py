"""Lifetimes under their conditions: one model over all records of tau_spin, T1, T2 and T2_star.

The names below load on first use, so that importing the room costs nothing.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
