"""At a hub: what is not decided here. Forms, lists and devices are those of its centre."""

from __future__ import annotations

from sqlalchemy import Connection

from sync_server.errors import AtTheCentre
from sync_server.stores.upstreams import find_upstream


def refuse_at_a_hub(connection: Connection, project_id: int, *, by: int | None) -> None:
    """Let nobody alter at a hub what its centre says; `by` is who wants to.

    What was altered here would be gone, or in the way, at the next contact. The centre itself
    may: it is an actor here, and what it sets up goes through the same use cases.

    Errors    `AtTheCentre`.
    """
    upstream = find_upstream(connection, project_id)
    if upstream is not None and by != upstream.actor_id:
        raise AtTheCentre(
            f"this server is the hub {upstream.hub_name}: forms, lists and devices come from its "
            f"centre; do this at {upstream.url}",
            url=upstream.url,
        )
