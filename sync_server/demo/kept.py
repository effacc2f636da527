"""What a home remembers of its demo: whose store it is, and how to log in.

Kept beside the store, so that a second `simpul demo` shows what the first one made, and so
that nothing but a demo is ever erased.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from sync_server.models.base import Base

_NAME = "demo.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """`node` is the store's; None while it is being set up. `complete` once all is loaded."""

    node: str | None = None
    complete: bool = False
    made_at: str = ""
    project_id: int = 0
    device_id: int = 0
    device: str = ""
    device_token: str = ""
    admin: tuple[str, str] = ("", "")  # e-mail, password
    midwife: tuple[str, str] = ("", "")
    posyandu: int = 0
    devices: int = 0
    children: int = 0
    forms: int = 0


def find(home: Path) -> Kept | None:
    """What this home remembers; None when it never held a demo."""
    path = home / _NAME
    if not path.exists():
        return None
    facts = json.loads(path.read_text(encoding="utf-8"))
    return Kept(**{**facts, "admin": tuple(facts["admin"]), "midwife": tuple(facts["midwife"])})


def keep(home: Path, kept: Kept) -> None:
    """Remember, readable by the operator alone: there are passwords in it."""
    path = home / _NAME
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(asdict(kept), indent=1), encoding="utf-8")
    new.replace(path)


def erase(home: Path, engine: Engine) -> None:
    """Drop every table and attachment of a demo."""
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    shutil.rmtree(home / "blobs", ignore_errors=True)
    (home / _NAME).unlink(missing_ok=True)
