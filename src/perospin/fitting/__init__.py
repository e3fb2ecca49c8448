"""Named parameters, the one `Fit` result, variable projection, batched least squares, intervals.

A model is ``y(x) = sum_k a_k basis_k(x; theta)``: only theta is searched for, the amplitudes follow by linear least
squares. `fit_model` fits one data set (or several that share theta), `fit_batch` thousands of traces at once.
Nothing heavy is loaded by importing the room.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
