"""What every app of a test run would compile again, kept: each test makes an app of its own.

An app compiles its URL rules, its SQL statements and its templates, and comes to the same code
each time; that took longer than most tests. Only what the compilers give is kept. The app, its
engine and its data stay the test's own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from sync_server.accounts import credentials
from sync_server.db import db


class Statements(dict[tuple[Any, ...], Any]):
    """Compiled SQL by what it says and for which kind of database.

    SQLAlchemy's own key begins with the dialect of one engine, and every test has another.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(_for_any_engine(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(_for_any_engine(key), compiled)


def _for_any_engine(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *said = key
    return (dialect.name, dialect.driver, *said)


class Templates(BytecodeCache):
    """Compiled templates by their name and source."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._codes[bucket.key, bucket.checksum] = bucket.code


def _compiling_once(compile_rule: Callable[..., Any]) -> Callable[..., Any]:
    """`Rule._compile_builder`, which reads of a rule its trace and its defaults alone."""
    built: dict[tuple[Any, ...], Any] = {}

    def compile_builder(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return compile_rule(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in built:
            built[key] = compile_rule(rule, append_unknown)
        return built[key]

    return compile_builder


@contextmanager
def thrift() -> Iterator[None]:
    """Keep what is compiled, and hash passwords at the least cost argon2 knows.

    Programs that tests start hash at the server's own cost.
    """
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "_hasher", cheap)
        patch.setattr(credentials, "_NOBODY", cheap.hash("nobody has this password"))
        patch.setattr(Rule, "_compile_builder", _compiling_once(Rule._compile_builder))
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Templates()})
        kept = {"execution_options": {"compiled_cache": Statements()}}
        patch.setattr(db, "_engine_options", kept)
        yield
