"""X-ray detectors: attenuation, charge collection, noise and detection limits, and the fits of their measurements.

Nothing heavy is loaded by importing the room.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
