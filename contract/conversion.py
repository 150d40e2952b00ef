"""From raw registers to a physical value and back: one rule for the edge that reads and the simulator that serves."""

import math
import struct

from contract.profiles import Register, WordOrder
from contract.quantities import Flag

_RANGES = {"u16": (0, 0xFFFF), "s16": (-0x8000, 0x7FFF), "u32": (0, 0xFFFFFFFF), "s32": (-0x80000000, 0x7FFFFFFF)}


def raw_of(register: Register, order: WordOrder, words: tuple[int, ...]) -> int:
    """The raw integer in `words` (each 0..65535); for f32 the 32 bits as an unsigned integer."""
    if register.registers == 1:
        raw = words[0]
        return raw - 0x10000 if register.type == "s16" and raw >= 0x8000 else raw
    high, low = words if order is WordOrder.HIGH_FIRST else (words[1], words[0])
    raw = high << 16 | low
    return raw - 0x1_0000_0000 if register.type == "s32" and raw >= 0x8000_0000 else raw


def words_of(register: Register, order: WordOrder, raw: int) -> tuple[int, ...]:
    """The registers that hold `raw`: the reverse of `raw_of`. Raises ValueError when it does not fit the type."""
    low_limit, high_limit = _RANGES.get(register.type, _RANGES["u32"])
    if not low_limit <= raw <= high_limit:
        raise ValueError(f"{raw} does not fit {register.type}")
    if register.registers == 1:
        return (raw & 0xFFFF,)
    high, low = raw >> 16 & 0xFFFF, raw & 0xFFFF
    return (high, low) if order is WordOrder.HIGH_FIRST else (low, high)


def physical(register: Register, raw: int) -> tuple[float | None, Flag]:
    """The value in the quantity's unit, or None with the reason; rounded to a thousandth of the scale against float dust."""
    if raw in register.invalid:
        return None, Flag.MISSING
    if register.raw_min is not None and raw < register.raw_min:
        return None, Flag.DEVICE_ERROR
    if register.raw_max is not None and raw > register.raw_max:
        return None, Flag.DEVICE_ERROR
    number: float = raw
    if register.type == "f32":
        number = struct.unpack(">f", raw.to_bytes(4, "big"))[0]
        if not math.isfinite(number):
            return None, Flag.DEVICE_ERROR
    decimals = max(0, 3 - math.floor(math.log10(abs(register.scale))))
    return round(number * register.scale + register.offset, decimals), Flag.OK


def raw_from_physical(register: Register, value: float | None) -> int:
    """The raw integer that a device would serve for `value`, clamped to its range; the first invalid marker for None.

    A device without an invalid marker serves 0 for what it cannot measure: so do real ones (Renke RS-FSXCS).
    """
    if value is None or not math.isfinite(value):
        return register.invalid[0] if register.invalid else 0
    if register.type == "f32":
        return int.from_bytes(struct.pack(">f", (value - register.offset) / register.scale), "big")
    low, high = _RANGES[register.type]
    low = low if register.raw_min is None else max(low, register.raw_min)
    high = high if register.raw_max is None else min(high, register.raw_max)
    return min(max(round((value - register.offset) / register.scale), low), high)
