"""A record's page: what stands, where each value came from, and all that was ever sent."""

import re
from urllib.parse import quote

from tests.pages.conftest import CHILD, OTHER
from tests.pages.visitor import Visitor, at


def part(page: str, heading: str) -> str:
    """The text of one section of a page, by its id."""
    section = page.split(f'aria-labelledby="{heading}"', 1)[1].split("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", section.partition(">")[2]).split())


def page_of(village, visitor: Visitor, child: str = CHILD) -> str:
    answer = visitor.get(at(village, f"records/{child}"))
    assert answer.status_code == 200
    return answer.text


def test_each_value_names_its_form_its_device_and_its_time(village, euis, admin):
    euis.sync()
    euis.client_time = "2026-11-21T03:30:00.000Z"
    euis.send(euis.measure(CHILD, bb="8.7", tgl="2026-11-21"))
    values = part(page_of(village, admin), "values")
    assert re.search(r"bb 8\.7 diukur 21 Nov 2026 · ukur · Euis · 21 Nov 2026 10\.30", values)
    assert re.search(r"nama Siti daftar · Euis · 21 Nov 2026 10\.00", values)


def test_history_keeps_everything_with_what_became_of_it(village, euis, admin):
    for weight, day in (("8.1", "2026-11-18"), ("8.7", "2026-11-20")):
        euis.sync()
        village.pass_time()
        euis.send(euis.measure(CHILD, bb=weight, tgl=day, rt="05"))
    page = page_of(village, admin)
    history = part(page, "history")
    assert history.index("8.7") < history.index("8.1")  # newest first
    assert re.search(r"bb: 8\.7 \(menggantikan 8\.1\) berlaku", history)
    assert "bb: 8.1 sudah diganti" in history
    assert "tgl: 2026-11-20 berlaku" in history
    assert "tgl: 2026-11-18 sudah diganti" in history
    assert "Dikirim tanpa perubahan: rt" in history
    measured = part(page, "measured")
    assert measured.index("20 Nov 2026 8.7") < measured.index("18 Nov 2026 8.1")


def test_a_disputed_value_says_so_and_leads_to_the_question(village, disputed, admin):
    review = village.reviews(CHILD)[0].review_id
    page = page_of(village, admin)
    assert f"/reviews/{review}" in page
    assert "Data berbeda, perlu dicek" in part(page, "values")
    assert part(page, "history").count("berbeda, perlu dicek") == 2
    assert "Data berbeda" in admin.see(at(village, "lists/anak"))


def test_an_update_before_its_registration_shows_what_is_known(village, admin):
    euis = village.phone("Euis")
    euis.sync()
    registered = euis.register(OTHER, "Budi", nama="Budi", posyandu="melati")
    measured = euis.measure(OTHER, bb="7.7", tgl="2026-11-20")
    euis.send(measured)
    page = page_of(village, admin, OTHER)
    assert "Pendaftaran belum tiba" in page
    assert "7.7" in part(page, "values")
    euis.send(registered)
    page = page_of(village, admin, OTHER)
    assert "belum tiba" not in page
    assert "Budi" in part(page, "values")


def test_the_filled_form_is_there_byte_for_byte(village, euis, admin):
    sent = village.changes(CHILD)[0]
    query = f"form={sent.xml_form_id}&instance={quote(sent.instance_id, safe=':')}"
    assert query.replace("&", "&amp;") in page_of(village, admin)
    page = admin.get(at(village, f"submission?{query}"))
    assert "&lt;nama&gt;Siti&lt;/nama&gt;" in page.text
    saved = admin.get(at(village, f"submission.xml?{query}"))
    assert saved.data.startswith(b"<data id='daftar'")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert saved.mimetype == "application/octet-stream"
    assert saved.headers["X-Content-Type-Options"] == "nosniff"


def test_a_list_is_searched_and_paged(village, euis, admin):
    euis.send(
        *(
            euis.register(
                f"7b0c6f0e-5d1a-4f7e-9a55-3c5a3a1b80{n:02}", f"Anak {n:02}", posyandu="melati"
            )
            for n in range(60)
        )
    )
    first = admin.get(at(village, "lists/anak")).text
    assert "Anak 49" in first
    assert "Anak 50" not in first
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = admin.see(following)
    assert "Anak 50" in second
    assert "Siti" in second
    assert "Anak 49" not in second
    found = admin.see(at(village, "lists/anak?q=ANAK%2007"))
    assert "Anak 07" in found
    assert "Anak 08" not in found
    assert "Tidak ada yang cocok" in admin.see(at(village, "lists/anak?q=%25"))


def test_what_is_not_there_is_not_found(village, admin):
    assert admin.get(at(village, f"records/{OTHER}")).status_code == 404
    assert admin.get(at(village, "records/nonsense")).status_code == 404
    assert admin.get(at(village, "lists/none")).status_code == 404
    assert admin.get(at(village, "submission?form=x&instance=y")).status_code == 404
