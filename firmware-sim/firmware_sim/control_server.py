"""The simulator's side of the control socket, served by the same loop as the lines: it never blocks."""

import contextlib
import selectors
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from contract.errors import UserError
from firmware_sim.control import LINE_BYTES_MAX, ControlRequest, check_socket_path, decode_request

CONNECTIONS_MAX = 32
_ANSWER_TIMEOUT_S = 0.5


class ControlServer:
    """Listens at `path` and answers each line with what `handle` returns; a UserError becomes `{"error": ...}`."""

    def __init__(self, path: Path, handle: Callable[[ControlRequest], dict[str, Any]]) -> None:
        """Raises UserError when another simulator already listens there."""
        self.path = path
        self._handle = handle
        self._connections: dict[int, tuple[socket.socket, bytearray]] = {}
        check_socket_path(self.path)
        _refuse_second(self.path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.path.unlink(missing_ok=True)
            self._listener.bind(str(self.path))
            # Who may write to the socket may change what the stations measure: the owner only.
            self.path.chmod(0o600)
            self._listener.listen(8)
            self._listener.setblocking(False)
        except OSError as error:
            self._listener.close()
            raise UserError(f"cannot open the control socket: {error.strerror}", where=str(self.path)) from None

    def register(self, selector: selectors.BaseSelector) -> None:
        selector.register(self._listener, selectors.EVENT_READ, lambda: self._accept(selector))

    def close(self) -> None:
        for connection, _ in self._connections.values():
            connection.close()
        self._connections.clear()
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            if len(self._connections) >= CONNECTIONS_MAX:
                connection.close()
                return
            connection.setblocking(False)
            fd = connection.fileno()
            self._connections[fd] = (connection, bytearray())
            selector.register(connection, selectors.EVENT_READ, lambda: self._read(fd, selector))

    def _read(self, fd: int, selector: selectors.BaseSelector) -> None:
        connection, heard = self._connections[fd]
        try:
            data = connection.recv(LINE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        heard += data
        while data and b"\n" in heard:
            line, _, rest = bytes(heard).partition(b"\n")
            heard[:] = rest
            if not self._reply(connection, self._answer(line)):
                data = b""
        if not data or len(heard) > LINE_BYTES_MAX:
            selector.unregister(connection)
            connection.close()
            del self._connections[fd]

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return self._handle(decode_request(line))
        except UserError as error:
            return {"error": str(error)}

    def _reply(self, connection: socket.socket, answer: dict[str, Any]) -> bool:
        """A status of many stations can be larger than the socket's buffer; a reader that does not read is dropped."""
        connection.settimeout(_ANSWER_TIMEOUT_S)
        try:
            connection.sendall(msgspec.json.encode(answer) + b"\n")
        except OSError:
            return False
        connection.setblocking(False)
        return True


def _refuse_second(path: Path) -> None:
    if not path.exists():
        return
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        with contextlib.suppress(OSError):
            probe.connect(str(path))
            raise UserError(
                "another simulator runs here", where=str(path.parent), hint="stop it or choose another --dir"
            )
