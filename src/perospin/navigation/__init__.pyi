from .surrogates.columns import InputColumns as InputColumns
from .surrogates.plain import GPSurrogate as GPSurrogate
from .surrogates.surrogate import Surrogate as Surrogate
