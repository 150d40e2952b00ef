"""What is done to whom and when: drawn from a seed, before anything runs. Pure.

The same seed, number of kills and abilities give the same plan, so that a failing seed can be run again. Only the choice is repeated: the
processes run in real time, and two runs of one plan never meet the same microsecond.
"""

import heapq
import random
from dataclasses import dataclass, replace
from enum import StrEnum


class Target(StrEnum):
    EDGE = "edge"
    BROKER = "broker"
    CENTRAL = "central"
    STATIONS = "stations"
    """The simulator with all its lines."""
    EDGE_LINK = "edge-link"
    """The way between edge and broker."""
    CENTRAL_LINK = "central-link"
    LINE = "line"
    """One station of a line answers wrongly for a while."""
    CLOCK = "clock"
    """The wall clock of the edge's machine."""
    DISK = "disk"
    """The disk of the outbox."""


class Action(StrEnum):
    KILL = "kill"
    FREEZE = "freeze"
    FREEZE_KILL = "freeze, then kill"
    STOP = "stop"
    REFUSE = "refuse"
    """Connections are reset and new ones refused."""
    SWALLOW = "swallow"
    """Connections stay open and carry nothing any more, not even after the cut: half-open."""
    HALF_CLOSE = "half-close"
    """The broker's side is closed, the client's stays open and silent."""
    HOLD = "hold"
    """Nothing gets through, and all of it afterwards."""
    DELAY = "delay"
    TEAR = "tear"
    """A reset in the middle of a packet."""
    FAULT = "fault"
    STEP = "step"
    UNSYNCHRONISE = "unsynchronise"
    """The wall clock is set wrong and known to be wrong, as after a start without a network; then it is set right."""
    FILL = "fill"


PROCESSES = (Target.EDGE, Target.BROKER, Target.CENTRAL, Target.STATIONS)
LINKS = (Target.EDGE_LINK, Target.CENTRAL_LINK)
KILLS = (Action.KILL, Action.FREEZE_KILL)

FAULTS = (
    "silence",
    "crc",
    "late",
    "exception",
    "echo",
    "noise_before",
    "noise_after",
    "truncated",
    "wrong_unit",
)


@dataclass(frozen=True)
class Disturbance:
    """From `at_s` after the start, for `for_s` seconds.

    `amount`: seconds of a step or a delay, the chance of a fault. `what`: kind of fault and station.
    """

    at_s: float
    target: Target
    action: Action
    for_s: float = 0.0
    amount: float = 0.0
    what: str = ""

    def __str__(self) -> str:
        amount = f" {self.amount:+.1f}" if self.amount else ""
        what = f" {self.what}" if self.what else ""
        return f"{self.at_s:8.2f} s  {self.target:<12} {self.action}{amount}{what} for {self.for_s:.2f} s"


@dataclass(frozen=True)
class Abilities:
    """What this machine can do to a city. `disk`: a small file system can be mounted."""

    disk: bool = True
    stations: tuple[str, ...] = ()


_PROCESS_ACTIONS = {
    Target.EDGE: {Action.KILL: 7, Action.FREEZE_KILL: 1, Action.FREEZE: 1, Action.STOP: 1},
    Target.BROKER: {Action.KILL: 6, Action.FREEZE_KILL: 2, Action.FREEZE: 1, Action.STOP: 1},
    Target.CENTRAL: {Action.KILL: 7, Action.FREEZE_KILL: 1, Action.FREEZE: 1, Action.STOP: 1},
    Target.STATIONS: {Action.KILL: 6, Action.FREEZE: 3, Action.STOP: 1},
}
_LINK_ACTIONS = {
    Action.REFUSE: 3,
    Action.SWALLOW: 2,
    Action.HALF_CLOSE: 2,
    Action.HOLD: 2,
    Action.DELAY: 2,
    Action.TEAR: 3,
}
_PAUSE_S = {
    Target.EDGE: 2.0,
    Target.BROKER: 1.8,
    Target.CENTRAL: 1.7,
    Target.STATIONS: 7.0,
    Target.EDGE_LINK: 6.0,
    Target.CENTRAL_LINK: 6.0,
    Target.LINE: 12.0,
    Target.CLOCK: 9.0,
    Target.DISK: 25.0,
}
"""Mean of the time between the end of one disturbance of a target and the next."""
_BOOTING_SHARE = 0.15
"""Share of disturbances that follow so soon that a process has hardly started."""
CALM_EVERY_S = 40.0
CALM_S = 6.0
"""Now and then everything works for a moment, or the backlog would never be seen to drain before the end."""
OUTAGE_EVERY_S = 160.0
OUTAGE_S = 25.0
"""Central out of reach, before every so manieth second. Long enough for the small outbox of the test to fill and to shed, as long as
edge and stations are left in peace: killed again and again, they would not fill it."""


PEACEFUL = frozenset({Target.EDGE, Target.STATIONS, Target.DISK, Target.CENTRAL_LINK})
"""Left alone during an outage."""


def plan(seed: int, kills: int, abilities: Abilities) -> list[Disturbance]:
    """Disturbances in the order of their beginning, with `kills` SIGKILLs among them.

    No two touch one target at the same time; those of different targets overlap as they like.
    """
    chance = random.Random(f"torture {seed}")
    targets = [target for target in Target if target is not Target.DISK or abilities.disk]
    if not abilities.stations:
        targets.remove(Target.LINE)
    free: list[tuple[float, Target]] = [(chance.uniform(0.0, _PAUSE_S[target]), target) for target in targets]
    heapq.heapify(free)
    made: list[Disturbance] = []
    killed = 0
    while killed < kills:
        free_s, target = heapq.heappop(free)
        one = _draw(chance, target, _after_calm(free_s + _pause(chance, target)), abilities)
        one = replace(one, at_s=_free_of_outage(one.at_s, one.for_s, target))
        made.append(one)
        killed += one.action in KILLS
        heapq.heappush(free, (one.at_s + one.for_s, target))
    last_kill_s = max((one.at_s for one in made if one.action in KILLS), default=0.0)
    made += outages(last_kill_s)
    return sorted((one for one in made if one.at_s <= last_kill_s), key=lambda one: (one.at_s, one.target))


def _pause(chance: random.Random, target: Target) -> float:
    if chance.random() < _BOOTING_SHARE:
        return chance.uniform(0.02, 0.6)
    return chance.uniform(0.4, 1.6) * _PAUSE_S[target]


def _after_calm(at_s: float) -> float:
    """`at_s`, or the end of the calm that it falls into."""
    within_s = at_s % CALM_EVERY_S
    return at_s + CALM_S - within_s if within_s < CALM_S and at_s > CALM_EVERY_S else at_s


def _draw(chance: random.Random, target: Target, at_s: float, abilities: Abilities) -> Disturbance:
    at_s = round(at_s, 3)
    if target in PROCESSES:
        weights = _PROCESS_ACTIONS[target]
        action = chance.choices(list(weights), list(weights.values()))[0]
        if action in {Action.FREEZE, Action.FREEZE_KILL}:
            for_s = chance.uniform(0.1, 3.0)
        else:
            for_s = 0.0 if chance.random() < 0.4 else chance.uniform(0.05, 2.0)
        return Disturbance(at_s, target, action, round(for_s, 3))
    if target in LINKS:
        action = chance.choices(list(_LINK_ACTIONS), list(_LINK_ACTIONS.values()))[0]
        for_s = 0.0 if action is Action.TEAR else chance.uniform(0.1, 4.0)
        amount = chance.uniform(0.02, 1.0) if action is Action.DELAY else 0.0
        return Disturbance(at_s, target, action, round(for_s, 3), round(amount, 3))
    if target is Target.LINE:
        kind, station = chance.choice(FAULTS), chance.choice(abilities.stations)
        for_s, likely = chance.uniform(0.2, 2.0), chance.uniform(0.2, 1.0)
        return Disturbance(at_s, target, Action.FAULT, round(for_s, 3), round(likely, 2), f"{kind} {station}")
    if target is Target.CLOCK:
        step_s = chance.choice((-1.0, 1.0)) * 10.0 ** chance.uniform(-1.0, 3.6)
        if chance.random() < 0.3:
            return Disturbance(at_s, target, Action.UNSYNCHRONISE, round(chance.uniform(0.5, 5.0), 3), round(step_s, 1))
        return Disturbance(at_s, target, Action.STEP, 0.0, round(step_s, 1))
    return Disturbance(at_s, target, Action.FILL, round(chance.uniform(0.5, 5.0), 3))


def outages(until_s: float) -> list[Disturbance]:
    """Central is out of reach for long, again and again; each ends where a calm begins."""
    ends = range(1, int(until_s // OUTAGE_EVERY_S) + 1)
    return [Disturbance(end * OUTAGE_EVERY_S - OUTAGE_S, Target.CENTRAL_LINK, Action.REFUSE, OUTAGE_S) for end in ends]


def _free_of_outage(at_s: float, for_s: float, target: Target) -> float:
    """`at_s`, or the end of the outage that it would fall into, for those who have to be left in peace then."""
    end_s = (at_s // OUTAGE_EVERY_S + 1) * OUTAGE_EVERY_S
    if target in PEACEFUL and at_s + for_s > end_s - OUTAGE_S:
        return _after_calm(end_s)
    return at_s
