"""What central wishes a gateway to run by: read from a file, checked by the rules of both ends, numbered and stored.

The running ingest finds it in the store and publishes it, retained; so it also does after every reconnect. Nobody else has to talk to
the broker, and a wish that is stored while central is down goes out when it comes up.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from central.store.door import Store, StoreUnavailable
from contract import twin
from contract.errors import UserError
from contract.profiles import Profile
from contract.topics import GATEWAY_ID
from contract.twin import Desired, DesiredBus, Quota, Refused

STORE_TIMEOUT_S: Final = 10.0
ATTEMPTS_MAX: Final = 5
"""Others may number a document in the same moment."""


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file says: like `Desired`, without what central adds (number, gateway, time, profiles)."""

    bus: tuple[DesiredBus, ...]
    health_interval_s: float | None = None
    outbox: Quota | None = None


def read_wish(path: Path) -> Wish:
    """The TOML file. Raises UserError naming file, field and value."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(table, Wish)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), hint="see docs/twin.md for one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot be read as TOML: {error}", where=str(path)) from None
    except msgspec.ValidationError as error:
        raise UserError(str(error), where=str(path), hint="see docs/twin.md") from None


def put_desired(
    store: Store, gateway: str, wish: Wish, profiles: Mapping[str, Profile], now_ms: int
) -> Desired | Refused:
    """Numbers and stores a document for the gateway; durable when it returns.

    Args:
        store: central's.
        gateway: for whom.
        wish: stations, intervals, quotas.
        profiles: device profiles by name; those that the wish names travel with it.
        now_ms: real time, kept in the document.

    Returns:
        The document as stored, or why the gateway would refuse it.

    Raises:
        UserError: no gateway id, or the store cannot be written.

    """
    if not GATEWAY_ID.fullmatch(gateway):
        raise UserError(f"{gateway!r} is no gateway id", where="gateway", hint="lower case letters, digits, hyphens")
    for _ in range(ATTEMPTS_MAX):
        newest = store.desired(gateway)
        desired = Desired(
            v=twin.VERSION,
            version=1 if newest is None else newest.version + 1,
            gateway=gateway,
            made_at_ms=now_ms,
            bus=wish.bus,
            profile=_carried(wish, profiles),
            health_interval_s=wish.health_interval_s,
            outbox=wish.outbox,
        )
        # As the gateway will read it: from the bytes, with every bound of the types.
        refused = twin.decode_desired(twin.encode(desired), gateway=gateway, buses=known_buses(store, gateway))
        if isinstance(refused, Refused):
            return refused
        try:
            if store.add_desired(desired).result(STORE_TIMEOUT_S):
                return desired
        except (StoreUnavailable, TimeoutError) as error:
            raise UserError(f"the store cannot be written: {error}", where="store") from None
    raise UserError("somebody else keeps numbering documents for it", where=f"gateway {gateway}", hint="try again")


def known_buses(store: Store, gateway: str) -> list[str] | None:
    """The lines that the gateway says it has; None before it ever reported."""
    reported = store.reported(gateway)
    return None if reported is None else [bus.name for bus in reported.bus]


def _carried(wish: Wish, profiles: Mapping[str, Profile]) -> tuple[Profile, ...]:
    named = sorted({station.profile for bus in wish.bus for station in bus.station})
    return tuple(profiles[name] for name in named if name in profiles)
