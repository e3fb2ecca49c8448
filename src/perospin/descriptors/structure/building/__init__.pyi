from .starts import MOST_STARTS as MOST_STARTS
from .starts import Start as Start
from .starts import build as build
from .writing import NOT_AN_ENERGY as NOT_AN_ENERGY
from .writing import check_folder as check_folder
from .writing import cif_text as cif_text
from .writing import poscar_text as poscar_text
from .writing import write_starts as write_starts
