"""perospin over HTTP, and as tools of an agent. Thin: what is answered is computed in the rooms below."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
