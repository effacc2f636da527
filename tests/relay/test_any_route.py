"""The same random set directly, through one hub, through two, by file and by a mix.

Of every seed two things are tried (`tests.relay.routes`, which tries hundreds of them at night):

- what comes first to any server, and means the same at all of them: births, offline chains cut
  in pieces, versions that every server has served, conflicts on one base, deletes, restores,
  decisions over named writes, late and edited forms, poison, all of it more than once;
- what was settled at two hubs, each with a story of its own, and is only carried after that.

Equal at the centre are records, versions, open questions, forms, what is kept apart, and each
history with what became of every value. `tests.relay.pictures` says what is not compared.
"""

import pytest

from tests.conflict.gate import bug, sown
from tests.relay.network import Network
from tests.relay.routes import ROUTES, apart
from tests.relay.settled import ROADS, settled
from tests.support.promises import promise

BUG = bug(
    "the hub's time forgotten",
    "What comes through a hub counts as received when the centre had it.",
    "",
    "sync_server.intake.relayed:settled_elsewhere",
    "received_at=relayed.received_at",
    "received_at='2026-11-29T00:00:00.000Z'",
)


@pytest.fixture(scope="module")
def network(tmp_path_factory, sqlite_template):
    made = Network.install(tmp_path_factory.mktemp("network"), sqlite_template)
    yield made
    made.close()


@pytest.fixture
def postgres_network(tmp_path, sqlite_template, postgres, postgres_template):
    name = postgres.create_database(postgres_template)
    made = Network.install(tmp_path, sqlite_template, postgres.url(name))
    yield made
    made.close()
    postgres.drop_database(name)


def some(names, seed: int) -> list[str]:
    """One of the routes beside the first, another for each seed."""
    others = list(names)[1:]
    return [others[seed % len(others)]]


@pytest.mark.parametrize("seed", range(5))
@promise("P100", "P104")
def test_by_whatever_route_it_came_the_centre_ends_alike(network, seed):
    assert apart(network, seed, only=some(ROUTES, seed)) == []
    assert settled(network, seed, only=some(ROADS, seed)) == []


def test_on_postgresql_too(postgres_network):
    assert apart(postgres_network, 0, only=["by two hubs"]) == []
    assert settled(postgres_network, 0, only=["mixed"]) == []


def test_a_bug_in_relaying_is_found(network):
    with sown(BUG):
        assert apart(network, 0, only=["by one hub"]) != []
