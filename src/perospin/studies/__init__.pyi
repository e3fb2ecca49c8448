from .lifetime_predictor import (
    LifetimePredictor as LifetimePredictor,
)
from .predicting.prediction import (
    Prediction as Prediction,
)
from .predicting.predictor import (
    Predictor as Predictor,
)
from .predicting.predictor import (
    load_model as load_model,
)
from .result import (
    PartResult as PartResult,
)
from .result import (
    StudyResult as StudyResult,
)
from .structures import (
    describe as describe,
)
from .structures import (
    expected_structure as expected_structure,
)
from .structures import (
    held_out_structure as held_out_structure,
)
from .study import (
    Study as Study,
)
