"""Which items to send next, and when to send again: one stream's sliding window. Pure: times are handed in.

Sequence numbers from `oldest` on are unreceipted. Below `cursor` everything was sent. After an outage the backlog between
`cursor` and the *live* stretch is sent oldest first, while what is polled now is sent as it comes: `live` .. `live_cursor`.

    oldest ....... cursor ------------ live ....... live_cursor ---- next_seq       (.... sent, ---- to be sent)

Central receipts a contiguous prefix only, so that a receipt never reaches beyond `cursor`, and one that claims to is not believed.
"""

import math
from collections import deque
from typing import Final

import msgspec

RESEND_PAUSE_S_MAX: Final = 60.0


class Send(msgspec.Struct, frozen=True):
    """Send items from `from_seq` to below `until_seq`, as many as fit one batch; then tell `sent`."""

    from_seq: int
    until_seq: int


class Wait(msgspec.Struct, frozen=True):
    """Nothing to send before a commit or a receipt comes, or so many seconds have passed."""

    for_s: float | None


class Window:
    """The state of one stream's sending; `reconnected` begins anew from the last receipt."""

    def __init__(
        self, batches_max: int, receipt_timeout_s: float, live_gap_items: int, backlog_items_per_s: float = math.inf
    ) -> None:
        """`live_gap_items`: with more than so many items unsent, new ones overtake the backlog, which is paced."""
        self._batches_max = batches_max
        self._timeout_s = receipt_timeout_s
        self._live_gap_items = live_gap_items
        self.epoch = ""
        self.oldest = self.cursor = self._proven_sent = 1
        self.live: int | None = None
        self.live_cursor = 0
        self.resends = 0
        self.receipts_ahead = 0
        self._in_flight: deque[int] = deque()
        self._heard_at_s = 0.0
        self._silences = 0
        self._item_s = 1.0 / backlog_items_per_s
        self._next_backlog_at_s = 0.0

    @property
    def batches_in_flight(self) -> int:
        return len(self._in_flight)

    def reconnected(self, epoch: str, oldest_seq: int, next_seq: int, now_s: float) -> None:
        """A new connection, or a new epoch: nothing of what was sent before is taken for delivered."""
        if epoch != self.epoch:
            self.epoch = epoch
            self._proven_sent = oldest_seq - 1
            self.oldest = oldest_seq
        self.oldest = max(self.oldest, oldest_seq)
        self._rewind(next_seq)
        self._silences = 0
        self._heard_at_s = now_s

    def plan(self, next_seq: int, now_s: float) -> Send | Wait:
        """What to do now, given that items below `next_seq` are committed."""
        if self._in_flight and now_s - self._heard_at_s >= self._patience_s():
            # The broker took everything (each batch waits for its PUBACK), central is not there or not fast enough:
            # ask again, ever more patiently.
            self._silences += 1
            self.resends += 1
            self._heard_at_s = now_s
            self._rewind(next_seq)
        if self._silences and self._in_flight:
            return self._wait(now_s)
        if not self._silences and self.live is not None and self.live_cursor < next_seq:
            return Send(self.live_cursor, next_seq)
        end = next_seq if self.live is None else self.live
        if self.cursor < end and len(self._in_flight) < self._batches_max:
            if self.live is not None and now_s < self._next_backlog_at_s:
                return Wait(self._next_backlog_at_s - now_s)
            return Send(self.cursor, end)
        return self._wait(now_s)

    def sent(self, from_seq: int, last_seq: int, now_s: float) -> None:
        """A batch of a planned `Send` was handed to the broker; `last_seq` is its last item."""
        if self.live is not None and from_seq == self.live_cursor and from_seq != self.cursor:
            self.live_cursor = last_seq + 1
            return
        if not self._in_flight:
            self._heard_at_s = now_s
        if self.live is not None:
            self._next_backlog_at_s = now_s + (last_seq - from_seq + 1) * self._item_s
        self.cursor = last_seq + 1
        if self.live is not None and self.cursor >= self.live:
            # The backlog has met the live stretch: what lies behind was sent already.
            self.cursor, self.live = max(self.cursor, self.live_cursor), None
        self._proven_sent = max(self._proven_sent, self.cursor - 1)
        self._in_flight.append(self.cursor - 1)

    def nothing_there(self) -> None:
        """A planned range held no item: a tombstone reaches beyond its end. The live stretch is given up, to be sent in order."""
        self.live = None

    def receipted(self, up_to_seq: int, now_s: float) -> bool:
        """Whether a receipt of the current epoch is believed. One for what was never sent is counted and not believed."""
        if up_to_seq > self._proven_sent:
            self.receipts_ahead += 1
            return False
        if up_to_seq < self.oldest:
            return True
        self.oldest = up_to_seq + 1
        self.cursor = max(self.cursor, self.oldest)
        while self._in_flight and self._in_flight[0] <= up_to_seq:
            self._in_flight.popleft()
        self._heard_at_s = now_s
        self._silences = 0
        return True

    def _rewind(self, next_seq: int) -> None:
        self.cursor = self.oldest
        self._in_flight.clear()
        backlog = next_seq - self.cursor
        self.live = next_seq if backlog > self._live_gap_items else None
        self.live_cursor = next_seq

    def _patience_s(self) -> float:
        longest_s = max(RESEND_PAUSE_S_MAX, self._timeout_s)
        return min(longest_s, self._timeout_s * 2.0 ** min(self._silences, 8))

    def _wait(self, now_s: float) -> Wait:
        if not self._in_flight:
            return Wait(None)
        return Wait(max(0.0, self._heard_at_s + self._patience_s() - now_s))


class OlderTurn:
    """Whose turn it is in an older epoch: one batch at a time, again when no receipt comes, ever more patiently."""

    def __init__(self, receipt_timeout_s: float) -> None:
        self._timeout_s = receipt_timeout_s
        self._under_way: tuple[str, int] | None = None
        self._before: tuple[str, int] | None = None
        self._known: set[str] = set()
        self._again_at_s = 0.0
        self._silences = 0

    def reconnected(self) -> None:
        self._under_way = self._before = None

    def due_in_s(self, now_s: float) -> float:
        """How long until the next batch may go; 0 or less: now."""
        return 0.0 if self._under_way is None else self._again_at_s - now_s

    def sent(self, epoch: str, first_seq: int, now_s: float) -> None:
        batch = epoch, first_seq
        self._silences = self._silences + 1 if batch == self._before else 0
        self._under_way = self._before = batch
        self._known.add(epoch)
        self._again_at_s = now_s + min(RESEND_PAUSE_S_MAX, self._timeout_s * 2.0 ** min(self._silences, 8))

    def receipted(self, epoch: str, up_to_seq: int) -> bool:
        """Whether a receipt is for an epoch that was sent from here. One that moves on makes it the next batch's turn."""
        if epoch not in self._known:
            return False
        if self._under_way is not None and self._under_way[0] == epoch and up_to_seq >= self._under_way[1]:
            self._under_way = None
        return True
