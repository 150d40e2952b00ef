"""Keeps what the agent runs by: looks at each document that central sends, tries it on the live lines, keeps it or goes back.

Runs in the event loop's thread; nothing here waits. What it decides is told in `reported`, and `changed` is called when that is new.
"""

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog

from contract import twin as contract
from contract.clock import Clock
from contract.twin import Desired, Refusal, Refused, Reported, TwinState
from edge.twin import memory as disk
from edge.twin.memory import Failed, Memory, Tried
from edge.twin.merging import (
    Plan,
    changed_buses,
    changed_stations,
    merge,
    reported_buses,
    reported_quota,
)
from edge.twin.trial import Expectation, Passed, Seen, judge

STARTS_MAX: Final = 3
"""An agent that ended so often under a document gives it up. A cut in the power is one start, no proof."""
SAVE_AGAIN_S: Final = 60.0

_log = structlog.get_logger("edge.twin")


class Lines(Protocol):
    """The running agent, as far as a plan concerns it."""

    def put(self, plan: Plan, changed: Collection[str]) -> None:
        """Runs by the plan; lines named in `changed` take it before their next sweep."""
        ...

    def answering(self, bus: str) -> frozenset[str]:
        """Stations of the line whose last poll was answered."""
        ...

    def seen(self, bus: str) -> Seen | None:
        """What the line did under the plan put last; None: it has not taken it yet."""
        ...


class _Trial(msgspec.Struct):
    desired: Desired
    digest: str
    before: Plan
    after: Plan
    expectations: list[Expectation]
    passed: dict[str, Passed] = {}


class Twin:
    """See the module. `plan` is what the agent has to begin with; then `begin` hands over the lines."""

    def __init__(
        self,
        local: Plan,
        folder: Path,
        clock: Clock,
        boot_id: str,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.changed: Callable[[], object] = lambda: None
        self.ignored_older = 0
        self._local = local
        self._folder = folder
        self._clock = clock
        self._boot_id = boot_id
        self._monotonic_s = monotonic_s
        self._lines: Lines | None = None
        self._trial: _Trial | None = None
        self._waiting: bytes | None = None
        self._on_disk = True
        self._save_at_s: float | None = None
        self._silent: frozenset[str] = frozenset()
        self._state = TwinState.LOCAL
        self._refused: Refused | None = None
        self._seen_version: int | None = None
        self._memory, problem = disk.load(folder)
        self.plan = self._recalled(problem)

    def begin(self, lines: Lines) -> None:
        """From here on documents may be offered; the lines run by `plan` already."""
        self._lines = lines

    @property
    def trying(self) -> bool:
        return self._trial is not None

    def reported(self) -> Reported:
        """What to tell central at the moment."""
        running = self._trial.after if self._trial is not None else self.plan
        applied = self.plan.desired
        return Reported(
            v=contract.VERSION,
            at_ms=self._clock.unix_ms(),
            boot_id=self._boot_id,
            state=self._state,
            applied_version=self.plan.version,
            bus=reported_buses(running.config),
            health_interval_s=running.config.health.interval_s,
            outbox=reported_quota(running.config),
            applied_digest="" if applied is None else contract.digest(applied),
            seen_version=self._seen_version,
            reason=None if self._refused is None else self._refused.reason,
            detail="" if self._refused is None else self._refused.detail,
            silent=sorted(self._silent),
            on_disk=self._on_disk,
        )

    def offer(self, payload: bytes) -> None:
        """A document from central, as it came. An empty one only clears what the broker kept: nothing changes."""
        if not payload:
            return
        if self._trial is not None:
            # The newest waits until the lines have spoken.
            self._waiting = payload
            return
        desired = contract.decode_desired(
            payload, gateway=self.plan.config.gateway, buses=[bus.name for bus in self.plan.config.bus]
        )
        if isinstance(desired, Refused):
            self._refuse(desired)
            return
        digest = contract.digest(desired)
        if desired.version < self.plan.version:
            self.ignored_older += 1
            _log.info("older_desired_ignored", version=desired.version, applied=self.plan.version)
            return
        if self.plan.desired is not None and desired.version == self.plan.version:
            if digest == contract.digest(self.plan.desired):
                self._tell(TwinState.APPLIED, None, desired.version)
            else:
                detail = f"version {desired.version} is in force with other content: publish under a higher version"
                self._refuse(Refused(Refusal.VERSION_REUSED, detail, desired.version))
            return
        failed = self._memory.failed
        if failed is not None and (failed.version, failed.digest) == (desired.version, digest):
            state = TwinState.ROLLED_BACK if failed.rolled_back else TwinState.REFUSED
            self._tell(state, failed.refused, desired.version)
            return
        after = merge(self._local, desired)
        if isinstance(after, Refused):
            self._refuse(after)
        elif self._died_often(desired, digest):
            detail = f"the agent ended {STARTS_MAX} times while it tried version {desired.version}"
            refused = Refused(Refusal.AGENT_DIED, detail, desired.version)
            self._memory = Memory(self._memory.applied, Failed(desired.version, digest, refused, rolled_back=False))
            self._save()
            self._refuse(refused)
        else:
            self._try(desired, digest, after)

    def tick(self) -> None:
        """Looks how a trial fares. Call it a few times a second."""
        if self._save_at_s is not None and self._monotonic_s() >= self._save_at_s:
            self._save()
            if self._on_disk:
                self.changed()
        trial, lines = self._trial, self._lines
        if trial is None or lines is None:
            return
        for expectation in trial.expectations:
            seen = lines.seen(expectation.bus)
            if expectation.bus in trial.passed or seen is None:
                continue
            verdict = judge(expectation, seen)
            if isinstance(verdict, Refused):
                self._roll_back(trial, msgspec.structs.replace(verdict, version=trial.desired.version))
                return
            if verdict is not None:
                trial.passed[expectation.bus] = verdict
        if len(trial.passed) == len(trial.expectations):
            self._keep(trial)

    def close(self) -> None:
        """A clean stop is no proof against a document under trial."""
        if self._memory.tried is not None:
            self._memory = msgspec.structs.replace(self._memory, tried=None)
            self._save()

    def _recalled(self, problem: str) -> Plan:
        """The plan of the last document that proved itself, else the local one."""
        if problem:
            _log.error("desired_forgotten", reason=problem)
        applied = self._memory.applied
        if applied is None:
            return self._local
        plan = merge(self._local, applied)
        if isinstance(plan, Refused):
            # The gateway's own file was changed under it.
            _log.error("desired_not_recalled", reason=str(plan.reason), detail=plan.detail)
            self._state, self._refused, self._seen_version = TwinState.REFUSED, plan, applied.version
            return self._local
        self._state, self._seen_version = TwinState.APPLIED, applied.version
        return plan

    def _died_often(self, desired: Desired, digest: str) -> bool:
        tried = self._memory.tried
        same = tried is not None and (tried.version, tried.digest) == (desired.version, digest)
        starts = tried.starts if tried is not None and same else 0
        if starts >= STARTS_MAX:
            return True
        self._memory = msgspec.structs.replace(self._memory, tried=Tried(desired.version, digest, starts + 1))
        self._save()
        return False

    def _try(self, desired: Desired, digest: str, after: Plan) -> None:
        assert self._lines is not None, "begin() comes first"
        changed = changed_buses(self.plan, after)
        expectations = [
            Expectation(
                bus,
                self._lines.answering(bus),
                frozenset(station.id for station in after.bus(bus).station),
                changed_stations(self.plan, after, bus),
                after.bus(bus).interval_s,
            )
            for bus in changed
        ]
        self._trial = _Trial(desired, digest, self.plan, after, expectations)
        self._silent = frozenset()
        _log.info("desired_tried", version=desired.version, buses=changed)
        self._lines.put(after, changed)
        self._tell(TwinState.TRYING, None, desired.version)
        self.tick()

    def _keep(self, trial: _Trial) -> None:
        self._trial = None
        self.plan = trial.after
        self._silent = frozenset(station for passed in trial.passed.values() for station in passed.silent)
        self._memory = Memory(applied=trial.desired)
        self._save()
        _log.info("desired_applied", version=trial.desired.version, silent=sorted(self._silent))
        self._tell(TwinState.APPLIED, None, trial.desired.version)
        self._offer_waiting()

    def _roll_back(self, trial: _Trial, refused: Refused) -> None:
        assert self._lines is not None
        self._trial = None
        self._lines.put(trial.before, changed_buses(trial.after, trial.before))
        failed = Failed(trial.desired.version, trial.digest, refused, rolled_back=True)
        self._memory = Memory(self._memory.applied, failed)
        self._save()
        _log.warning(
            "desired_rolled_back", version=trial.desired.version, reason=str(refused.reason), detail=refused.detail
        )
        self._tell(TwinState.ROLLED_BACK, refused, trial.desired.version)
        self._offer_waiting()

    def _offer_waiting(self) -> None:
        payload, self._waiting = self._waiting, None
        if payload is not None:
            self.offer(payload)

    def _refuse(self, refused: Refused) -> None:
        _log.warning("desired_refused", version=refused.version, reason=str(refused.reason), detail=refused.detail)
        self._tell(TwinState.REFUSED, refused, refused.version)

    def _tell(self, state: TwinState, refused: Refused | None, version: int | None) -> None:
        before = (self._state, self._refused, self._seen_version)
        self._state, self._refused, self._seen_version = state, refused, version
        if before != (state, refused, version):
            self.changed()

    def _save(self) -> None:
        """A disk that refuses costs only the memory of a restart: the document in force goes on, and saving is tried again."""
        try:
            disk.save(self._folder, self._memory)
        except OSError as error:
            if self._on_disk:
                _log.error("desired_not_on_disk", reason=error.strerror or str(error))
            self._on_disk, self._save_at_s = False, self._monotonic_s() + SAVE_AGAIN_S
        else:
            self._on_disk, self._save_at_s = True, None


def recalled(local: Plan, folder: Path) -> Plan:
    """What an agent with this file and this data folder would begin with."""
    memory, _ = disk.load(folder)
    plan = local if memory.applied is None else merge(local, memory.applied)
    return local if isinstance(plan, Refused) else plan
