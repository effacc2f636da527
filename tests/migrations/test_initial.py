"""Migrations make just the tables that the models say, and take them back."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade
from sqlalchemy import inspect

from sync_server.app import MIGRATIONS
from sync_server.db import db
from sync_server.models.base import Base


def test_what_was_migrated_is_what_the_models_say(app):
    with app.app_context(), db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_small_tables_lie_in_the_order_of_their_key_on_sqlite(app, engine_name):
    with app.app_context(), db.engine.connect() as connection:
        if engine_name == "sqlite":
            made = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
            clustered = {name for name, sql in made if sql and "WITHOUT ROWID" in sql}
            wanted = {
                table.name
                for table in Base.metadata.tables.values()
                if not table.dialect_options["sqlite"]["with_rowid"]
            }
            assert clustered == wanted


def test_going_down_leaves_nothing_behind(app):
    with app.app_context():
        downgrade(directory=str(MIGRATIONS), revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
