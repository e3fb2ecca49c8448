"""Analysis of spin-dynamics measurements: pump-probe, Kerr rotation, Hanle, ODMR, spin inertia, dichroism.

Every analysis returns a `SpinFit`. Nothing heavy is loaded by importing the room.
"""

import lazy_loader as _lazy

from perospin._moved import with_moved as _with_moved

_lazy_getattr, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
__getattr__ = _with_moved(__name__, _lazy_getattr)
