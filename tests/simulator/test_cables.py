"""The cable of a hub: it passes bytes on, and breaks in the middle when it is spoilt."""

import socket
import threading
from contextlib import suppress

import pytest

from sync_server.simulator.book import Book
from sync_server.simulator.cables import Cable
from sync_server.simulator.faults import OF_CABLES, Luck, Trouble
from sync_server.simulator.plan import chance

MANY = 200_000


@pytest.fixture
def echo():
    """A server that sends everything back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=back, args=(near,), daemon=True).start()

    def back(near):
        with near, suppress(OSError):
            while chunk := near.recv(4096):
                near.sendall(chunk)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture
def cable(echo):
    made = Cable(echo, Luck(chance(1, "cable"), 1.0, Book(), OF_CABLES))
    yield made
    made.close()


def came_back(cable: Cable) -> int:
    """How many of many bytes come back through a cable."""
    port = int(cable.url.rpartition(":")[2])
    count = 0
    with socket.create_connection(("127.0.0.1", port)) as line:
        sending = threading.Thread(target=send, args=(line,))
        sending.start()
        with suppress(ConnectionError):
            while count < MANY and (chunk := line.recv(4096)):
                count += len(chunk)
        sending.join()
    return count


def send(line: socket.socket) -> None:
    with suppress(OSError):
        line.sendall(b"x" * MANY)


def test_a_sound_cable_loses_nothing_and_a_spoilt_one_breaks(cable):
    assert came_back(cable) == MANY
    cable.spoil()
    assert came_back(cable) < MANY
    cable.heal()
    assert came_back(cable) == MANY


def test_luck_is_the_same_for_the_same_stream_and_ends_when_it_is_healed():
    def drawn():
        luck = Luck(chance(5, "line"), 0.5, Book())
        return [luck.next() for _ in range(40)]

    assert drawn() == drawn()
    assert {*drawn()} == {Trouble.NONE, Trouble.LOST, Trouble.ANSWER_LOST, Trouble.TWICE}
    healed = Luck(chance(5, "line"), 1.0, Book())
    healed.heal()
    assert {healed.next() for _ in range(40)} == {Trouble.NONE}
