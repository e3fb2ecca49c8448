"""Alembic's entry: migrations run inside the transaction that the store has opened."""

from alembic import context

from perospin.database.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table="migrations",
)
context.run_migrations()
