"""What all tables share."""

from __future__ import annotations

import json
from typing import Annotated, Any

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Base(DeclarativeBase):
    """Declarative base; every table of a project's data has `project_id` first in its key."""


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class JsonText(TypeDecorator[Any]):
    """JSON as compact text on both engines: read and written whole, never queried into."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = _ENCODER.encode(value)
        # Half of a surrogate pair has no UTF-8, but it has an escape.
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


Instant = Annotated[str, mapped_column(String(24))]
"""UTC text with milliseconds: it sorts as time."""

MaybeInstant = Annotated[str | None, mapped_column(String(24))]
Uuid = Annotated[str, mapped_column(String(36))]
Json = Annotated[Any, mapped_column(JsonText)]
Bytes = Annotated[bytes, mapped_column(LargeBinary)]
Large = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]
"""64 bits on both engines: SQLite's integers have them as they are."""

MaybeLarge = Annotated[int | None, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]
Words = Annotated[str, mapped_column(Text)]
MaybeWords = Annotated[str | None, mapped_column(Text)]
