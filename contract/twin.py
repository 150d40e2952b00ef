"""What central wants a gateway to do (`Desired`) and what the gateway says it does (`Reported`); one set of rules for both ends.

A desired document is whole and stands for itself: it carries every device profile that its stations name, so that what central
checked is what the gateway reads by. It says nothing about ports and baud rates: these are wiring, and stay in the gateway's own file.
Unlike other messages it may hold no unknown field: a misspelt wish would otherwise silently do nothing.
"""

import hashlib
import math
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Annotated, Final, TypeVar

import msgspec

from contract.errors import UserError
from contract.messages import Identifier, UnixMs
from contract.profiles import Profile, check_profile, plan_blocks

VERSION: Final = 1
DESIRED_BYTES_MAX: Final = 131_072
"""Room for some twenty profiles; a retained message is delivered whole after every connect."""
RESPONSE_TIME_S_MAX: Final = 10.0
_SCALE_MIN: Final = 1e-9
_NUMBER_MAX: Final = 1e9


class DesiredStation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One station on a line. `quantities` limits what is read; left out, everything in the profile is."""

    id: Identifier
    profile: Identifier
    unit_address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    quantities: tuple[str, ...] | None = None


class DesiredBus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the gateway, by the name it has in the gateway's own file. No station: the line is left alone."""

    name: Identifier
    interval_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 1.0
    station: Annotated[tuple[DesiredStation, ...], msgspec.Meta(max_length=247)] = ()


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the telemetry stream may wait on the gateway's disk."""

    bytes_max: Annotated[int, msgspec.Meta(ge=65_536, le=2**40)]
    rows_max: Annotated[int, msgspec.Meta(ge=64, le=2**40)]


class Desired(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The document. What it leaves out (a line, the quota, the health interval) stays as the gateway's own file says.

    Attributes:
        v: version of this format.
        version: number of the document, growing; a gateway ignores what is older than what it runs by.
        gateway: for whom it is.
        bus: stations and interval of each line it speaks of.
        profile: every profile that a station names.
    """

    v: int
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    gateway: str
    made_at_ms: UnixMs
    bus: Annotated[tuple[DesiredBus, ...], msgspec.Meta(max_length=64)]
    profile: Annotated[tuple[Profile, ...], msgspec.Meta(max_length=64)] = ()
    health_interval_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] | None = None
    outbox: Quota | None = None


class Refusal(StrEnum):
    """Why a desired document is not in force, in the order the checks are made."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    UNSUPPORTED_VERSION = "unsupported_version"
    MALFORMED = "malformed"
    WRONG_GATEWAY = "wrong_gateway"
    NO_STATION = "no_station"
    DUPLICATE_BUS = "duplicate_bus"
    UNKNOWN_BUS = "unknown_bus"
    DUPLICATE_PROFILE = "duplicate_profile"
    BAD_PROFILE = "bad_profile"
    DUPLICATE_STATION = "duplicate_station"
    DUPLICATE_UNIT_ADDRESS = "duplicate_unit_address"
    UNKNOWN_PROFILE = "unknown_profile"
    UNSERVED_QUANTITY = "unserved_quantity"
    VERSION_REUSED = "version_reused"
    """The version is the one in force, the content is not."""
    AGENT_DIED = "agent_died"
    """The agent ended several times while it tried this document."""
    BUS_SILENT = "bus_silent"
    """Rolled back: a line that answered before did not answer any more."""
    STATION_SILENT = "station_silent"
    """Rolled back: a station that answered before, and whose address or profile changed, did not answer any more."""


class Refused(msgspec.Struct, frozen=True):
    """Why, and where in the document; `version` where it could be read."""

    reason: Refusal
    detail: str
    version: int | None = None


class TwinState(StrEnum):
    """What became of the newest document the gateway saw."""

    LOCAL = "local"
    """None was seen: the gateway runs by its own file."""
    TRYING = "trying"
    APPLIED = "applied"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"


class Reported(msgspec.Struct, frozen=True, omit_defaults=True):
    """Retained. What the gateway runs by, and what became of the newest wish.

    Attributes:
        applied_version: number of the document in force; 0: the gateway's own file.
        applied_digest: `digest` of that document.
        bus: every line with its stations as they are polled now, wherever it was said.
        seen_version: number of the newest document that was looked at, None when it could not be read.
        reason, detail: why that one is not in force.
        silent: stations of the document in force that have not answered since it is.
        on_disk: whether the document in force survives a restart without a network.
    """

    v: int
    at_ms: UnixMs
    boot_id: Identifier
    state: TwinState
    applied_version: int
    bus: list[DesiredBus]
    health_interval_s: float
    outbox: Quota
    applied_digest: str = ""
    seen_version: int | None = None
    reason: Refusal | None = None
    detail: str = ""
    silent: list[str] = []
    on_disk: bool = True


class _Versioned(msgspec.Struct):
    v: int


_encoder: Final = msgspec.json.Encoder()
_version: Final = msgspec.json.Decoder(_Versioned)
_desired: Final = msgspec.json.Decoder(Desired)
_reported: Final = msgspec.json.Decoder(Reported)


def encode(message: Desired | Reported) -> bytes:
    return _encoder.encode(message)


def digest(desired: Desired) -> str:
    """Tells documents of one version apart: the first half of a SHA-256 over the encoding, without the moment it was made."""
    return hashlib.sha256(encode(msgspec.structs.replace(desired, made_at_ms=0))).hexdigest()[:32]


def decode_desired(
    payload: bytes | bytearray | memoryview, *, gateway: str, buses: Collection[str] | None = None
) -> Desired | Refused:
    """The checked document, or why it is refused. Never raises for any input. See `check`."""
    desired = _decode(payload, _desired)
    if isinstance(desired, Refused):
        return desired
    refused = check(desired, gateway=gateway, buses=buses)
    return desired if refused is None else msgspec.structs.replace(refused, version=desired.version)


def decode_reported(payload: bytes | bytearray | memoryview) -> Reported | Refused:
    """The message, or why it is none. Never raises for any input."""
    return _decode(payload, _reported)


Message = TypeVar("Message", Desired, Reported)


def _decode(payload: bytes | bytearray | memoryview, decoder: msgspec.json.Decoder[Message]) -> Message | Refused:
    if len(payload) > DESIRED_BYTES_MAX:
        return Refused(Refusal.TOO_LARGE, f"{len(payload)} bytes, at most {DESIRED_BYTES_MAX}")
    try:
        version = _version.decode(payload).v
    except msgspec.ValidationError as error:
        return Refused(Refusal.MALFORMED, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(Refusal.NOT_JSON, str(error))
    if version != VERSION:
        return Refused(Refusal.UNSUPPORTED_VERSION, f"version {version}, known: {VERSION}")
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(Refusal.MALFORMED, str(error))


def check(desired: Desired, *, gateway: str, buses: Collection[str] | None = None) -> Refused | None:
    """The rules that types cannot say; the first that does not hold, or None.

    Args:
        desired: the document.
        gateway: for whom it has to be.
        buses: the lines that the gateway has; None where nobody knows (central, before the gateway spoke).

    """
    if desired.gateway != gateway:
        return Refused(Refusal.WRONG_GATEWAY, f"$.gateway is {desired.gateway!r}, this is {gateway!r}")
    if not any(bus.station for bus in desired.bus):
        return Refused(Refusal.NO_STATION, "$.bus: no station on any line")
    return (
        _repeated(Refusal.DUPLICATE_BUS, [(f"$.bus[{i}].name", bus.name) for i, bus in enumerate(desired.bus)])
        or _unknown_bus(desired, buses)
        or _repeated(
            Refusal.DUPLICATE_PROFILE, [(f"$.profile[{i}].name", each.name) for i, each in enumerate(desired.profile)]
        )
        or _bad_profile(desired)
        or _repeated(
            Refusal.DUPLICATE_STATION,
            [
                (f"$.bus[{i}].station[{j}].id", station.id)
                for i, bus in enumerate(desired.bus)
                for j, station in enumerate(bus.station)
            ],
        )
        or _bad_station(desired)
    )


def _repeated(reason: Refusal, values: Sequence[tuple[str, object]]) -> Refused | None:
    seen: dict[object, str] = {}
    for field, value in values:
        if value in seen:
            return Refused(reason, f"{field}: {value!r} is used twice, also at {seen[value]}")
        seen[value] = field
    return None


def _unknown_bus(desired: Desired, buses: Collection[str] | None) -> Refused | None:
    for index, bus in enumerate(desired.bus):
        if buses is not None and bus.name not in buses:
            known = ", ".join(sorted(buses))
            return Refused(Refusal.UNKNOWN_BUS, f"$.bus[{index}].name: the gateway has no {bus.name!r}, it has {known}")
    return None


def _bad_profile(desired: Desired) -> Refused | None:
    """What `check_profile` says, and bounds that keep a poll from hanging or a value from leaving all bounds."""
    for index, profile in enumerate(desired.profile):
        where = f"$.profile[{index}]"
        try:
            check_profile(profile, f"{where}.")
        except UserError as error:
            return Refused(Refusal.BAD_PROFILE, str(error))
        if not plan_blocks(profile):
            return Refused(Refusal.BAD_PROFILE, f"{where}.register: {profile.name!r} has nothing to read")
        if not 0.0 < profile.response_time_max_s <= RESPONSE_TIME_S_MAX:
            return Refused(
                Refusal.BAD_PROFILE,
                f"{where}.response_time_max_s: {profile.response_time_max_s:g} is not in 0..{RESPONSE_TIME_S_MAX:g}",
            )
        for number, register in enumerate(profile.register):
            for field, value, least in (("scale", register.scale, _SCALE_MIN), ("offset", register.offset, 0.0)):
                if not (math.isfinite(value) and least <= abs(value) <= _NUMBER_MAX):
                    return Refused(
                        Refusal.BAD_PROFILE, f"{where}.register[{number}].{field}: {value:g} is out of all bounds"
                    )
    return None


def _bad_station(desired: Desired) -> Refused | None:
    profiles = {profile.name: profile for profile in desired.profile}
    for i, bus in enumerate(desired.bus):
        addresses = [(f"$.bus[{i}].station[{j}].unit_address", each.unit_address) for j, each in enumerate(bus.station)]
        refused = _repeated(Refusal.DUPLICATE_UNIT_ADDRESS, addresses)
        if refused is not None:
            return refused
        for j, station in enumerate(bus.station):
            where = f"$.bus[{i}].station[{j}]"
            profile = profiles.get(station.profile)
            if profile is None:
                carried = ", ".join(sorted(profiles)) or "none"
                return Refused(
                    Refusal.UNKNOWN_PROFILE,
                    f"{where}.profile: {station.profile!r} is not in the document, which carries {carried}",
                )
            served = {register.quantity for register in profile.register}
            for quantity in station.quantities or ():
                if quantity not in served:
                    return Refused(
                        Refusal.UNSERVED_QUANTITY, f"{where}.quantities: {quantity!r} is not served by {profile.name}"
                    )
            if station.quantities == ():
                return Refused(Refusal.UNSERVED_QUANTITY, f"{where}.quantities: an empty list reads nothing")
    return None
