"""Holding registers that the simulated devices let a master write, from the same manuals as `config/devices/`.

A value is kept and read back; it never changes how the simulated device behaves, because the real ones apply address and baud rate
after a restart only. A device that is not listed answers functions 6 and 16 with exception 1.
"""

from dataclasses import dataclass
from typing import Final

from firmware_sim.frames import Function


@dataclass(frozen=True)
class Setting:
    """One holding register: zero-based address, what it holds from the factory, and what it accepts (as unsigned words)."""

    address: int
    default: int
    minimum: int = 0
    maximum: int = 0xFFFF


@dataclass(frozen=True)
class Settings:
    functions: frozenset[int]
    settings: tuple[Setting, ...]


_SINGLE: Final = frozenset({int(Function.WRITE_SINGLE_REGISTER)})
_BOTH: Final = _SINGLE | {int(Function.WRITE_MULTIPLE_REGISTERS)}

SETTINGS: Final[dict[str, Settings]] = {
    "seeed_orch_s4": Settings(_SINGLE, (Setting(0x0010, 1, 1, 247), Setting(0x0011, 3, 0, 7))),
    "renke_rs_fsxcs": Settings(_SINGLE, tuple(Setting(address, 0) for address in range(0x6000, 0x6004))),
    # WXT530 guide, holding registers 1..11: altitude, wind deviation, four averaging intervals, heating, two resets, address, CLI mode.
    "vaisala_wxt530": Settings(
        _BOTH,
        (
            Setting(0, 0),
            Setting(1, 0),
            Setting(2, 10, 1, 10),
            Setting(3, 10, 1, 10),
            Setting(4, 1, 1, 10),
            Setting(5, 10, 1, 10),
            Setting(6, 1, 0, 3),
            Setting(7, 0),
            Setting(8, 0),
            Setting(9, 1, 1, 247),
            Setting(10, 0),
        ),
    ),
}
