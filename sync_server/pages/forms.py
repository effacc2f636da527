"""Forms: upload, read what is said of it, publish, and see which devices have it."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sync_server.context import context
from sync_server.db import read_transaction
from sync_server.errors import BadForm, BadRequest, SyncError, VersionTaken
from sync_server.pages.door import bp, enter, enter_to_shape, see_other
from sync_server.pages.uploads import Upload, keep_upload, kept_upload, refused
from sync_server.publishing import publish as publishing
from sync_server.publishing.closing import set_state
from sync_server.reports.board import rollout
from sync_server.reports.forms import form_page
from sync_server.stores.drafts import list_drafts


@bp.get("/projects/<int:project_id>/forms")
def forms(project_id: int) -> str:
    """The published forms, and how far each has come onto the devices; the drafts before them."""
    visit = enter(project_id)
    found = rollout(
        project_id,
        visit.area,
        clock=context().clock,
        late_days=context().settings.late_days,
    )
    with read_transaction() as connection:
        drafts = list_drafts(connection, project_id) if visit.may_shape else ()
    return render_template("forms/list.html", forms=found, drafts=drafts)


@bp.get("/projects/<int:project_id>/form")
def form(project_id: int) -> str:
    """The form of the query's `form`: ids of forms hold any character."""
    visit, here = enter(project_id), context()
    page = form_page(
        project_id,
        request.args.get("form", ""),
        visit.area,
        clock=here.clock,
        late_days=here.settings.late_days,
    )
    return render_template("forms/form.html", page=page, done=request.args.get("done"))


@bp.post("/projects/<int:project_id>/form/state")
def set_form_state(project_id: int) -> AnyResponse:
    """Open a form, or close it slowly or at once."""
    visit = enter_to_shape(project_id)
    form_id, state = request.form.get("form", ""), request.form.get("state", "")
    set_state(project_id, form_id, state, by=visit.person.actor_id, clock=context().clock)
    return see_other("pages.form", project_id=project_id, form=form_id, done=state)


@bp.get("/projects/<int:project_id>/forms/new")
def new_form(project_id: int) -> str:
    enter_to_shape(project_id)
    return render_template("forms/upload.html", messages=())


@bp.post("/projects/<int:project_id>/forms/new")
def check_form(project_id: int) -> str | tuple[str, int]:
    """Read an uploaded form and say what is wrong with it, cell by cell; nothing is published."""
    enter_to_shape(project_id)
    file = request.files.get("form")
    if file is None or not file.filename:
        raise BadRequest("no file was chosen")
    content = file.read()
    try:
        checked = publishing.check(content, file.filename)
    except BadForm as exc:  # its author mends it from this very page
        return refused(exc, file.filename)
    token = keep_upload(project_id, file.filename, content, request.files.getlist("attachments"))
    return render_template(
        "forms/checked.html",
        filename=file.filename,
        definition=checked.definition,
        messages=checked.messages,
        token=token,
        policies=(),
    )


@bp.post("/projects/<int:project_id>/forms/publish")
def publish_form(project_id: int) -> AnyResponse | str | tuple[str, int]:
    """Publish what was checked. What the project has against it is said like the rest."""
    visit = enter_to_shape(project_id)
    upload = kept_upload(project_id, request.form.get("upload", ""))
    try:
        done = publishing.publish(
            project_id,
            upload.content,
            upload.name,
            by=visit.person.actor_id,
            clock=context().clock,
            attachments=upload.attachments,
            confirm_policies="confirm" in request.form,
        )
    except (BadForm, VersionTaken) as exc:
        if exc.details.get("policies"):
            return _ask_for_policies(upload, exc)
        return refused(exc, upload.name)
    return see_other(
        "pages.forms",
        project_id=project_id,
        published=done.xml_form_id,
        missing=list(done.missing) or None,
    )


def _ask_for_policies(upload: Upload, exc: SyncError) -> tuple[str, int]:
    """The form says another policy than its list has: published only when that is meant."""
    checked = publishing.check(upload.content, upload.name)
    page = render_template(
        "forms/checked.html",
        filename=upload.name,
        definition=checked.definition,
        messages=exc.details["messages"],
        token=request.form["upload"],
        policies=exc.details["policies"],
    )
    return page, exc.status
