"""Spin relaxation: rate laws with their sources, and which mechanism the data speak for.

Laws take and return NumPy (numbers in, numbers out) and accept JAX arrays, so that they can be differentiated and
vectorised; nothing heavy is loaded by importing the room. Rates are decay rates of the spin polarisation in 1/ps unless
the name says `flip`.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
