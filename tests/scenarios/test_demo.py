"""`simpul demo`: the story it tells is in the store, and its log-ins work."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest
import requests

from sync_server.fleet.phone import Phone
from tests.support.serving import free_port

pytestmark = [pytest.mark.slow, pytest.mark.scenario]
MADE_WITHIN_SECONDS = 240


def environ(home, database_url):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIMPUL_")}
    return {
        **clean,
        "PYTHONUNBUFFERED": "1",
        "SIMPUL_HOME": str(home),
        "SIMPUL_DATABASE_URL": database_url,
    }


def demo(home, database_url, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "sync_server", "demo", *arguments],
        env=environ(home, database_url),
        capture_output=True,
        text=True,
        timeout=MADE_WITHIN_SECONDS,
    )


class Demo:
    """A demo being served; `said` is what it printed before."""

    def __init__(self, home, database_url):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sync_server", "demo", "--port", str(port), "--workers", "4"],
            env=environ(home, database_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line == f"listening on {self.url}\n":
                break
        self.said = "".join(lines)
        assert f"listening on {self.url}" in self.said, self.said

    def account(self, title):
        email, password = re.search(rf"{title} +(\S+) +(\S+)", self.said).groups()
        return {"email": email, "password": password}

    def session(self, title):
        """The headers of a session, begun as the account printed under `title`."""
        answer = requests.post(f"{self.url}/v1/sessions", json=self.account(title), timeout=30)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def get(self, session, path):
        answer = requests.get(f"{self.url}/v1/projects/1/{path}", headers=session, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        return status


def cut_short(home, database_url):
    """Begin to make a demo, and lose the power."""
    half = subprocess.Popen(
        [sys.executable, "-m", "sync_server", "demo", "--no-serve"],
        env=environ(home, database_url),
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (home / "demo.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    half.kill()
    half.wait()


@pytest.fixture
def served_demo(empty_database_url, tmp_path):
    """A demo of four workers, in a home where the first attempt was cut short."""
    cut_short(tmp_path / "home", empty_database_url)
    demo = Demo(tmp_path / "home", empty_database_url)
    yield demo
    if demo.process.poll() is None:
        demo.stop()


def test_the_story_is_told(served_demo, empty_database_url, tmp_path):
    admin = served_demo.session("Administrator")

    children = served_demo.get(admin, "datasets/anak/entities")
    assert 120 <= len(children) <= 160
    reviews = served_demo.get(admin, "sync/reviews?state=open")["reviews"]
    assert sorted((one["kind"], one["field"]) for one in reviews) == [
        ("delete", ""),
        ("field", "bb_terakhir"),
        ("field", "nik"),
    ]
    closed = served_demo.get(admin, "sync/reviews?state=closed")["reviews"]
    assert [one["field"] for one in closed] == ["bb_terakhir"]
    kept = served_demo.get(admin, "sync/quarantine?state=open")["quarantine"]
    assert [one["code"] for one in kept] == ["unknown_form"]

    devices = served_demo.get(admin, "sync/devices")["devices"]
    assert len(devices) == 12
    assert sum(one["waiting"]["value"] for one in devices) == 0
    assert sum(one["quarantined"]["value"] for one in devices) == 1
    health = Counter(one["status"]["value"] for one in devices)
    assert (health["late"], health["never"]) == (1, 1)
    silent = next(one for one in devices if one["status"]["value"] == "late")
    assert silent["lastContact"]["value"] < reviews[0]["openedAt"]
    behind = [one for one in devices if any(form["behind"]["value"] for form in one["forms"])]
    assert len(behind) == 2  # the silent one, and the one that does not fetch

    told = int(re.search(r"(\d+) forms", served_demo.said)[1])
    submissions = sum(
        len(served_demo.get(admin, f"sync/entities/{one['uuid']}/history")["changes"])
        for one in children[:5]
    )
    assert 10 <= submissions <= told

    sees_a_part_of_it(served_demo)
    logs_in_on_the_page(served_demo)
    a_phone_syncs(served_demo)

    assert served_demo.stop() == 0
    again = demo(tmp_path / "home", empty_database_url, "--no-serve")
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("using the demo made 0 days ago")
    assert served_demo.account("Administrator")["password"] in again.stdout


def sees_a_part_of_it(served_demo):
    midwife = served_demo.session("Midwife")
    assert len(served_demo.get(midwife, "sync/devices")["devices"]) == 6
    assert 60 <= len(served_demo.get(midwife, "datasets/anak/entities")) <= 75


def logs_in_on_the_page(served_demo):
    login = f"{served_demo.url}/login"
    with requests.Session() as browser:
        page = browser.get(login, timeout=30).text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        filled = {**hidden, **served_demo.account("Administrator")}
        board = browser.post(login, data=filled, timeout=30)
    assert board.status_code == 200
    assert board.url.endswith("/projects/1/board")
    assert "Bu Wiwin (Mawar)" in board.text


def a_phone_syncs(served_demo):
    address = re.search(r"http://\S+/v1/key/\S+", served_demo.said)[0]
    phone = Phone(address, "collect:anotherphone")
    phone.sync()
    phone.close()
    where = {one.properties["posyandu"] for one in phone.lists["anak"].entities.values()}
    assert len(where) == 1


def test_what_is_no_demo_is_left_alone(tmp_path):
    url = f"sqlite:///{tmp_path / 'home' / 'simpul.db'}"
    account = ("--admin-email", "a@example.org", "--admin-password", "posyandu-melati-7")
    init = [sys.executable, "-m", "sync_server", "init", *account]
    subprocess.run(init, env=environ(tmp_path / "home", url), check=True, capture_output=True)

    refused = demo(tmp_path / "home", url, "--no-serve", "--fresh")

    assert refused.returncode == 1
    assert "hold something else than a demo" in refused.stderr
    assert not (tmp_path / "home" / "demo.json").exists()


def test_a_port_that_is_taken_is_told_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = demo(tmp_path / "home", "", "--port", port)

    assert refused.returncode == 1
    assert "cannot listen at" in refused.stderr
    assert not (tmp_path / "home").exists()
