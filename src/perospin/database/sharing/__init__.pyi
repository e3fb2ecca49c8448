from .history import Change as Change
from .history import history as history
from .proposals import Proposal as Proposal
from .proposals import accept as accept
from .proposals import proposals as proposals
from .proposals import propose as propose
from .proposals import reject as reject
