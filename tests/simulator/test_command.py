"""`simpul simulate`: what is wrong with its words is said before anything is started."""

import pytest
from click.testing import CliRunner

from sync_server.commands import main
from tests.support.serving import free_port

AT = ("--url", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--phones", "0"), "Invalid value for '--phones'"),
        (("--months", "0"), "Invalid value for '--months'"),
        (("--loss", "1"), "Invalid value for '--loss'"),
        (("--seed", "-1"), "Invalid value for '--seed'"),
        (("--pack", "toko"), "no form pack is called 'toko'; there are"),
        (("--token", "x"), "--token, --email and --password are for a server at --url"),
        (("--url", "simpul.example"), "--url is a server's address, as http://"),
        (AT, "--url wants --token, or --email and --password"),
        ((*AT, "--email", "a@example.org"), "--url wants --token, or --email and --password"),
        ((*AT, "--token", "x", "--database-url", "sqlite:///x"), "--database-url is for a server"),
    ],
    ids=lambda one: one[:40] if isinstance(one, str) else " ".join(one)[:40],
)
def test_words_that_make_no_sense_are_a_usage_error(words, said):
    done = CliRunner().invoke(main, ["simulate", *words])
    assert done.exit_code == 2
    assert said in done.output


def test_a_server_that_is_not_there_is_one_line_and_status_1():
    url = f"http://127.0.0.1:{free_port()}"
    done = CliRunner().invoke(main, ["simulate", "--url", url, "--token", "x"])
    assert done.exit_code == 1
    assert done.output == "Error: the server does not answer: ConnectionError\n"
