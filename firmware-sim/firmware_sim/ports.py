"""Pseudo terminals that look like serial ports, under a name that stays the same."""

import contextlib
import os
import tty
from pathlib import Path

from contract.errors import UserError

_READ_BYTES = 4096


class PseudoPort:
    """A pseudo terminal with a symbolic link to the side that a master opens.

    The simulator keeps that side open too: a master may close and open it again without ending anything. As on a real port, what
    nobody reads is lost once the terminal's buffer is full.
    """

    def __init__(self, link: Path) -> None:
        """Raises UserError when the link's place is taken by something that is no link, or cannot be written."""
        self.link = link
        if link.exists() and not link.is_symlink():
            raise UserError("is in the way and is no link", where=str(link), hint="give the port another name")
        self._device_fd, self._master_side_fd = os.openpty()
        try:
            for fd in (self._device_fd, self._master_side_fd):
                tty.setraw(fd)
            os.set_blocking(self._device_fd, False)
            self.target = os.ttyname(self._master_side_fd)
            temporary = link.with_name(f".{link.name}.{os.getpid()}")
            try:
                temporary.symlink_to(self.target)
                temporary.replace(link)
            except OSError as error:
                raise UserError(f"cannot make the port's link: {error.strerror}", where=str(link)) from None
        except BaseException:
            self._close_fds()
            raise

    def fileno(self) -> int:
        return self._device_fd

    def read(self) -> bytes:
        """What the master has written; empty when there is nothing."""
        try:
            return os.read(self._device_fd, _READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""

    def write(self, data: bytes) -> int:
        """Puts bytes on the line. Returns how many were taken; the rest is lost, nobody has been reading."""
        try:
            return os.write(self._device_fd, data)
        except (BlockingIOError, InterruptedError):
            return 0

    def close(self) -> None:
        """Removes the link if it is still ours, and closes both sides."""
        with contextlib.suppress(OSError):
            if self.link.is_symlink() and str(self.link.readlink()) == self.target:
                self.link.unlink()
        self._close_fds()

    def _close_fds(self) -> None:
        for fd in (self._device_fd, self._master_side_fd):
            with contextlib.suppress(OSError):
                os.close(fd)
