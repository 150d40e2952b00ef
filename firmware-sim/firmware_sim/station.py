"""One weather station on a line: a request goes in, the answer comes out, as bytes. No port and no clock of its own."""

import random
from dataclasses import dataclass, replace

from contract.conversion import physical, raw_of
from contract.profiles import Profile
from contract.quantities import Flag
from firmware_sim.bank import RegisterBank
from firmware_sim.faults import STRIKING_ORDER, Answer, FaultKind, FaultPlan, spoil
from firmware_sim.frames import (
    ExceptionCode,
    ReadRequest,
    Request,
    WriteRequest,
    exception_response,
    read_response,
    write_response,
)
from firmware_sim.weather import Sample, WeatherSource


@dataclass(frozen=True)
class Served:
    """One answer whose values reached the line whole: what was served, and what it means.

    Attributes:
        at_ms: the city's wall time the values belong to.
        words: the registers served, from `address`.
        values: physical values of the quantities wholly inside, after rounding by the register; None: invalid marker.
        faults: what went wrong all the same (`late`, `echo`, `noise_before`, `noise_after`, `stuck`); empty: a master must have got it.

    """

    station: str
    at_ms: int
    function: int
    address: int
    words: tuple[int, ...]
    values: dict[str, float | None]
    faults: tuple[str, ...] = ()


@dataclass
class Counters:
    requests: int = 0
    answers: int = 0
    exceptions: int = 0
    faults: int = 0


class Station:
    """A simulated device.

    Args:
        station_id: the station's name in the city, such as `kmg-03`.
        unit: its address on the line, 1..247.
        response_time_s: from the end of a request to the first byte of the answer.
        faults: planned ones; more can be switched on with `inject`.
        seed: of chance in faults; together with the name it fixes every stray byte.

    """

    def __init__(
        self,
        station_id: str,
        unit: int,
        profile: Profile,
        weather: WeatherSource,
        *,
        response_time_s: float = 0.02,
        faults: tuple[FaultPlan, ...] = (),
        seed: int = 0,
    ) -> None:
        self.station_id = station_id
        self.unit = unit
        self.profile = profile
        self.counters = Counters()
        self.overrides: dict[str, float | None] = {}
        self._weather = weather
        self._bank = RegisterBank(profile)
        self._response_time_s = response_time_s
        self._planned = faults
        self._injected: list[tuple[FaultPlan, float | None]] = []
        self._chance = random.Random(f"{seed}:{station_id}")
        self._stuck: Sample | None = None

    def sample(self, at_ms: int) -> Sample:
        """The physical values at the city's wall time, overrides included."""
        return {**self._weather.at(at_ms), **self.overrides}

    def inject(self, fault: FaultPlan, until_s: float | None) -> None:
        """Switches a fault on until the given elapsed time, or until `clear_faults`. A kind that is on already is replaced."""
        self._injected = [(plan, end) for plan, end in self._injected if plan.kind is not fault.kind]
        self._injected.append((fault, until_s))

    def clear_faults(self, kind: FaultKind | None = None) -> int:
        """Switches injected faults off, all or one kind. Returns how many were on; planned ones stay."""
        before = len(self._injected)
        self._injected = [(plan, end) for plan, end in self._injected if kind is not None and plan.kind is not kind]
        return before - len(self._injected)

    def faults_at(self, elapsed_s: float) -> tuple[FaultPlan, ...]:
        """The faults that are on, planned and injected."""
        self._injected = [(plan, end) for plan, end in self._injected if end is None or elapsed_s < end]
        planned = tuple(plan for plan in self._planned if plan.active(elapsed_s))
        return planned + tuple(plan for plan, _ in self._injected)

    def answer(self, request: Request, frame: bytes, at_ms: int, elapsed_s: float) -> tuple[Answer, Served | None]:
        """The answer to a request for this unit, and what to write in the served-log when its values are whole.

        Args:
            request: what is asked, already known to be for this unit.
            frame: the request's bytes, for a line that echoes.
            at_ms: the city's wall time.
            elapsed_s: real seconds since the simulator started, for faults.

        """
        self.counters.requests += 1
        striking = [
            fault
            for fault in self.faults_at(elapsed_s)
            if fault.probability >= 1.0 or self._chance.random() < fault.probability
        ]
        sample = self._sample_or_stuck(at_ms, stuck=any(fault.kind is FaultKind.STUCK for fault in striking))
        body, served = self._respond(request, sample, at_ms)
        answer = Answer(body, self._response_time_s)
        for fault in sorted(striking, key=lambda fault: STRIKING_ORDER.index(fault.kind)):
            if answer.frame:
                answer = spoil(answer, fault, frame, self._chance)
        if striking:
            self.counters.faults += 1
        if answer.frame:
            self.counters.answers += 1
        if served is None or not answer.whole:
            return answer, None
        return answer, replace(served, faults=tuple(fault.kind.value for fault in striking))

    def _sample_or_stuck(self, at_ms: int, *, stuck: bool) -> Sample:
        if not stuck:
            self._stuck = None
            return self.sample(at_ms)
        if self._stuck is None:
            self._stuck = self.sample(at_ms)
        return self._stuck

    def _respond(self, request: Request, sample: Sample, at_ms: int) -> tuple[bytes, Served | None]:
        if isinstance(request, ReadRequest):
            words = self._bank.read(request.function, request.address, request.count, sample)
            if not isinstance(words, ExceptionCode):
                return read_response(request, words), self._served(request, words, at_ms)
            code = words
        elif isinstance(request, WriteRequest):
            refusal = self._bank.write(request)
            if refusal is None:
                return write_response(request), None
            code = refusal
        else:
            code = request.code
        self.counters.exceptions += 1
        return exception_response(self.unit, request.function, code), None

    def _served(self, request: ReadRequest, words: tuple[int, ...], at_ms: int) -> Served:
        values: dict[str, float | None] = {}
        for register in self.profile.register:
            start = register.address - request.address
            if (
                self.profile.function_of(register) == request.function
                and start >= 0
                and start + register.registers <= len(words)
            ):
                raw = raw_of(register, self.profile.word_order_of(register), words[start : start + register.registers])
                value, flag = physical(register, raw)
                values[register.quantity] = value if flag is Flag.OK else None
        return Served(self.station_id, at_ms, request.function, request.address, words, values)
