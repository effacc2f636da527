"""The rules a web server could break: long addresses, escaped names, who speaks for a proxy."""

import uuid

import pytest
import requests

from tests.openrosa.nasty import FILES, NAMES, form_of, publish_nasty, walk
from tests.support.promises import promise


@pytest.mark.slow
@promise("O10", "O11", "O13", "O14", "O15", "O27")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_over_a_real_server_names_and_questions_arrive_whole(serve, village, phone, tmp_path):
    publish_nasty(village)
    child = str(uuid.uuid4())
    phone.send(phone.register(child, posyandu="melati"))
    url = serve(SIMPUL_HOME=str(tmp_path / "home")).url

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

    for name in NAMES:
        xml = form_of(*name, *FILES, title=f"<{name[0]}> & {name[1]}")
        assert found[name] == {"": xml, **{file: file.encode() for file in FILES}}
    assert told.count(b"<entity ") == 1
    assert f'<entity id="{child}"><deleted>false<'.encode() in told
