"""Records with provenance, the curated tables, the user's store, import and export.

Every number has a source, the conditions it holds under, and says whether it was read in the original.
`load_records` reads single measured values, `load_table` a published table as its authors wrote it.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
