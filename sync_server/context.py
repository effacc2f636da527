"""What every door needs at hand, kept once per app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from sync_server.accounts.contacts import Contacts
from sync_server.blobs import Blobs
from sync_server.clock import Clock
from sync_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The settings in force, the clock, the blob folder, and what phones have asked for."""

    settings: Settings
    clock: Clock
    blobs: Blobs
    contacts: Contacts


def context() -> Context:
    """The context of the app that handles this request or command."""
    return cast("Context", current_app.extensions["simpul"])
