"""A study from its declaration to a result: data, running, evidence, predicting, files.

Nothing heavy is loaded by importing the room.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
