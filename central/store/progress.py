"""Which items of a stream are known: the arithmetic behind receipts, duplicates, gaps and tombstones. Pure; one value a stream.

Seqs lie on a line from 1. `ranges` holds what was received or given up by the gateway; `up_to` is the floor: below it nothing
is waited for any more. A hole below the floor is a gap, a hole above it is only late.
"""

from bisect import bisect_right

import msgspec

Range = tuple[int, int]


class OpenShed(msgspec.Struct, array_like=True):
    """A tombstone for `count` items of a range that holds more holes than that: some of its items are still to come."""

    first: int
    last: int
    count: int


class Progress(msgspec.Struct):
    """Mutable. `ranges`: disjoint, ascending, not touching, both ends included. `shed_total`: items given up that never came."""

    up_to: int = 0
    ranges: list[list[int]] = msgspec.field(default_factory=list)
    open_sheds: list[OpenShed] = msgspec.field(default_factory=list)
    shed_total: int = 0

    def take(self, seq: int) -> bool:
        """Notes that the item was received; False when it was known before. `settle` must follow."""
        ranges = self.ranges
        if ranges:
            last = ranges[-1]
            if seq == last[1] + 1:
                last[1] = seq
                return True
            if last[0] <= seq <= last[1]:
                return False
        if self.knows(seq):
            return False
        self._add(seq, seq)
        return True

    def knows(self, seq: int) -> bool:
        index = bisect_right(self.ranges, seq, key=_first)
        return index > 0 and seq <= self.ranges[index - 1][1]

    def shed(self, first: int, last: int, count: int) -> None:
        """Notes a tombstone. `settle` must follow."""
        self.open_sheds = [known for known in self.open_sheds if not (first <= known.first and known.last <= last)]
        self.open_sheds.append(OpenShed(first, last, count))

    def raise_floor(self, oldest: int) -> list[tuple[int, int, int]]:
        """The gateway answers for nothing below `oldest`: what is unknown there is missing for good.

        Returns the new gaps as (first, last, count): `count` is less than the hole where a tombstone accounts for a part of it.
        """
        floor = oldest - 1
        if floor <= self.up_to:
            return []
        self._close_sheds()
        gaps: list[tuple[int, int, int]] = []
        still_open: list[OpenShed] = []
        for tomb in self.open_sheds:
            if tomb.first > floor:
                still_open.append(tomb)
                continue
            end = min(tomb.last, floor)
            unknown = self._unknown(tomb.first, end)
            given_up = min(tomb.count, unknown)
            if unknown > given_up:
                gaps.append((tomb.first, end, unknown - given_up))
            self.shed_total += given_up
            self._add(tomb.first, end)
            if tomb.last > floor and tomb.count > given_up:
                still_open.append(OpenShed(floor + 1, tomb.last, tomb.count - given_up))
        self.open_sheds = still_open
        gaps.extend((first, last, last - first + 1) for first, last in self.holes(self.up_to + 1, floor))
        self.up_to = floor
        self.settle()
        return sorted(gaps)

    def settle(self) -> None:
        """Closes tombstones whose other items have come, and moves `up_to` to the end of what is contiguous."""
        if self.open_sheds:
            self._close_sheds()
        index = bisect_right(self.ranges, self.up_to + 1, key=_first)
        if index > 0:
            self.up_to = max(self.up_to, self.ranges[index - 1][1])

    def holes(self, first: int, last: int) -> list[Range]:
        """What is unknown in [first, last]."""
        found: list[Range] = []
        at = first
        for low, high in self.ranges[max(0, bisect_right(self.ranges, first, key=_first) - 1) :]:
            if low > last:
                break
            if low > at:
                found.append((at, low - 1))
            at = max(at, high + 1)
        if at <= last:
            found.append((at, last))
        return found

    def _unknown(self, first: int, last: int) -> int:
        return sum(high - low + 1 for low, high in self.holes(first, last))

    def _close_sheds(self) -> None:
        still_open: list[OpenShed] = []
        for tomb in self.open_sheds:
            unknown = self._unknown(tomb.first, tomb.last)
            if unknown <= tomb.count:
                self.shed_total += unknown
                self._add(tomb.first, tomb.last)
            else:
                still_open.append(tomb)
        self.open_sheds = still_open

    def _add(self, first: int, last: int) -> None:
        """Merges [first, last] with every range it overlaps or touches."""
        ranges = self.ranges
        start = bisect_right(ranges, first, key=_first)
        if start > 0 and ranges[start - 1][1] >= first - 1:
            start -= 1
        end = start
        while end < len(ranges) and ranges[end][0] <= last + 1:
            first = min(first, ranges[end][0])
            last = max(last, ranges[end][1])
            end += 1
        ranges[start:end] = [[first, last]]


def _first(known: list[int]) -> int:
    return known[0]
