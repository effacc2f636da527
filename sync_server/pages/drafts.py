"""Drafts: a form is tried on a phone of the office before the phones of cadres have it."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from sync_server.context import context
from sync_server.errors import BadForm, DraftAltered, SyncError, VersionTaken
from sync_server.pages.door import bp, enter_to_shape, see_other
from sync_server.pages.uploads import kept_upload, messages_of, refused
from sync_server.publishing import drafts
from sync_server.publishing.publish import check
from sync_server.publishing.trials import DraftPage, draft_page


@bp.post("/projects/<int:project_id>/forms/draft")
def keep_draft(project_id: int) -> AnyResponse | tuple[str, int]:
    """Keep what was checked as the form's draft, in the place of the one before."""
    visit, here = enter_to_shape(project_id), context()
    upload = kept_upload(project_id, request.form.get("upload", ""))
    try:
        form_id = drafts.keep_draft(
            project_id,
            check(upload.content, upload.name),
            by=visit.person.actor_id,
            clock=here.clock,
            secret_key=here.settings.secret_key,
            attachments=upload.attachments,
        )
    except BadForm as exc:
        return refused(exc, upload.name)
    return see_other("pages.draft", project_id=project_id, form=form_id, done="kept")


@bp.get("/projects/<int:project_id>/draft")
def draft(project_id: int) -> str:
    """The draft of the query's `form`, with the code that sets a phone up to try it."""
    enter_to_shape(project_id)
    page = _page(project_id, request.args.get("form", ""))
    done = request.args.get("done")
    return render_template("forms/draft.html", page=page, done=done, version=page.version)


@bp.post("/projects/<int:project_id>/draft/publish")
def publish_draft(project_id: int) -> AnyResponse | tuple[str, int]:
    """Publish a draft. What the project has against it is said on its page, and it stays."""
    visit = enter_to_shape(project_id)
    page = _page(project_id, request.form.get("form", ""))
    version = request.form.get("version", "").strip() or page.version
    try:
        done = drafts.publish_draft(
            project_id,
            page.xml_form_id,
            by=visit.person.actor_id,
            clock=context().clock,
            version=version if version != page.version else None,
            confirm_policies="confirm" in request.form,
            seen=request.form.get("hash"),
        )
    except DraftAltered:
        return _another(page)
    except (BadForm, VersionTaken) as exc:
        return _not_yet(page, version, exc)
    return see_other(
        "pages.forms",
        project_id=project_id,
        published=done.xml_form_id,
        missing=list(done.missing) or None,
    )


@bp.post("/projects/<int:project_id>/draft/delete")
def drop_draft(project_id: int) -> AnyResponse | tuple[str, int]:
    """Let a draft go, with what was sent to it."""
    visit, form_id = enter_to_shape(project_id), request.form.get("form", "")
    try:
        drafts.drop_draft(
            project_id,
            form_id,
            by=visit.person.actor_id,
            clock=context().clock,
            seen=request.form.get("hash"),
        )
    except DraftAltered:
        return _another(_page(project_id, form_id))
    return see_other("pages.forms", project_id=project_id, dropped=form_id)


def _page(project_id: int, form_id: str) -> DraftPage:
    here = context()
    return draft_page(
        project_id,
        form_id,
        public_root=here.settings.public_url or request.url_root.rstrip("/"),
        secret_key=here.settings.secret_key,
        name=_("Trial: %(name)s", name="%s"),
    )


def _another(page: DraftPage) -> tuple[str, int]:
    """The draft that is there now, to be looked at before anything is done with it."""
    shown = render_template("forms/draft.html", page=page, done="altered", version=page.version)
    return shown, DraftAltered("").status


def _not_yet(page: DraftPage, version: str, exc: SyncError) -> tuple[str, int]:
    shown = render_template(
        "forms/draft.html",
        page=page,
        done=None,
        messages=messages_of(exc),
        policies=exc.details.get("policies", ()),
        version=exc.details.get("suggestion", version),
    )
    return shown, exc.status
