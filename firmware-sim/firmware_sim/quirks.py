"""What the simulated devices do beyond a profile's table, from the same manuals as `config/devices/`.

Holding registers that a master may write: a value is kept and read back; it never changes how the simulated device behaves, because
the real ones apply address and baud rate after a restart only. A device that is not listed answers functions 6 and 16 with exception 1.
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
class Quirks:
    """What one kind of device does.

    Attributes:
        write_functions: 6, 16 or both; empty: it cannot be written.
        settings: its holding registers.
        rolls_over_at: counters that begin again at 0, by quantity, in the quantity's unit.

    """

    write_functions: frozenset[int] = frozenset()
    settings: tuple[Setting, ...] = ()
    rolls_over_at: tuple[tuple[str, float], ...] = ()


NO_QUIRKS: Final = Quirks()

_SINGLE: Final = frozenset({int(Function.WRITE_SINGLE_REGISTER)})
_BOTH: Final = _SINGLE | {int(Function.WRITE_MULTIPLE_REGISTERS)}

QUIRKS: Final[dict[str, Quirks]] = {
    "thies_clima_sensor_us": Quirks(rolls_over_at=(("rain_accumulated_mm", 1000.0),)),
    "seeed_orch_s4": Quirks(_SINGLE, (Setting(0x0010, 1, 1, 247), Setting(0x0011, 3, 0, 7))),
    "renke_rs_fsxcs": Quirks(_SINGLE, tuple(Setting(address, 0) for address in range(0x6000, 0x6004))),
    # WXT530 guide, holding registers 1..11: altitude, wind deviation, four averaging intervals, heating, two resets, address, CLI mode.
    "vaisala_wxt530": Quirks(
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
"""By profile name. The WXT530 guide says "read and write" without naming the functions: both are taken."""
