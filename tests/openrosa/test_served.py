"""The rules a web server could break: long addresses, escaped names, who speaks for a proxy."""

import socket
import uuid
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import requests

from tests.openrosa.nasty import FILES, NAMES, form_of, publish_nasty, walk
from tests.support.promises import promise


def told_over_a_socket(url, asked):
    """What a server says to a request that no library would send."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as line:
        line.sendall(asked.encode())
        return b"".join(iter(lambda: line.recv(4096), b"")).decode()


@pytest.mark.slow
@promise("O1", "O8", "O10", "O11", "O13", "O14", "O15", "O27")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_over_a_real_server_names_and_questions_arrive_whole(serve, village, phone, tmp_path):
    publish_nasty(village)
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati"))
    server = serve(SIMPUL_HOME=str(tmp_path / "home"))
    url = server.url

    with requests.Session() as session:
        session.headers["X-Forwarded-Proto"] = "https"  # which nobody told the server to believe

        def fetch(address: str) -> bytes:
            assert address.startswith(url)
            answer = session.get(address, allow_redirects=False)
            assert (answer.status_code, answer.cookies.get_dict()) == (200, {}), address
            assert answer.headers["X-OpenRosa-Version"] == "1.0"
            return answer.content

        found = walk(fetch, f"{url}//{phone.base}//formList//")
        asked = [*(str(uuid.uuid4()) for _ in range(999)), child]
        told = fetch(f"{url}{phone.base}/datasets/anak/integrity?id={'%2C'.join(asked)}")

    for asked_badly in (f"GET {phone.base}/é.xml HTTP/1.1", f"GET {phone.base}/formList"):
        answer = told_over_a_socket(url, f"{asked_badly}\r\nHost: x\r\n\r\n")
        assert answer.startswith("HTTP/1.1 400 ")
        assert "X-OpenRosa-Version: 1.0" in answer
        assert "<OpenRosaResponse" in answer
        assert phone.token not in answer
    with suppress(OSError):  # it hangs up on a line without end, which may be heard while sending
        told_over_a_socket(url, f"GET {phone.base}/formList?id={'x' * (1 << 20)} HTTP/1.1\r\n\r\n")
    assert "LimitRequestLine" in server.log()
    assert phone.token not in server.log()

    for name in NAMES:
        xml = form_of(*name, *FILES, title=f"<{name[0]}> & {name[1]}")
        assert found[name] == {"": xml, **{file: file.encode() for file in FILES}}
    assert told.count(b"<entity ") == 1
    assert f'<entity id="{child}"><deleted>false<'.encode() in told
