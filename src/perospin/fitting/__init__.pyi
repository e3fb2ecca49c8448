from .arrays import (
    erfcx as erfcx,
)
from .arrays import (
    namespace as namespace,
)
from .batch import (
    BatchFit as BatchFit,
)
from .batch import (
    FitStatus as FitStatus,
)
from .batch import (
    fit_batch as fit_batch,
)
from .checks import (
    Trace as Trace,
)
from .checks import (
    check_times_ps as check_times_ps,
)
from .checks import (
    check_trace as check_trace,
)
from .model import (
    Parameter as Parameter,
)
from .model import (
    Quantity as Quantity,
)
from .model import (
    SeparableModel as SeparableModel,
)
from .parameters import (
    fixed as fixed,
)
from .result import (
    Fit as Fit,
)
from .result import (
    Source as Source,
)
from .result import (
    Value as Value,
)
from .single import (
    fit_model as fit_model,
)
