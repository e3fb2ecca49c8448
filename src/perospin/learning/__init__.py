"""Learning from small tables: estimators, honest validation, screening, explanation, comparison.

The names below load on first use, so that importing the room costs nothing.
"""

import lazy_loader as _lazy

from perospin._moved import with_moved as _with_moved

_lazy_getattr, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
__getattr__ = _with_moved(__name__, _lazy_getattr)
