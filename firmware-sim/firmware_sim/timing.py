"""How long bytes take on a serial line: the clockwork of a bus that a pseudo terminal does not have."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LineTiming:
    """A serial line's settings.

    Attributes:
        baud: bits per second.
        parity, stop_bits: they make a byte 10, 11 or 12 bits long on the wire, start bit included.
        emulated: False: bytes take no time and devices answer at once, for tests that ask about bytes only.

    """

    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    emulated: bool = True

    @property
    def bits_per_byte(self) -> int:
        return 1 + 8 + (self.parity != "N") + self.stop_bits

    def bytes_s(self, count: int) -> float:
        """Seconds that `count` bytes take on the wire."""
        return count * self.bits_per_byte / self.baud if self.emulated else 0.0

    @property
    def silence_s(self) -> float:
        """The silence that ends a frame: 3.5 characters of 11 bits, fixed at 1.75 ms above 19200 baud (serial line guide 2.5.1.1)."""
        return 0.00175 if self.baud > 19200 else 3.5 * 11 / self.baud
