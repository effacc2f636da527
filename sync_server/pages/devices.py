"""Devices: make a cadre's account, print its card, let it in no more."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sync_server.accounts import devices as accounts
from sync_server.context import context
from sync_server.pages.door import bp, enter, enter_as_manager, see_other
from sync_server.pages.words import language
from sync_server.reports.board import sync_board
from sync_server.reports.cards import Card, cards, places_to_choose
from sync_server.reports.labels import labels_of
from sync_server.web.addresses import public_root


@bp.get("/projects/<int:project_id>/devices")
def devices(project_id: int) -> str:
    """The devices in use, by name, and the form to make one more."""
    visit = enter(project_id)
    search = request.args.get("q", "").strip()
    board = sync_board(
        project_id,
        visit.area,
        clock=context().clock,
        late_days=context().settings.late_days,
        search=search,
        by_name=True,
        page=request.args.get("page", 1, int),
    )
    return render_template(
        "devices/list.html",
        board=board,
        search=search,
        labels=labels_of(project_id, language()),
        properties=places_to_choose(project_id) if visit.may_manage else (),
    )


@bp.post("/projects/<int:project_id>/devices")
def add_device(project_id: int) -> AnyResponse:
    """Make a device account; its card is next."""
    visit = enter_as_manager(project_id)
    given = {
        name.removeprefix("property."): texts
        for name, texts in request.form.lists()
        if name.startswith("property.")
    }
    borne = {
        name: [text.strip() for text in texts if text.strip()] for name, texts in given.items()
    }
    made = accounts.create_app_user(
        project_id,
        request.form.get("name", ""),
        {name: texts[0] if len(texts) == 1 else texts for name, texts in borne.items() if texts},
        by=visit.person.actor_id,
        clock=context().clock,
        secret_key=context().settings.secret_key,
    )
    return see_other("pages.device_card", project_id=project_id, actor_id=made.actor_id)


@bp.get("/projects/<int:project_id>/devices/<int:actor_id>/card")
def device_card(project_id: int, actor_id: int) -> str:
    """One card, to scan from the screen or to print."""
    enter_as_manager(project_id)
    return render_template("devices/cards.html", cards=_cards(project_id, [actor_id]), one=True)


@bp.get("/projects/<int:project_id>/devices/cards")
def device_cards(project_id: int) -> str:
    """Every card, on sheets to print and cut."""
    enter_as_manager(project_id)
    return render_template("devices/cards.html", cards=_cards(project_id), one=False)


@bp.post("/projects/<int:project_id>/devices/<int:actor_id>/revoke")
def revoke_device(project_id: int, actor_id: int) -> AnyResponse:
    """Let a device in no more: its phone was lost, or its cadre left."""
    visit = enter_as_manager(project_id)
    accounts.revoke_app_user(project_id, actor_id, by=visit.person.actor_id, clock=context().clock)
    return see_other("pages.devices", project_id=project_id, done="revoked")


@bp.post("/projects/<int:project_id>/devices/<int:actor_id>/rotate")
def rotate_device(project_id: int, actor_id: int) -> AnyResponse:
    """Another card for the same account: the one before was lost, or seen by a stranger."""
    visit, here = enter_as_manager(project_id), context()
    accounts.rotate_token(
        project_id,
        actor_id,
        by=visit.person.actor_id,
        clock=here.clock,
        secret_key=here.settings.secret_key,
    )
    return see_other("pages.device_card", project_id=project_id, actor_id=actor_id)


@bp.post("/projects/<int:project_id>/actor-properties")
def add_actor_property(project_id: int) -> AnyResponse:
    """Let the devices of a project belong to one more kind of place."""
    visit = enter_as_manager(project_id)
    accounts.add_actor_property(
        project_id,
        request.form.get("name", "").strip(),
        clock=context().clock,
        by=visit.person.actor_id,
    )
    return see_other("pages.devices", project_id=project_id)


def _cards(project_id: int, only: list[int] | None = None) -> list[Card]:
    here = context()
    return cards(
        project_id,
        public_root=public_root(),
        secret_key=here.settings.secret_key,
        admin_password=here.settings.collect_password,
        only=only,
    )
