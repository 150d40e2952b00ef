"""What runs beside the way of a reading: health reports, the watchdog's food, the twin's trials, the status door."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from contract.messages import Health
from edge.status import Door, Status
from edge.twin.keeper import Twin
from edge.uplink import Uplink
from edge.watchdog import Feeder

TICK_S: Final = 0.2
FIRST_HEALTH_S: Final = 5.0

_log = structlog.get_logger("edge.main")


async def report_health(link: Uplink, report: Callable[[], Health], interval_s: Callable[[], float]) -> None:
    """Soon after the start, so that a technician sees something, then every interval, which may change under way."""
    loop = asyncio.get_running_loop()
    reported_s = loop.time() + min(FIRST_HEALTH_S, interval_s()) - interval_s()
    while True:
        wait_s = reported_s + interval_s() - loop.time()
        if wait_s <= 0:
            reported_s = loop.time()
            await link.publish_health(report())
        await asyncio.sleep(min(1.0, max(wait_s, 0.05)))


async def feed_watchdog(feeder: Feeder, status: Callable[[], str]) -> None:
    """Says each stall once, when it begins."""
    known: set[str] = set()
    while True:
        stalled = feeder.feed(status())
        for stall in stalled:
            if stall.loop not in known:
                _log.critical("stalled", loop=stall.loop, for_s=round(stall.for_s, 1), limit_s=stall.limit_s)
        known = {stall.loop for stall in stalled}
        await asyncio.sleep(feeder.interval_s)


async def tend_twin(twin: Twin, link: Uplink) -> None:
    """Looks at the trial, and tells central what changed."""
    news = asyncio.Event()
    twin.changed = news.set
    while True:
        twin.tick()
        if news.is_set():
            news.clear()
            await link.tell_changes()
        try:
            async with asyncio.timeout(TICK_S if twin.trying else 1.0):
                await news.wait()
        except TimeoutError:
            continue


async def open_door(data_dir: Path, status: Callable[[], Status]) -> None:
    """An agent without a door works all the same: it says so and goes on."""
    try:
        door = Door(data_dir, status)
    except OSError as error:
        _log.warning("no_status_socket", where=str(data_dir), reason=error.strerror or str(error))
        return
    await door.serve()
