"""The link that can be cut: it carries bytes unchanged, and each cut does to a connection what its name says."""

import socket
import threading
import time
from contextlib import closing

import pytest

from tests.processes import free_port
from tests.torture.link import Link
from tests.torture.plan import Action


@pytest.fixture
def echo():
    """A server that sends back what it gets; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def answer(connection):
        with closing(connection):
            try:
                while data := connection.recv(4096):
                    connection.sendall(data)
            except OSError:
                return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(5)
    for thread in threads:
        thread.join(5)


@pytest.fixture
def link(echo):
    with Link(free_port(), echo) as one:
        yield one


def connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=0.3)


def says(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(4096)


def test_bytes_come_through_unchanged(link):
    with connect(link) as connection:
        assert says(connection, bytes(range(256))) == bytes(range(256))


def test_refused_connections_are_reset_and_work_again_afterwards(link):
    with connect(link) as connection:
        assert says(connection, b"a") == b"a"
        link.cut(Action.REFUSE)
        with pytest.raises(ConnectionResetError):
            says(connection, b"b")
    link.heal()
    time.sleep(0.05)
    with connect(link) as connection:
        assert says(connection, b"c") == b"c"


@pytest.mark.parametrize("how", [Action.SWALLOW, Action.HALF_CLOSE])
def test_a_half_open_connection_stays_open_and_silent_even_after_the_cut(link, how):
    with connect(link) as connection:
        assert says(connection, b"a") == b"a"
        link.cut(how)
        with pytest.raises(TimeoutError):
            says(connection, b"b")
        link.heal()
        with pytest.raises(TimeoutError):
            says(connection, b"c")
        with connect(link) as other:
            assert says(other, b"d") == b"d"


def test_what_was_held_comes_afterwards(link):
    with connect(link) as connection:
        assert says(connection, b"a") == b"a"
        link.cut(Action.HOLD)
        with pytest.raises(TimeoutError):
            says(connection, b"b")
        link.heal()
        assert connection.recv(4096) == b"b"


def test_a_delayed_link_is_slow(link):
    with connect(link) as connection:
        assert says(connection, b"a") == b"a"
        link.cut(Action.DELAY, 0.1)
        connection.settimeout(2.0)
        began_s = time.monotonic()
        assert says(connection, b"b") == b"b"
        assert time.monotonic() - began_s >= 0.2


def test_a_torn_packet_ends_with_a_reset(link):
    with connect(link) as connection:
        assert says(connection, b"a") == b"a"
        link.cut(Action.TEAR)
        time.sleep(0.05)
        with pytest.raises(ConnectionResetError):
            while says(connection, b"0123456789"):
                pass
