from .card import model_card as model_card
from .citing import cite as cite
from .relations.relate import relate as relate
from .write import report as report
