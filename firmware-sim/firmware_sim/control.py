"""The words with which a running simulator is asked to misbehave, and the door they come through.

A Unix socket in the directory of the ports; one JSON object a line each way. Requests are told apart by `do`.
"""

import contextlib
import socket
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from contract.errors import UserError
from firmware_sim.faults import FaultKind

SOCKET_NAME: Final = "sim.sock"
LINE_BYTES_MAX: Final = 65536
_SOCKET_PATH_BYTES_MAX: Final = 107
"""sun_path of Linux holds 108 bytes with the closing zero."""


class SetFault(msgspec.Struct, frozen=True, tag_field="do", tag="fault", forbid_unknown_fields=True):
    """Switch a fault on; `for_s` left out: until cleared."""

    station: str
    kind: FaultKind
    for_s: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    probability: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1.0
    late_s: Annotated[float, msgspec.Meta(gt=0.0)] = 1.5
    exception_code: Annotated[int, msgspec.Meta(ge=1, le=255)] = 4


class ClearFault(msgspec.Struct, frozen=True, tag_field="do", tag="clear", forbid_unknown_fields=True):
    """Switch faults off that were switched on; `kind` left out: all."""

    station: str
    kind: FaultKind | None = None


class SetValues(msgspec.Struct, frozen=True, tag_field="do", tag="set", forbid_unknown_fields=True):
    """Hold quantities at a value, whatever the weather does; null: the sensor's invalid marker. `release` lets go again."""

    station: str
    values: dict[str, float | None] = {}
    release: tuple[str, ...] = ()


class AskStatus(msgspec.Struct, frozen=True, tag_field="do", tag="status", forbid_unknown_fields=True):
    """What every station is doing."""


ControlRequest = SetFault | ClearFault | SetValues | AskStatus
_DECODER: Final[msgspec.json.Decoder[ControlRequest]] = msgspec.json.Decoder(ControlRequest)


def decode_request(line: bytes) -> ControlRequest:
    """Raises UserError in one line when it is no request."""
    try:
        return _DECODER.decode(line)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(str(error), where="control request") from None


def check_socket_path(path: Path) -> None:
    if len(str(path).encode()) > _SOCKET_PATH_BYTES_MAX:
        raise UserError(
            f"path is longer than a socket's name may be ({_SOCKET_PATH_BYTES_MAX} bytes)",
            where=str(path),
            hint="choose a directory with a shorter name",
        )


def ask(place: Path, request: ControlRequest, timeout_s: float = 5.0) -> dict[str, Any]:
    """Sends one request to the simulator at `place`: its directory or its socket. Raises UserError when none runs there or it refuses."""
    path = place / SOCKET_NAME if place.is_dir() else place
    check_socket_path(path)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            line = _read_line(connection)
        except OSError:
            raise UserError(
                "no simulator answers here", where=str(path), hint="start `kumagaya sim city`, or name its --dir"
            ) from None
    try:
        answer: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        raise UserError("what answers here is no simulator", where=str(path)) from None
    if "error" in answer:
        raise UserError(str(answer["error"]))
    return answer


def _read_line(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        part = connection.recv(LINE_BYTES_MAX)
        if not part:
            break
        data += part
    return data
