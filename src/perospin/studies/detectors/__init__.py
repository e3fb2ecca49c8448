"""The records of X-ray detectors and band gaps under their conditions, gathered for the study `xray-detector`.

The names below load on first use, so that importing the room costs nothing.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
