"""One line with its stations, without a port: bytes and moments in, bytes and moments out.

The master's bytes reach a pseudo terminal at once; here they get the time back that they would have taken. A frame ends with 3.5
characters of silence; the answer lies ready for the master at the moment its last byte would have arrived. It is handed over whole,
as a USB adapter with its latency timer does, so that gaps of this process never look like gaps on the line.
"""

import heapq
import itertools
from collections.abc import Callable

from firmware_sim.frames import BROADCAST_UNIT, FRAME_BYTES_MAX, parse_request, split_requests
from firmware_sim.station import Served, Station
from firmware_sim.timing import LineTiming

HEARD_BYTES_MAX = 4 * FRAME_BYTES_MAX
"""More than this without a silence is no master but a fault on the line: it is dropped."""


class Bus:
    """The stations of one line.

    Args:
        name: for logs, such as `line-a`.
        wall_ms: the city's wall time, asked when a request is answered.
        on_served: told of every answer whose values reach the line whole.
        timing: the line's settings.

    """

    def __init__(
        self,
        name: str,
        stations: tuple[Station, ...],
        timing: LineTiming,
        wall_ms: Callable[[], int],
        on_served: Callable[[Served], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.timing = timing
        self.stations = {station.unit: station for station in stations}
        self.ignored_frames = 0
        self.bad_frames = 0
        self._wall_ms = wall_ms
        self._on_served = on_served
        self._heard = bytearray()
        self._first_heard_s = 0.0
        self._last_heard_s = 0.0
        self._silent_from_s = 0.0
        self._line_free_s = 0.0
        self._outbox: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()

    def receive(self, data: bytes, now_s: float) -> None:
        """Bytes from the master, heard at the monotonic moment `now_s`."""
        if self._heard and now_s >= self._silent_from_s:
            self._frame_ended()
        if not self._heard:
            self._first_heard_s = now_s
        self._heard += data
        self._last_heard_s = now_s
        self._silent_from_s = now_s + self.timing.silence_s
        if len(self._heard) > HEARD_BYTES_MAX:
            self._heard.clear()
            self.bad_frames += 1

    def due(self, now_s: float) -> list[bytes]:
        """What the master hears now: each item one write. Call it after `receive` and at `next_s`."""
        if self._heard and now_s >= self._silent_from_s:
            self._frame_ended()
        writes = []
        while self._outbox and self._outbox[0][0] <= now_s:
            writes.append(heapq.heappop(self._outbox)[2])
        return writes

    def next_s(self) -> float | None:
        """The monotonic moment at which `due` has something to do; None while the line is quiet."""
        moments = [self._outbox[0][0]] if self._outbox else []
        if self._heard:
            moments.append(self._silent_from_s)
        return min(moments, default=None)

    def _frame_ended(self) -> None:
        data = bytes(self._heard)
        self._heard.clear()
        # The bytes were heard at once; on a wire their last one would have come later.
        ended_s = max(self._last_heard_s, self._first_heard_s + self.timing.bytes_s(len(data)))
        for frame in split_requests(data):
            self._answer(frame, ended_s)

    def _answer(self, frame: bytes, ended_s: float) -> None:
        request = parse_request(frame)
        if request is None:
            self.bad_frames += 1
            return
        station = self.stations.get(request.unit)
        if station is None or request.unit == BROADCAST_UNIT:
            self.ignored_frames += 1
            return
        answer, served = station.answer(request, frame, self._wall_ms(), ended_s)
        if answer.echo:
            self._put(ended_s, answer.echo)
        if answer.frame:
            delay_s = answer.delay_s if self.timing.emulated or answer.late else 0.0
            starts_s = max(ended_s + self.timing.silence_s + delay_s, self._line_free_s)
            ends_s = starts_s + self.timing.bytes_s(len(answer.frame))
            # A late answer holds nobody up: the master has long gone on, and so have the others.
            if not answer.late:
                self._line_free_s = ends_s
            self._put(ends_s, answer.frame)
        if served is not None:
            self._on_served(served)

    def _put(self, at_s: float, data: bytes) -> None:
        heapq.heappush(self._outbox, (at_s, next(self._order), data))
