"""Device profiles: how a quantity lies in a device's registers. One TOML file a device, under `config/devices/`.

The edge reads by a profile, the simulator serves by the same one, and central may send one to a gateway. Addresses are the
zero-based ones that travel in the Modbus request, never the 30001/40001 style of manuals.
"""

import tomllib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from contract.errors import UserError
from contract.quantities import QUANTITIES

BLOCK_REGISTERS_MAX = 125
"""Modbus Application Protocol V1.1b3, 6.3 and 6.4: at most 125 registers in one read."""


class WordOrder(StrEnum):
    HIGH_FIRST = "high_first"
    LOW_FIRST = "low_first"


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value in the device: physical = raw * scale + offset.

    Attributes:
        quantity: a name of `contract.quantities`.
        address: zero-based address of its first register.
        type: raw encoding; 32-bit types take two registers in `word_order`; f32 is IEEE 754.
        invalid: raw values (as the type's integers; for f32 as the 32 bits) that mean "no measurement".
        raw_min, raw_max: raw values outside are the device's way to say "error".
    """

    quantity: str
    address: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    type: Literal["u16", "s16", "u32", "s32", "f32"] = "u16"
    scale: float = 1.0
    offset: float = 0.0
    function: Literal[3, 4] | None = None
    word_order: WordOrder | None = None
    invalid: tuple[int, ...] = ()
    raw_min: int | None = None
    raw_max: int | None = None

    @property
    def registers(self) -> int:
        """How many 16-bit registers the value takes."""
        return 1 if self.type in {"u16", "s16"} else 2


class Readable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A range of addresses, both ends included, that the device answers in one block; outside it answers exception 2."""

    first: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    last: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    function: Literal[3, 4] | None = None


class Identification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A register whose masked raw value tells this device from others: (raw & mask) is one of `values`."""

    address: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    values: tuple[int, ...]
    mask: int = 0xFFFF
    function: Literal[3, 4] | None = None


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of device.

    Attributes:
        baud, parity, stop_bits, unit_address: the device's factory settings.
        function: 3 (holding registers) or 4 (input registers), unless a register says otherwise.
        response_time_max_s: longest time the device may take to begin its answer.
        readable: what may be asked; reads are coalesced only inside one of these.
        source: where the facts come from.
        notes: what a technician should know.
    """

    name: str
    title: str
    source: tuple[str, ...]
    function: Literal[3, 4]
    register: tuple[Register, ...]
    readable: tuple[Readable, ...]
    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    unit_address: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    word_order: WordOrder = WordOrder.HIGH_FIRST
    response_time_max_s: float = 0.5
    identification: tuple[Identification, ...] = ()
    notes: tuple[str, ...] = ()

    def function_of(self, part: Register | Readable | Identification) -> int:
        return part.function or self.function

    def word_order_of(self, register: Register) -> WordOrder:
        return register.word_order or self.word_order


class Block(msgspec.Struct, frozen=True):
    """One read request: `count` registers from `address` with `function`, and the values found inside."""

    function: int
    address: int
    count: int
    registers: tuple[Register, ...]


def plan_blocks(profile: Profile, quantities: Iterable[str] | None = None, *, gap_max: int = 24) -> tuple[Block, ...]:
    """The fewest sensible read requests for the wanted quantities.

    Registers join one block when they lie in one readable range, the block stays within 125 registers, and the unused gap between
    neighbours is at most `gap_max` registers: at 9600 baud a register costs 2.1 ms, a further request about 20 ms with its silences.
    """
    wanted = None if quantities is None else set(quantities)
    blocks: list[Block] = []
    for span in profile.readable:
        function = profile.function_of(span)
        inside = sorted(
            (
                register
                for register in profile.register
                if profile.function_of(register) == function
                and span.first <= register.address
                and register.address + register.registers - 1 <= span.last
                and (wanted is None or register.quantity in wanted)
            ),
            key=lambda register: register.address,
        )
        group: list[Register] = []
        for register in inside:
            if group:
                end = max(member.address + member.registers for member in group)
                too_far = register.address - end > gap_max
                too_long = register.address + register.registers - group[0].address > BLOCK_REGISTERS_MAX
                if too_far or too_long:
                    blocks.append(_block(function, group))
                    group = []
            group.append(register)
        if group:
            blocks.append(_block(function, group))
    return tuple(blocks)


def _block(function: int, group: list[Register]) -> Block:
    end = max(register.address + register.registers for register in group)
    return Block(function, group[0].address, end - group[0].address, tuple(group))


def load_profile(path: Path) -> Profile:
    """Reads and checks one profile. Raises UserError naming file, field and value."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("no such device profile", where=str(path), hint="profiles lie in config/devices/") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"not a readable TOML file: {error}", where=str(path)) from None
    try:
        profile = msgspec.convert(table, Profile)
    except msgspec.ValidationError as error:
        raise UserError(str(error), where=str(path)) from None
    if profile.name != path.stem:
        raise UserError(
            f"name is {profile.name!r}, the file is named {path.name}", where=f"{path}: name", hint="make both the same"
        )
    check_profile(profile, f"{path}: ")
    return profile


def load_profiles(folder: Path) -> dict[str, Profile]:
    """All profiles of a folder by name. Raises UserError for a broken one, or when the folder holds none."""
    profiles = {profile.name: profile for profile in map(load_profile, sorted(folder.glob("*.toml")))}
    if not profiles:
        raise UserError("no device profile (*.toml) here", where=str(folder))
    return profiles


def check_profile(profile: Profile, where: str) -> None:
    """The relations between values that their types cannot say. Raises UserError naming field (after `where`) and value."""
    seen: set[str] = set()
    for index, register in enumerate(profile.register):
        field = f"{where}register[{index}]"
        if register.quantity not in QUANTITIES:
            raise UserError(
                f"unknown quantity {register.quantity!r}",
                where=f"{field}.quantity",
                hint=f"known: {', '.join(sorted(QUANTITIES))}",
            )
        if register.quantity in seen:
            raise UserError(f"quantity {register.quantity!r} is listed twice", where=f"{field}.quantity")
        seen.add(register.quantity)
        if register.scale == 0:
            raise UserError("scale is 0", where=f"{field}.scale")
        last = register.address + register.registers - 1
        function = profile.function_of(register)
        if not any(
            profile.function_of(span) == function and span.first <= register.address and last <= span.last
            for span in profile.readable
        ):
            raise UserError(
                f"register {register.address:#06x} with function {function} lies in no readable range",
                where=f"{field}.address",
                hint="add it to [[readable]] or correct the address",
            )
    for index, span in enumerate(profile.readable):
        if span.last < span.first:
            raise UserError(
                f"last {span.last:#06x} is below first {span.first:#06x}", where=f"{where}readable[{index}]"
            )
