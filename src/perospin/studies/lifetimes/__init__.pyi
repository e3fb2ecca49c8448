from .model import (
    ConditionModel as ConditionModel,
)
from .prediction import (
    LifetimePrediction as LifetimePrediction,
)
from .prediction import (
    LifetimePredictor as LifetimePredictor,
)
from .study import (
    CalibratedModel as CalibratedModel,
)
from .study import (
    ConditionsResult as ConditionsResult,
)
from .study import (
    run_conditions as run_conditions,
)
from .table import (
    Conditioned as Conditioned,
)
from .table import (
    lifetime_table as lifetime_table,
)
from .table import (
    question as question,
)
