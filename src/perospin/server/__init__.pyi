from .client import Client as Client
from .client import connect as connect
from .http import create_app as create_app
from .serving import Settings as Settings
from .tokens import SCOPES as SCOPES
