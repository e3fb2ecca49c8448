from . import chemistry as chemistry
from . import database as database
from . import descriptors as descriptors
from . import fitting as fitting
from . import learning as learning
from . import measurements as measurements
from . import mechanisms as mechanisms
from . import navigation as navigation
from . import reports as reports
from . import spectra as spectra
from . import studies as studies
from .chemistry import IonLibrary as IonLibrary
from .chemistry import Perovskite as Perovskite
from .database import Record as Record
from .database import Store as Store
from .database import load_records as load_records
from .database import load_table as load_table
from .errors import PerospinError as PerospinError
from .navigation import Campaign as Campaign
from .navigation import Space as Space
from .navigation import screen as screen
from .reports import cite as cite
from .reports import report as report
from .studies import Study as Study
from .studies import StudyResult as StudyResult
from .studies import describe as describe

__version__: str
