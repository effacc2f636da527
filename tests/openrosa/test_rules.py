"""The rules of `docs/openrosa.md` for what phones ask: each row names the numbers it holds."""

from __future__ import annotations

import uuid

import pytest

from tests.openrosa.asking import (
    A_FORM,
    ENTITY,
    FORM_LIST,
    GONE,
    LET_IN_NO_MORE,
    LIST,
    MOVED,
    NAME,
    NIK,
    NOT_HERE,
    OURS,
    REFUSED,
    THEIRS,
    TOKENLESS,
    XML,
    Ask,
    Told,
    check,
)
from tests.openrosa.nasty import md5
from tests.support.promises import promise

RULES = [
    pytest.param(
        Ask("formList?deviceID=collect%3Aabc"),
        Told(has=("<?xml",), headers=FORM_LIST.headers | {"Set-Cookie": None}),
        id="form list",
        marks=promise("O1", "O2", "O6", "O10"),
    ),
    pytest.param(
        Ask("formList?verbose=true&deviceID=&listAllVersions=1&x=%00"),
        FORM_LIST,
        id="parameters nobody knows",
        marks=promise("O6"),
    ),
    pytest.param(
        Ask("formList", headers={"Date": "Sun, 99 Foo 1970 03:00:00 GMT"}),
        FORM_LIST,
        id="a clock that is no clock",
        marks=promise("O7"),
    ),
    pytest.param(
        Ask("submission", "POST", {"Date": "Sat, 01 Jan 2000 03:00:00 GMT"}, A_FORM),
        Told(201, {"Content-Type": XML}, has=("full submission upload was successful!",)),
        id="a form of another century",
        marks=promise("O1", "O2", "O7", "O10"),
    ),
    pytest.param(
        Ask("formList", headers={"X-OpenRosa-Version": "7"}),
        FORM_LIST,
        id="a protocol of another age",
        marks=promise("O1"),
    ),
    pytest.param(Ask("nowhere"), NOT_HERE, id="no such address", marks=promise("O1", "O2", "O8")),
    pytest.param(Ask("forms/x.xml"), NOT_HERE, id="no such form", marks=promise("O8")),
    pytest.param(Ask("/v1/key/x"), NOT_HERE, id="no token at all", marks=promise("O8")),
    pytest.param(
        Ask("formList", "DELETE"),
        Told(405, REFUSED, has=("Permintaan tidak dapat dilayani.",)),
        id="wrong method",
        marks=promise("O1", "O8"),
    ),
    pytest.param(Ask("formlist"), FORM_LIST, id="formlist", marks=promise("O11")),
    pytest.param(Ask("formList///"), FORM_LIST, id="slashes after", marks=promise("O10", "O11")),
    pytest.param(
        Ask(f"{{base}}//forms//ukur//versions/1//attachments//{LIST[-8:]}//"),
        Told(has=("name,label,__version",)),
        id="slashes between",
        marks=promise("O10", "O11"),
    ),
    pytest.param(
        Ask("forms//ukur/versions//1.xml/"),
        Told(has=("ukur",), headers={"Location": None}),
        id="slashes about a form",
        marks=promise("O10", "O11"),
    ),
    pytest.param(
        Ask("{base}//submission//?deviceID=collect%3Aa", "HEAD"),
        Told(204, {"Content-Length": None}),
        id="slashes about a preflight",
        marks=promise("O10", "O11", "O37"),
    ),
    pytest.param(
        Ask("{base}//submission/", "POST", sent=A_FORM),
        Told(201, {"Location": None}),
        id="slashes about a form that is sent",
        marks=promise("O10", "O11"),
    ),
    pytest.param(
        Ask(TOKENLESS("x" * 64)), LET_IN_NO_MORE, id="unknown token", marks=promise("O16")
    ),
    pytest.param(
        Ask(TOKENLESS("%F0%9F%91%B6")), LET_IN_NO_MORE, id="no token", marks=promise("O16")
    ),
    pytest.param(Ask(TOKENLESS("a%2Fb")), LET_IN_NO_MORE, id="a slash in it", marks=promise("O16")),
    pytest.param(
        Ask("{revoked}/formList"), LET_IN_NO_MORE, id="revoked token", marks=promise("O16")
    ),
    pytest.param(
        Ask("formList?formID=ukur"),
        Told(has=("<formID>ukur<",), lacks=("<formID>daftar<",)),
        id="one form",
        marks=promise("O25"),
    ),
    pytest.param(
        Ask("formList?formID=UKUR"), Told(lacks=("<xform>",)), id="none", marks=promise("O25")
    ),
    pytest.param(
        Ask("formList"),
        Told(lacks=("closing", "closed")),
        id="only what is open",
        marks=promise("O22"),
    ),
    pytest.param(
        Ask("formList?formID=Tanpa+Berkas"),
        Told(has=("<version>2<",), lacks=("<version>1<", "<version><", "manifestUrl")),
        id="the newest, and last-saved is no file",
        marks=promise("O22", "O24"),
    ),
    pytest.param(
        Ask("forms/Tanpa%20Berkas/versions/1.xml"),
        Told(has=('version="1"', 'id="Tanpa Berkas"')),
        id="an old version",
        marks=promise("O28"),
    ),
    pytest.param(
        Ask("forms/Tanpa%20Berkas/versions/___.xml"),
        Told(has=('id="Tanpa Berkas"',), lacks=('version="',)),
        id="a version that is blank",
        marks=promise("O28"),
    ),
    pytest.param(
        Ask("forms/closed/versions/1.xml"),
        Told(has=('id="closed"',)),
        id="a form that is closed",
        marks=promise("O28"),
    ),
    pytest.param(
        Ask("forms/Tanpa%20Berkas/versions/2/manifest"),
        Told(lacks=("mediaFile", "last-saved")),
        id="no files",
        marks=promise("O30"),
    ),
    pytest.param(
        Ask("forms/gambar/versions/1/manifest"),
        Told(has=("ada.png", md5(b"\x89P")), lacks=("belum.png",)),
        id="a file that is here and one that is not",
        marks=promise("O30", "O31"),
    ),
    pytest.param(
        Ask("forms/gambar/versions/1/attachments/belum.png"),
        NOT_HERE,
        id="a file that is not here",
        marks=promise("O8"),
    ),
    pytest.param(
        Ask(LIST),
        Told(
            200,
            {"Content-Type": "text/csv; charset=utf-8"},
            has=(
                "name,label,__version,nama,posyandu,rt,bb,tb,tgl,imunisasi\n",
                f'{OURS},Siti,1,"{NAME.replace(chr(34), chr(34) * 2)}",melati,',
            ),
            lacks=(NIK, "nik", MOVED, GONE, THEIRS, "Dewi"),
        ),
        id="an entity list",
        marks=promise("O32", "O33"),
    ),
    pytest.param(
        Ask(f"datasets/anak/integrity?id={OURS},{MOVED},{GONE},{THEIRS},{uuid.UUID(int=7)}"),
        Told(
            has=(ENTITY(OURS, "false"), ENTITY(MOVED, "true"), ENTITY(GONE, "true")),
            lacks=(THEIRS, str(uuid.UUID(int=7)), NIK),
        ),
        id="what became of children",
        marks=promise("O2", "O33", "O35"),
    ),
    pytest.param(
        Ask(
            f"datasets/anak/integrity?id=,,x,{OURS}%2C1;DROP,{OURS},-,{'9' * 36},%00,%00{'a' * 35}"
        ),
        Told(has=(ENTITY(OURS, "false"),), lacks=("DROP", "999")),
        id="what is no id",
        marks=promise("O36"),
    ),
    pytest.param(
        Ask("datasets/anak/integrity?deviceID=collect%3Aa"),
        Told(has=(ENTITY(OURS, "false"),), lacks=(MOVED, THEIRS)),
        id="no ids",
        marks=promise("O33", "O36"),
    ),
    pytest.param(
        Ask("submission", "HEAD"),
        Told(204, {"X-OpenRosa-Accept-Content-Length": "2000000", "X-OpenRosa-Version": "1.0"}),
        id="a preflight",
        marks=promise("O1", "O37"),
    ),
    pytest.param(
        Ask("submission", "GET"),
        Told(204, {"X-OpenRosa-Accept-Content-Length": "2000000", "Content-Type": None}),
        id="a preflight by GET",
        marks=promise("O37"),
    ),
    pytest.param(
        Ask("submission", "HEAD", {"X-Forwarded-Proto": "https"}),
        Told(204, {"Location": None}),
        id="a proxy that nobody told of",
        marks=promise("O13", "O38"),
    ),
    pytest.param(
        Ask("formList", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}),
        Told(has=("http://localhost/v1/key/",), lacks=("https://", "evil")),
        id="what anybody may say of a proxy",
        marks=promise("O12", "O13"),
    ),
]


@pytest.mark.parametrize(("asked", "told"), RULES)
def test_a_request_is_answered_as_the_rule_says(posyandu, asked, told):
    check(posyandu.ask(asked), told)
