"""Short words for what a gateway sends."""

from typing import Any

from contract.messages import VERSION, Batch, Event, Item, Reading, Shed
from contract.quantities import Flag

CITY_NOW_MS = 1_532_323_000_000
"""2018-07-23 14:16:40 JST."""
UNIX_NOW_S = 1_770_000_000.0
MINUTE_MS = 60_000


class FixedClock:
    """City time that stands still until a test moves it."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def unix_ms(self) -> int:
        return self.now_ms

    def monotonic_s(self) -> float:
        return 0.0

    def synchronised(self) -> bool:
        return True


def reading(
    seq: int,
    station: str = "kmg-01",
    at_ms: int | None = None,
    flags: dict[str, Flag] | None = None,
    synchronised: bool = True,
    **values: float | None,
) -> Reading:
    """A reading; dated a second after the one before it when no time is given."""
    when = CITY_NOW_MS - 3_600_000 + seq * 1000 if at_ms is None else at_ms
    return Reading(
        seq,
        station,
        when,
        monotonic_ms=seq * 1000,
        boot_id="boot-1",
        values=values or {"air_temperature_degc": 36.0},
        flags=flags or {},
        clock_synchronised=synchronised,
    )


def event(seq: int, name: str = "ticket.ride", synchronised: bool = True, **body: Any) -> Event:
    return Event(seq, name, CITY_NOW_MS + seq * 1000, seq * 1000, "boot-1", body, synchronised)


def shed(first: int, last: int, count: int | None = None) -> Shed:
    return Shed(last, first, last - first + 1 if count is None else count, 1000 * first, 1000 * last, "disk_quota")


def batch(*items: Item, oldest: int = 1, epoch: str = "e1") -> Batch:
    return Batch(VERSION, epoch, oldest, list(items))


def readings(first: int, last: int) -> list[Item]:
    return [reading(seq) for seq in range(first, last + 1)]
