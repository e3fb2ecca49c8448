"""Settings that all tests share."""

from hypothesis import settings

# a busy machine is not a bug: no time limit for single examples
settings.register_profile("perospin", deadline=None)
settings.load_profile("perospin")
