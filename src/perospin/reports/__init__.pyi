from .card import model_card as model_card
from .citing import cite as cite
from .write import report as report
