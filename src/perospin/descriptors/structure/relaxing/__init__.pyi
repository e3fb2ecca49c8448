from .engines import ENGINES as ENGINES
from .engines import Engine as Engine
from .engines import open_engine as open_engine
from .relaxation import Limits as Limits
from .relaxation import Relaxed as Relaxed
from .relaxation import relax as relax
