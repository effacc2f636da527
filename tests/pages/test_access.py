"""Who gets in, how far, and what every answer carries."""

import pytest

from tests.pages.conftest import CHILD, OTHER
from tests.pages.visitor import ADMIN, Visitor, at, supervisor, text_of

TABS = ("board", "lists", "lists/anak", "reviews", "quarantine", "forms", "devices")


def test_who_is_not_logged_in_is_asked_to_and_comes_back(village):
    visitor = Visitor(village.app)
    asked = visitor.get(at(village, "board?health=late"))
    assert asked.status_code == 303
    assert asked.location.startswith("/login?next=")
    visitor.get(asked.location)
    answer = visitor.post(
        "/login", email=ADMIN[0], password=ADMIN[1], next=at(village, "board?health=late")
    )
    assert answer.location == at(village, "board?health=late")


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_logging_in_never_leads_to_another_site(village, elsewhere):
    visitor = Visitor(village.app)
    assert 'name="next" value="/"' in visitor.get(f"/login?next={elsewhere}").text
    answer = visitor.post("/login", email=ADMIN[0], password=ADMIN[1], next=elsewhere)
    assert answer.location == "/"


def test_a_wrong_password_is_said_on_the_form(village):
    visitor = Visitor(village.app)
    visitor.get("/login")
    answer = visitor.post("/login", email=ADMIN[0], password="wrong")
    assert answer.status_code == 401
    assert "tidak cocok" in answer.text
    assert ADMIN[0] in answer.text
    assert "wrong" not in answer.text


def test_the_only_project_opens_at_its_board(village, admin):
    assert admin.get("/").location == at(village, "board")


def test_logging_out_ends_the_session(village, admin):
    assert admin.post("/logout").status_code == 303
    assert admin.get(at(village, "board")).status_code == 303


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_a_form_without_the_token_of_its_session_alters_nothing(village, admin, token):
    answer = admin.post(at(village, "devices"), token=token, name="Euis")
    assert answer.status_code == 403
    assert "terlalu lama terbuka" in answer.text
    assert "Euis" not in admin.see(at(village, "devices"))
    assert admin.post("/logout", token=token).status_code == 403
    assert admin.get(at(village, "board")).status_code == 200


def test_logging_in_needs_the_token_of_the_form(village):
    visitor = Visitor(village.app)
    answer = visitor.post("/login", token="made up", email=ADMIN[0], password=ADMIN[1])
    assert answer.status_code == 403


def test_every_page_carries_the_policy_that_keeps_foreign_code_out(village, admin, disputed):
    pages = [at(village, tab) for tab in TABS]
    pages += [at(village, f"records/{CHILD}"), at(village, "nowhere"), "/nowhere", "/login"]
    for page in pages:
        answer = admin.get(page)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy, page
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        for forbidden in ("<script", " style=", " onclick=", "http://", "https://"):
            assert forbidden not in answer.text, (page, forbidden)


def test_pages_are_kept_by_nobody_and_their_sheet_for_ever(village, admin):
    page = admin.get(at(village, "board"))
    assert page.headers["Cache-Control"] == "no-store"
    sheet = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = admin.get(sheet)
    assert "immutable" in answer.headers["Cache-Control"]
    assert len(answer.data) + len(page.data) < 150_000
    assert len(answer.data) <= 15_000


def test_another_project_is_not_there(village, admin):
    outsider = supervisor(village, "lain@example.org", role="formfill")
    for tab in TABS:
        assert outsider.get(at(village, tab)).status_code == 404, tab
    assert admin.get("/projects/999/board").status_code == 404
    assert admin.get("/projects/99999999999999999999/board").status_code == 404


def test_a_supervisor_looks_and_does_not_manage(village):
    bidan = supervisor(village)
    for tab in TABS:
        assert bidan.get(at(village, tab)).status_code == 200, tab
    for path in ("forms/new", "devices/cards"):
        assert bidan.get(at(village, path)).status_code == 403, path
    for path in ("devices", "forms/new", "forms/publish", "actor-properties"):
        assert bidan.post(at(village, path), name="x").status_code == 403, path
    assert bidan.post("/projects", name="Baru").status_code == 403


def test_a_supervisor_of_an_area_sees_only_that(village, euis):
    yayah = village.phone("Yayah", "mawar")
    yayah.send(yayah.register(OTHER, "Budi", nama="Budi", posyandu="mawar"))
    yayah.post(b"<data id='none'><meta><instanceID>uuid:x</instanceID></meta></data>")
    bidan = supervisor(village, posyandu=["melati"])
    assert "Siti" in bidan.see(at(village, "lists/anak"))
    assert "Budi" not in bidan.see(at(village, "lists/anak?q=budi")).replace('value="budi"', "")
    assert "Budi" in supervisor(village, "dua@example.org").see(at(village, "lists/anak"))
    assert bidan.get(at(village, f"records/{CHILD}")).status_code == 200
    assert bidan.get(at(village, f"records/{OTHER}")).status_code == 404
    for tab in ("board", "devices", "forms", "quarantine"):
        assert "Yayah" not in bidan.see(at(village, tab)), tab
    assert "Euis" in bidan.see(at(village, "board"))


def test_an_area_hides_reviews_and_what_was_sent(village, disputed, admin):
    review = village.reviews(CHILD)[0]
    sent = next(row for row in village.changes(CHILD) if row.instance_id)
    stranger = supervisor(village, posyandu="mawar")
    assert "Siti" not in stranger.see(at(village, "reviews"))
    assert stranger.get(at(village, f"reviews/{review.review_id}")).status_code == 404
    answer = stranger.post(
        at(village, f"reviews/{review.review_id}/choose"),
        contenders=review.contenders,
        choose=review.contenders[0],
    )
    assert answer.status_code == 404
    submission = f"submission?form={sent.xml_form_id}&instance={sent.instance_id}"
    assert stranger.get(at(village, submission)).status_code == 404
    assert stranger.get(at(village, submission.replace("?", ".xml?"))).status_code == 404
    assert admin.get(at(village, submission)).status_code == 200


def test_an_address_that_leads_nowhere_is_said_kindly(village, admin):
    answer = admin.get("/tidak/ada")
    assert answer.status_code == 404
    assert "Halaman ini tidak ada" in text_of(answer)
    assert admin.get("/v1/tidak/ada").is_json


def test_a_query_no_database_can_keep_is_refused(village, admin):
    assert admin.get(at(village, "board?q=%00")).status_code == 400
    assert admin.get(at(village, "lists/a%00b")).status_code == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/projects", {"name": "Balita\x00"}),
        ("/projects", {"name\x00": "Balita"}),
        ("here/devices", {"name": "Euis\x1b[2J"}),
        ("here/devices", {"name": "Euis", "property.posyandu": "me\x00lati"}),
        ("here/actor-properties", {"name": "desa\x7f"}),
        ("/projects?a=%00", {"name": "Balita"}),
    ],
)
def test_a_control_character_in_a_field_is_refused_on_a_page(village, admin, path, fields):
    answer = admin.post(path.replace("here/", at(village)), **fields)
    assert answer.status_code == 400
    assert "tidak terbaca" in text_of(answer)


def test_nobody_logs_in_with_a_control_character(village):
    visitor = Visitor(village.app)
    visitor.get("/login")
    answer = visitor.post("/login", email="admin@example.org\x00", password="x")
    assert (answer.status_code, "tidak terbaca" in text_of(answer)) == (400, True)


def test_the_lines_of_a_text_are_no_control_characters(village, admin, disputed):
    answer = admin.get(at(village, "lists/anak?q=a%0D%0A%09b"))
    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["board?q=%00", "lists/anak?after=%00", "reviews?after=a~%1F"])
def test_a_control_character_in_a_query_is_refused_on_a_page(village, admin, query):
    answer = admin.get(at(village, query))
    assert (answer.status_code, "tidak terbaca" in text_of(answer)) == (400, True)


@pytest.mark.parametrize("path", ["lists/%00", "records/a%00", "quarantine/%00", "forms/%00"])
def test_a_path_no_database_keeps_is_a_page_that_is_not_here(village, admin, path):
    answer = admin.get(at(village, path))
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert admin.get("/static/%00").status_code == 404


@pytest.mark.parametrize("path", ["/projects", "here/devices"])
def test_names_are_as_long_as_programs_may_give_them(village, admin, path):
    path = path.replace("here/", at(village))
    assert admin.post(path, name="x" * 200).status_code == 303
    answer = admin.post(path, name="x" * 201)
    assert answer.status_code == 400
    assert "paling panjang 200 huruf" in text_of(answer)
