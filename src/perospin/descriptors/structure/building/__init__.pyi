from .starts import MOST_STARTS as MOST_STARTS
from .starts import Start as Start
from .starts import build as build
