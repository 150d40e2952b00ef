"""The running buses as the twin sees them: puts a plan on them, and tells how they fare under it."""

import time
from collections.abc import Callable, Collection, Sequence

from edge.fieldbus.bus import Bus
from edge.fieldbus.device import Device
from edge.twin.merging import Plan
from edge.twin.trial import Seen


def devices_of(plan: Plan, bus: str) -> list[Device]:
    """Fresh records of a line's stations."""
    config = plan.bus(bus)
    return [Device(station, plan.profile(bus, station), config) for station in config.station]


class RunningLines:
    """`edge.twin.keeper.Lines` on real buses. `follow` is told of each plan that is put, for all that is no bus."""

    def __init__(self, buses: Sequence[Bus], follow: Callable[[Plan], object]) -> None:
        self._buses = {bus.name: bus for bus in buses}
        self._follow = follow
        self._numbers = dict.fromkeys(self._buses, 0)

    def put(self, plan: Plan, changed: Collection[str]) -> None:
        self._follow(plan)
        for name in changed:
            self._numbers[name] = self._buses[name].replan(plan.bus(name), devices_of(plan, name))

    def answering(self, bus: str) -> frozenset[str]:
        return self._buses[bus].answering()

    def seen(self, bus: str) -> Seen | None:
        since = self._buses[bus].since_plan
        if since.number != self._numbers[bus]:
            return None
        return Seen(since.sweeps, time.monotonic() - since.at_s, since.answered)
