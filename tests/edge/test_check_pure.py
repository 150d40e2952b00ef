"""What a unit's answers say of it: which device, how well heard, and what to tell the technician."""

import msgspec
import pytest

from contract.profiles import Identification, Profile, Readable, Register
from edge.check.asking import Answer, Kind, Line
from edge.check.findings import Station, judge
from edge.check.ports import Holder
from edge.check.recognising import Candidate, Excluded, Recognition, Value, fit, recognise
from edge.check.run import Task, check
from edge.check.signal import Signal, Verdict, conflicting, summarise
from edge.check.survey import LineResult, Unit
from edge.fieldbus.frames import Fault

LINE = Line("/dev/ttyUSB0", 9600)


def device(name="met", *, base=10, identification=(), registers=None):
    registers = registers or (
        Register("air_temperature_degc", base, "s16", 0.1),
        Register("relative_humidity_pct", base + 1),
        Register("wind_speed_ms", base + 2, scale=0.1),
        Register("wind_gust_ms", base + 3, scale=0.1),
        Register("dew_point_degc", base + 4, "s16", 0.1, invalid=(0x7FFF,)),
    )
    return Profile(
        name=name,
        title="",
        source=(),
        function=3,
        register=registers,
        readable=(Readable(base, base + 4), Readable(0, 0)),
        identification=identification,
        response_time_max_s=0.1,
    )


def unit_with(table):
    """A device that serves these registers and refuses all others."""

    def ask(function, address, count):
        wanted = range(address, address + count)
        if all(at in table for at in wanted):
            return Answer(Kind.WORDS, 0.01, words=tuple(table[at] for at in wanted))
        return Answer(Kind.EXCEPTION, 0.01, exception=2)

    return ask


WEATHER = {10: 215, 11: 60, 12: 20, 13: 31, 14: 110}


def test_a_device_that_serves_what_the_profile_says_fits_with_reasons():
    found = fit(device(), unit_with(WEATHER))
    assert isinstance(found, Candidate)
    assert found.score == 1.0
    assert "5 of 5 values are plausible" in found.why
    assert "register 0x000f is refused, as its manual says" in found.why
    assert found.values[0] == Value("air_temperature_degc", 21.5, "degC", plausible=True)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({}, "registers 0x000a to 0x000e: exception 2"),
        ({**WEATHER, 11: 101}, "relative_humidity_pct would be 101 %: outside 0 to 100"),
        ({**WEATHER, 10: 700}, "air_temperature_degc would be 70 degC: outside -40 to 60"),
        ({**WEATHER, 13: 5}, "wind_gust_ms would be 0.5 m/s: below the wind speed 2"),
        ({**WEATHER, 14: 300}, "dew_point_degc would be 30 degC: above the air temperature 21.5"),
    ],
)
def test_a_device_that_does_not_fit_is_excluded_with_the_reason(table, why):
    found = fit(device(), unit_with(table))
    assert isinstance(found, Excluded)
    assert found.why == why


def test_silence_is_a_reason_too():
    found = fit(device(), lambda *_: Answer(Kind.FAULT, 0.1, fault=Fault.TIMEOUT))
    assert isinstance(found, Excluded)
    assert found.why.endswith("timeout")


def test_identification_decides_between_devices_of_the_same_registers():
    marked = device("marked", identification=(Identification(0, (0x0600,), mask=0xFF00),))
    other = device("other", identification=(Identification(0, (0x0100,), mask=0xFF00),))
    found = recognise({"plain": device("plain"), "marked": marked, "other": other}, unit_with({**WEATHER, 0: 0x0612}))
    assert [each.profile for each in found.best] == ["marked"]
    reasons = {each.profile: each.why for each in found.excluded}
    assert reasons["other"] == "identification register 0x0000 holds 0x0600"
    assert reasons["plain"].startswith("fits less well than marked")


def test_two_that_cannot_be_told_apart_are_both_told():
    found = recognise({"one": device("one"), "two": device("two"), "far": device("far", base=500)}, unit_with(WEATHER))
    assert [each.profile for each in found.best] == ["one", "two"]
    assert [each.profile for each in found.excluded] == ["far"]


def test_zeros_everywhere_and_answers_beyond_the_manual_count_against_a_device():
    still = fit(device(), unit_with(dict.fromkeys(range(10, 15), 0)))
    talkative = fit(device(), unit_with({**WEATHER, 15: 0}))
    assert isinstance(still, Candidate)
    assert isinstance(talkative, Candidate)
    assert still.score < 1.0
    assert "but all are 0" in still.why
    assert talkative.score < 1.0


def test_a_value_marked_invalid_is_missing_and_not_implausible():
    found = fit(device(), unit_with({**WEATHER, 14: 0x7FFF}))
    assert isinstance(found, Candidate)
    assert found.values[4] == Value("dew_point_degc", None, "degC", None, "the device marks it invalid")


GOOD = Answer(Kind.WORDS, 0.01, words=(1,))
ECHOED = msgspec.structs.replace(GOOD, echo=True)
NOISY = msgspec.structs.replace(GOOD, stray_bytes=3)
TWICE = msgspec.structs.replace(GOOD, stray_bytes=7, twice=True)
EXCEPTION = Answer(Kind.EXCEPTION, 0.02, exception=2)
LOST = Answer(Kind.FAULT, 0.5, fault=Fault.TIMEOUT)
SPOILT = Answer(Kind.FAULT, 0.1, fault=Fault.CHECKSUM, stray_bytes=7)


def signal(*answers, of=100):
    return summarise([*answers, *[GOOD] * (of - len(answers))])


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (signal(), Verdict.GOOD),
        (signal(EXCEPTION, EXCEPTION, ECHOED, NOISY), Verdict.GOOD),
        (signal(LOST), Verdict.GOOD),
        (signal(LOST, SPOILT), Verdict.POOR),
        (signal(*[LOST] * 21), Verdict.BAD),
        (summarise([]), Verdict.BAD),
    ],
)
def test_the_verdict_on_a_signal(heard, verdict):
    assert heard.verdict is verdict


def test_a_signal_counts_what_came():
    heard = summarise([GOOD, ECHOED, NOISY, TWICE, EXCEPTION, LOST, SPOILT])
    assert heard == Signal(7, 5, 1, 1, 1, 1, 1, 1, 10.0, 20.0)


def test_two_devices_at_one_address_are_told_from_a_bad_line():
    assert conflicting(signal(TWICE), []) == "a second reply followed 1 of 100 requests"
    garbled = signal(*[SPOILT] * 40)
    assert "garbled" in str(conflicting(garbled, [signal()]))
    assert conflicting(garbled, [garbled]) is None, "its neighbours are as bad: it is the line"
    assert conflicting(garbled, []) is None
    assert conflicting(signal(*[LOST] * 90), [signal()]) is None


def candidate(name, *values):
    return Candidate(name, 1.0, ("why",), values or (Value("wind_speed_ms", 1.0, "m/s", plausible=True),))


def unit(number, *names, heard=None, configured=None, conflict=None, absent=False):
    best = tuple(candidate(name) for name in names)
    return Unit(number, Recognition(best, ()), heard or signal(), configured, conflict, absent)


def names_of(units, stations, *, line=LINE, configured_line=LINE):
    result = LineResult(line, tuple(range(1, 17)), tuple(units))
    return [(each.name, each.problem) for each in judge(result, stations, configured_line)]


MET = Station("kmg-01", 1, "met")


@pytest.mark.parametrize(
    ("units", "stations", "names"),
    [
        ([unit(1, "met", configured=candidate("met"))], [MET], []),
        ([unit(1, "met", "twin", configured=candidate("met"))], [MET], []),
        ([], [MET], [("nothing_answers", True)]),
        ([], None, [("nothing_answers", True)]),
        ([unit(2, "rain")], [MET], [("unexpected_unit", True), ("station_missing", True)]),
        ([unit(1, "rain", configured="no")], [MET], [("wrong_profile", True)]),
        ([unit(1, configured="no")], [MET], [("wrong_profile", True)]),
        ([unit(1, configured="wind_speed_ms would be 99")], [MET], [("implausible_value", True)]),
        ([unit(1, "met", "twin")], None, [("ambiguous_profile", False)]),
        ([unit(1)], None, [("unknown_device", True)]),
        ([unit(1, "met", heard=signal(*[LOST] * 5))], None, [("poor_signal", True)]),
        ([unit(1, "met", heard=signal(*[NOISY] * 10))], None, [("noise", False)]),
        ([unit(1, "met", heard=signal(ECHOED))], None, [("echo", False)]),
        ([unit(1, configured="checksum", conflict="garbled")], [MET], [("address_conflict", True)]),
        ([unit(1, absent=True)], [MET], [("nobody_behind_gateway", False), ("station_missing", True)][1:]),
        (
            [unit(1, "met", configured=candidate("met")), unit(2, absent=True)],
            [MET],
            [("nobody_behind_gateway", False)],
        ),
        (
            [unit(1, "met", configured=candidate("met", Value("wind_speed_ms", None, "m/s", None, "invalid")))],
            [MET],
            [("values_missing", False)],
        ),
    ],
)
def test_the_findings_have_exact_names(units, stations, names):
    assert names_of(units, stations) == names


def test_an_answer_in_other_settings_is_told():
    other = Line("/dev/ttyUSB0", 19_200, "E")
    assert names_of([unit(1, "met", configured=candidate("met"))], [MET], line=other) == [("wrong_line_settings", True)]


def test_a_missing_station_is_looked_for_among_strangers():
    result = LineResult(LINE, (1, 2), (unit(2, "met"),))
    advice = {each.name: each.advice for each in judge(result, [MET], LINE)}
    assert advice["station_missing"].startswith("unit 2 looks like it: set that device to address 1")


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        (Holder(7, "python -m kumagaya edge run --config edge.toml"), "agent_running"),
        (Holder(8, "minicom"), "port_in_use"),
        (None, "port_missing"),
    ],
)
def test_a_port_that_does_not_open_is_a_finding(tmp_path, holder, name):
    task = Task(str(tmp_path / "none"), (Line(str(tmp_path / "none"), 9600),))
    report = check([task], {"met": device()}, holder=lambda _: holder)
    assert report.problems == (name,)
