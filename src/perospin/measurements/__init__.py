"""Measurement files into traces, maps and series; a fit into a record: what every analysis shares.

Nothing heavy is loaded by importing the room.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
