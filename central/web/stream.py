"""The live stream's hub: one watcher asks the store, every listener gets the same bytes.

A listener that is slow loses the old, never the new: its queue is bounded, what overflows is the oldest, and since `readings`
tells only what changed, it is then sent everything as it is now. Events have ids that only grow, also over a restart.
Nothing is replayed: who connects (again) is first sent everything as it is now.
"""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple

import anyio.to_thread
import msgspec
import structlog

from central.simulation.forcing import STALE_AFTER_MIN_S
from central.web.services import Services
from central.web.views import frame_age_s, frame_view, stations_view

HEARTBEAT_S: Final = 15
SEND_TIMEOUT_S: Final = 30.0
"""A connection that takes nothing for so long is closed."""
LOOK_EVERY_S: Final = 0.1
READINGS_EVERY_S: Final = 1.0
"""How often ages are looked at when nothing was committed: a station may have grown stale."""
READINGS_APART_S: Final = 0.2
"""`readings` events are no closer than this; what is committed meanwhile goes into the next one."""
QUEUE_EVENTS_MAX: Final = 16
LISTENERS_MAX: Final = 10_000

log = structlog.get_logger("central.web.stream")


class Event(NamedTuple):
    """One event; `wire` is what the listener gets."""

    number: int
    wire: bytes


class HubFullError(Exception):
    """No more listeners are taken."""


class Subscription:
    """One listener's queue; iterate over it to get the events. Ends when the hub closes."""

    def __init__(self, queue_events_max: int = QUEUE_EVENTS_MAX) -> None:
        self._events: deque[Event] = deque()
        self._max = queue_events_max
        self._arrived = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def put(self, event: "Event") -> None:
        self._events.append(event)
        if len(self._events) > self._max:
            self._events.popleft()
            self.dropped += 1
        self._arrived.set()

    def close(self) -> None:
        self._closed = True
        self._arrived.set()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> "Event":
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()


class Hub:
    """Watches the store and tells the listeners.

    Args:
        listeners_max: how many are taken.
        monotonic_s: real seconds since any moment.
        first_id: of the first event; the machine's time, so that ids grow over a restart too.
    """

    def __init__(
        self,
        services: Services,
        *,
        listeners_max: int = LISTENERS_MAX,
        monotonic_s: Callable[[], float] = time.monotonic,
        first_id: int | None = None,
    ) -> None:
        self._services = services
        self._listeners: set[Subscription] = set()
        self._listeners_max = listeners_max
        self._monotonic_s = monotonic_s
        # Counted from several threads; `next` on a count is one step of the interpreter.
        self._numbers = itertools.count(time.time_ns() // 1_000_000 if first_id is None else first_id)
        self._task: asyncio.Task[None] | None = None
        self._token: int | None = None
        self._told: dict[str, tuple[int, bool]] = {}
        self._frame_shown: tuple[str, bool] | None = None
        self._readings_at_s = float("-inf")
        self._readings_wait = False
        self._snapshot_lock = asyncio.Lock()
        self._snapshot: tuple[float, int, list[Event]] | None = None
        self.sent_events = 0
        self._dropped_before = 0
        self._failures = 0

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    @property
    def dropped_events(self) -> int:
        return self._dropped_before + sum(listener.dropped for listener in self._listeners)

    def subscribe(self) -> Subscription:
        """Raises HubFullError."""
        if len(self._listeners) >= self._listeners_max:
            raise HubFullError(f"{self._listeners_max} listeners are connected")
        subscription = Subscription()
        self._listeners.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        if subscription in self._listeners:
            self._listeners.remove(subscription)
            self._dropped_before += subscription.dropped

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="stream-watcher")

    async def stop(self) -> None:
        """Ends the watcher and every listener's stream."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for listener in self._listeners:
            listener.close()

    async def listen(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """What one listener is sent: everything as it is now, then what changes; everything once more when it missed something."""
        newest, missed = -1, -1
        while True:
            if subscription.dropped != missed:
                missed = subscription.dropped
                for event in await self.snapshot():
                    newest = event.number
                    yield event.wire
            try:
                event = await anext(subscription)
            except StopAsyncIteration:
                return
            # What was queued before the snapshot was taken is part of it; so is what came after a loss, of the next one.
            if event.number > newest and subscription.dropped == missed:
                yield event.wire

    async def snapshot(self) -> list[Event]:
        """Everything as it is now: the newest frame if there is one, and all stations. Shared by those who come within a second."""
        async with self._snapshot_lock:
            now_s, token = self._monotonic_s(), self._services.store.change_token()
            if self._snapshot is None or self._snapshot[1] != token or now_s - self._snapshot[0] > 1.0:
                self._snapshot = (now_s, token, await anyio.to_thread.run_sync(self._everything))
            return self._snapshot[2]

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                # The store may be away for a moment: listeners stay connected, the next look may succeed.
                self._failures += 1
                if self._failures == 1:
                    log.exception("the live stream could not look at the store; it goes on trying")
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """One look: sends what changed since the last one."""
        token = self._services.store.change_token()
        changed = token != self._token
        self._readings_wait |= changed
        since_s = self._monotonic_s() - self._readings_at_s
        due = since_s >= (READINGS_APART_S if self._readings_wait else READINGS_EVERY_S)
        if not changed and not due:
            return
        events = await anyio.to_thread.run_sync(self._changes, due)
        # Only now: what a failed look would have sent is sent by the next one.
        self._token = token
        if due:
            self._readings_wait = False
        for event in events:
            for listener in self._listeners:
                listener.put(event)
            self.sent_events += len(self._listeners)

    def _changes(self, readings_due: bool) -> list[Event]:
        events = []
        frame = self._services.latest_frame()
        if frame is not None:
            now_ms = self._services.clock.unix_ms()
            # A frame that has grown stale is sent once more, so that the page says so without asking.
            shown = frame.id, frame_age_s(frame, now_ms, self._services.speed) > STALE_AFTER_MIN_S
            if shown != self._frame_shown:
                events.append(self._event("frame", frame_view(frame, now_ms=now_ms, speed=self._services.speed)))
                self._frame_shown = shown
        if readings_due:
            self._readings_at_s = self._monotonic_s()
            now = self._services.stations_now()
            said = {
                report.station.id: (report.last.at_ms, report.is_stale)
                for report in now.reports
                if report.last is not None
            }
            changed = frozenset(name for name, word in said.items() if self._told.get(name) != word)
            if changed:
                events.append(self._event("readings", stations_view(now, only=changed)))
                self._told = said
        return events

    def _everything(self) -> list[Event]:
        events = []
        frame = self._services.latest_frame()
        if frame is not None:
            now_ms = self._services.clock.unix_ms()
            events.append(self._event("frame", frame_view(frame, now_ms=now_ms, speed=self._services.speed)))
        events.append(self._event("readings", stations_view(self._services.stations_now())))
        return events

    def _event(self, name: str, data: dict[str, Any]) -> Event:
        """One event in the wire form of the HTML standard, 9.2; JSON holds no line break, so one data line does."""
        number = next(self._numbers)
        wire = b"id: %d\r\nevent: %s\r\ndata: %s\r\n\r\n" % (number, name.encode(), msgspec.json.encode(data))
        return Event(number, wire)
