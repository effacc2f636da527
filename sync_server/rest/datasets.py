"""Datasets: entity lists, their properties, policies and access filters."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from conflict.areas import UNBOUND, Area, Rule
from schemas.datasets import (
    DatasetDetail,
    DatasetPatch,
    DatasetShape,
    NewDataset,
    NewProperty,
    PropertyPatch,
)
from sync_server.context import context
from sync_server.publishing import lists
from sync_server.reports.datasets import get_dataset, list_datasets
from sync_server.web.auth import require_manager, require_viewer
from sync_server.web.bodies import read_body

bp = Blueprint("datasets", __name__, url_prefix="/projects/<int:project_id>/datasets")


@bp.get("")
def list_all(project_id: int) -> Any:
    """Every list of the project, by name."""
    area = require_viewer(project_id).area(project_id)
    return DatasetShape(many=True).dump(list_datasets(project_id, area))


@bp.get("/<list_name>")
def show(project_id: int, list_name: str) -> Any:
    """One list with its properties and forms."""
    return _one(project_id, list_name, require_viewer(project_id).area(project_id))


@bp.post("")
def create(project_id: int) -> Any:
    """Make an empty list."""
    person = require_manager(project_id)
    sent = read_body(NewDataset())
    lists.add_list(
        project_id,
        sent["name"],
        approval_required=sent["approval_required"],
        by=person.actor_id,
        clock=context().clock,
    )
    return _one(project_id, sent["name"])


@bp.patch("/<list_name>")
def update(project_id: int, list_name: str) -> Any:
    """Say which devices and people see which records of a list."""
    person = require_manager(project_id)
    access_filter = read_body(DatasetPatch())["access_filter"]
    rules = access_filter["rules"] if access_filter else []
    lists.set_access_filter(
        project_id,
        list_name,
        [Rule(rule["dataset_property"], rule["actor_property"]) for rule in rules],
        by=person.actor_id,
        clock=context().clock,
    )
    return _one(project_id, list_name)


@bp.post("/<list_name>/properties")
def create_property(project_id: int, list_name: str) -> Any:
    """Add a property at the end of a list."""
    person = require_manager(project_id)
    sent = read_body(NewProperty())
    lists.add_property(
        project_id,
        list_name,
        sent["name"],
        policy=sent["policy"],
        phone=sent["phone"],
        by=person.actor_id,
        clock=context().clock,
    )
    return {"success": True}


@bp.patch("/<list_name>/properties/<name>")
def update_property(project_id: int, list_name: str, name: str) -> Any:
    """Say how a property is merged, and whether phones hold it."""
    person = require_manager(project_id)
    sent, clock = read_body(PropertyPatch()), context().clock
    if "policy" in sent:
        lists.set_policy(
            project_id, list_name, name, sent["policy"], by=person.actor_id, clock=clock
        )
    if "phone" in sent:
        lists.set_phone(project_id, list_name, name, sent["phone"], by=person.actor_id, clock=clock)
    return _one(project_id, list_name)


def _one(project_id: int, list_name: str, area: Area = UNBOUND) -> Any:
    return DatasetDetail().dump(get_dataset(project_id, list_name, area))
