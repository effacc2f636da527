"""The things tests lean on, tested: a fixture that lies makes every test lie."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.support.extras import FINDERS, require
from tests.support.lending import Lender


def test_a_database_of_a_test_is_empty_and_takes_rows(empty_database_url):
    engine = create_engine(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE child (name TEXT)"))
        connection.execute(text("INSERT INTO child VALUES ('Siti')"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM child")).scalars().all() == ["Siti"]
    engine.dispose()


def test_a_postgresql_database_can_be_copied_from_a_template(postgres):
    template = postgres.create_database()
    with psycopg.connect(libpq(postgres.url(template)), autocommit=True) as connection:
        connection.execute("CREATE TABLE child (name TEXT)")
    copies = [postgres.create_database(template) for _ in range(2)]

    with psycopg.connect(libpq(postgres.url(copies[0])), autocommit=True) as connection:
        connection.execute("INSERT INTO child VALUES ('Siti')")
    with psycopg.connect(libpq(postgres.url(copies[1]))) as connection:
        assert connection.execute("SELECT count(*) FROM child").fetchone() == (0,)

    for name in (*copies, template):
        postgres.drop_database(name)


def test_a_database_that_is_lent_again_is_as_the_template(postgres):
    template = postgres.create_database()
    with postgres.connect(template) as connection:
        connection.execute("CREATE TABLE posyandu (id serial PRIMARY KEY, name text)")
        connection.execute("CREATE TABLE child (of int REFERENCES posyandu)")
        connection.execute("INSERT INTO posyandu (name) VALUES ('Melati')")
    lender = Lender(postgres, template)
    first, second = lender.lend(), lender.lend()
    assert first != second

    with postgres.connect(first) as connection:
        connection.execute("UPDATE posyandu SET name = 'Mawar'")
        connection.execute("INSERT INTO child VALUES (1)")
        connection.execute("INSERT INTO posyandu (name) VALUES ('Anggrek')")
    lender.take_back(first)

    assert lender.lend() == first
    with postgres.connect(first) as connection:
        connection.execute("INSERT INTO posyandu (name) VALUES ('Kenanga')")
        rows = connection.execute("SELECT * FROM posyandu ORDER BY id").fetchall()
        assert rows == [(1, "Melati"), (2, "Kenanga")]
        assert connection.execute("SELECT count(*) FROM child").fetchone() == (0,)


@pytest.mark.parametrize(
    "altered",
    ["ALTER TABLE child ALTER name SET NOT NULL", "CREATE TABLE hub (id int)", "ANALYZE"],
)
def test_a_database_whose_tables_were_altered_is_not_lent_again(postgres, altered):
    template = postgres.create_database()
    with postgres.connect(template) as connection:
        connection.execute("CREATE TABLE child (name text)")
    lender = Lender(postgres, template)
    name = lender.lend()
    with postgres.connect(name) as connection:
        connection.execute(altered)

    lender.take_back(name)

    assert lender.lend() != name


def libpq(url):
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_the_frozen_clock_moves_only_when_told(clock):
    before = clock.now()
    assert clock.now() == before
    clock.pass_seconds(90)
    clock.pass_days(1)
    assert (clock.now() - before).total_seconds() == 86_490
    assert clock.now().utcoffset().total_seconds() == 0
    assert [clock.new_id(), clock.new_id()] == [
        "00000000-0000-0000-0000-000000000001",
        "00000000-0000-0000-0000-000000000002",
    ]


@pytest.mark.parametrize(
    ("wanted", "ending"),
    [
        pytest.param("", pytest.skip.Exception, id="not-named-skips"),
        pytest.param("postgres, java", pytest.fail.Exception, id="named-fails"),
        pytest.param("chromium", pytest.skip.Exception, id="another-named-skips"),
    ],
)
def test_a_missing_extra(monkeypatch, wanted, ending):
    monkeypatch.setitem(FINDERS, "java", lambda: None)
    monkeypatch.setenv("SIMPUL_TEST_REQUIRE", wanted)
    with pytest.raises(ending):
        require("java")


def test_java_is_found_where_it_is_required():
    assert require("java").name == "java"


class OneButton(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"<!doctype html><title>Simpul</title><button>Kirim</button>"
        self.send_response(http.client.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing: pytest's output is for test results."""


def test_the_browser_opens_a_page_of_this_machine(page):
    server = HTTPServer(("127.0.0.1", 0), OneButton)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        assert page.title() == "Simpul"
        assert page.get_by_role("button", name="Kirim").is_visible()
        assert page.evaluate("window.innerWidth") == 360
        assert page.evaluate("navigator.language") == "id-ID"
    finally:
        server.shutdown()
        server.server_close()
