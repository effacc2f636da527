"""What every page of a project says at its head, and the projects somebody may enter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conflict.areas import Area
from sync_server.accounts.roles import Person
from sync_server.db import read_transaction
from sync_server.intake.arrival import Project
from sync_server.reports.board import actors_in_area, visible_to
from sync_server.stores import projects
from sync_server.stores.lists import load_lists
from sync_server.stores.report import count_open_quarantine, count_reviews
from sync_server.stores.upstreams import find_upstream


@dataclass(frozen=True, slots=True)
class Masthead:
    """A project's name, and how much of it asks for a person of this area."""

    project: Project
    name: str
    open_reviews: int
    open_quarantine: int
    centre: str | None  # the address of the centre that this server is a hub of


def masthead(project_id: int, area: Area) -> Masthead | None:
    """The head of a project's pages; None when there is no such project."""
    with read_transaction() as connection:
        row, node = projects.find_project(connection, project_id), projects.find_node(connection)
        if row is None or node is None:
            return None
        upstream = find_upstream(connection, project_id)
        visible = visible_to(load_lists(connection, project_id), area)
        return Masthead(
            project=Project(row.id, row.uuid, node.node),
            name=row.name,
            open_reviews=count_reviews(connection, project_id, visible),
            open_quarantine=count_open_quarantine(
                connection, project_id, actors_in_area(connection, project_id, area)
            ),
            centre=None if upstream is None else upstream.url,
        )


def projects_of(person: Person) -> list[Any]:
    """The projects a person may look into, by name, with how much is in each."""
    with read_transaction() as connection:
        rows = projects.list_projects(connection)
    return [row for row in rows if person.may_view(row.id)]
