"""Serial ports of this machine, and who holds one."""

import os
from pathlib import Path

import msgspec
from serial.tools import list_ports


class Holder(msgspec.Struct, frozen=True):
    """A process that has a port open."""

    pid: int
    command: str

    @property
    def is_agent(self) -> bool:
        words = self.command.split()
        return "edge" in words and "run" in words

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command[:80]})"


def serial_ports() -> list[str]:
    """Adapters that could carry a line: USB and the Raspberry Pi's own; a PC's unused ttyS are left out."""
    return sorted(
        port.device
        for port in list_ports.comports()
        if port.vid is not None or port.device.startswith(("/dev/ttyAMA", "/dev/serial"))
    )


def holder_of(port: str, proc: Path = Path("/proc")) -> Holder | None:
    """Who has the port open, as far as /proc lets us see: our own processes, or all of them for root."""
    wanted = os.path.realpath(port)
    for process in proc.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(str(link.readlink()) == wanted for link in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
                return Holder(int(process.name), command)
        except OSError:
            continue
    return None
