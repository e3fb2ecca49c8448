from .surrogates.columns import InputColumns as InputColumns
from .surrogates.deep_kernel import DeepKernelSurrogate as DeepKernelSurrogate
from .surrogates.hypotheses import CompetingSurrogates as CompetingSurrogates
from .surrogates.hypotheses import HypothesisLearning as HypothesisLearning
from .surrogates.means import Mean as Mean
from .surrogates.plain import GPSurrogate as GPSurrogate
from .surrogates.structured import StructuredSurrogate as StructuredSurrogate
from .surrogates.surrogate import Surrogate as Surrogate
