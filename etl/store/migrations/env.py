"""Alembic environment: runs on the connection it is given."""

from alembic import context

from etl.store.qgis import is_shared
from etl.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=is_shared,
)
with context.begin_transaction():
    context.run_migrations()
