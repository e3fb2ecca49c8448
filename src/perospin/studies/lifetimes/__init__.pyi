from .table import (
    QUANTITIES as QUANTITIES,
)
from .table import (
    TECHNIQUES as TECHNIQUES,
)
from .table import (
    question as question,
)
from .table import (
    technique_class as technique_class,
)
