from .table import (
    QUANTITIES as QUANTITIES,
)
from .table import (
    question as question,
)
