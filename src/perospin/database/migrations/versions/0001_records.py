"""The first schema: records alone.

Stores of this schema were made by perospin itself, without Alembic, so that nothing is done here.
"""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Do nothing: every store has these tables."""
