"""What stands and what was sent: lists, one record with its history, the XML it came from."""

from __future__ import annotations

from uuid import UUID

from flask import Response, render_template, request

from sync_server.pages.door import bp, enter
from sync_server.pages.words import language
from sync_server.reports import history, records


@bp.get("/projects/<int:project_id>/lists")
def lists(project_id: int) -> str:
    visit = enter(project_id)
    found = records.lists_of(project_id, visit.area, language=language())
    return render_template("records/lists.html", lists=found)


@bp.get("/projects/<int:project_id>/lists/<list_name>")
def list_records(project_id: int, list_name: str) -> str:
    """One page of a list's records, by label."""
    visit = enter(project_id)
    search = request.args.get("q", "").strip()
    found = records.records_of(
        project_id,
        list_name,
        visit.area,
        language=language(),
        search=search,
        after=request.args.get("after", ""),
    )
    return render_template("records/list.html", found=found, search=search)


@bp.get("/projects/<int:project_id>/records/<uuid:entity>")
def record(project_id: int, entity: UUID) -> str:
    """One record: its values with where each came from, what is asked, and its history."""
    visit = enter(project_id)
    page = history.record_page(project_id, str(entity), visit.area, language=language())
    return render_template("records/record.html", record=page)


@bp.get("/projects/<int:project_id>/submission")
def submission(project_id: int) -> str:
    """One filled form as it came, and the records it wrote."""
    return render_template("records/submission.html", submission=_submission(project_id))


@bp.get("/projects/<int:project_id>/submission.xml")
def submission_xml(project_id: int) -> Response:
    """The bytes of a filled form, to keep; never shown by the browser as a page."""
    found = _submission(project_id)
    return download(found.xml, f"{found.instance_id.removeprefix('uuid:')}.xml")


def _submission(project_id: int) -> records.SubmissionPage:
    """The submission of the query's `form` and `instance`: ids of phones hold any character."""
    visit = enter(project_id)
    return records.submission_page(
        project_id, request.args.get("form", ""), request.args.get("instance", ""), visit.area
    )


def download(content: bytes, filename: str) -> Response:
    """Bytes to save: whatever they hold, the browser is told not to look inside."""
    response = Response(content, content_type="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response
