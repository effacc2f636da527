"""How many statements something costs the database."""

from collections.abc import Callable

from flask import Flask
from sqlalchemy import event

from sync_server.db import db


def counted(app: Flask, act: Callable[[], object]) -> int:
    """Run `act`; the number of statements that the app's engine executed meanwhile."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)
