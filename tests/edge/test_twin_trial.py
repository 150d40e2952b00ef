"""Whether a line still answers after its plan was changed."""

import pytest

from contract.twin import Refusal, Refused
from edge.twin.trial import SWEEPS_MAX, SWEEPS_MAX_SLOW, Expectation, Passed, Seen, judge


def expect(before="", stations="", changed="", interval_s=1.0):
    return Expectation("line", frozenset(before), frozenset(stations), frozenset(changed), interval_s)


def seen(answered="", sweeps=SWEEPS_MAX, for_s=100.0):
    return Seen(sweeps, for_s, frozenset(answered))


@pytest.mark.parametrize(
    ("expectation", "sight", "verdict"),
    [
        # All answer: passed with the first sweep.
        (expect("a", "ab", ""), seen("ab", sweeps=1, for_s=0.1), Passed(frozenset())),
        # A newcomer gets the whole time, then it is only called silent.
        (expect("a", "ab", ""), seen("a", sweeps=1), None),
        (expect("a", "ab", ""), seen("a"), Passed(frozenset("b"))),
        # A line that never answered proves nothing by being silent.
        (expect("", "ab", "a"), seen(""), Passed(frozenset("ab"))),
        # A line without stations is not expected to answer.
        (expect("a", "", ""), seen("", sweeps=1), Passed(frozenset())),
        # Silence is not judged too early: neither by sweeps nor by time.
        (expect("a", "a", "a"), seen("", sweeps=SWEEPS_MAX - 1), None),
        (expect("a", "a", "a"), seen("", for_s=0.5), None),
        # Everybody silent, those that did not change included.
        (expect("ab", "ab", "a"), seen(""), Refusal.BUS_SILENT),
        (expect("ab", "ab", ""), seen(""), Refusal.BUS_SILENT),
        # Who answered before is gone from the plan, and whoever came instead does not answer.
        (expect("a", "z", ""), seen(""), Refusal.BUS_SILENT),
        (expect("a", "z", ""), seen("z"), Passed(frozenset())),
        # Only a newcomer answers, and it has drowned those that did before.
        (expect("ab", "abz", ""), seen("z"), Refusal.BUS_SILENT),
        # One of several was changed and does not answer any more.
        (expect("ab", "ab", "a"), seen("b"), Refusal.STATION_SILENT),
        # One that was not changed may fall silent by itself in the same minute.
        (expect("ab", "ab", "a"), seen("a"), Passed(frozenset("b"))),
        # One that was changed but had not answered before proves nothing.
        (expect("b", "ab", "a"), seen("b"), Passed(frozenset("a"))),
        # A slow line is judged after fewer sweeps.
        (expect("a", "a", "a", interval_s=600.0), seen("", sweeps=SWEEPS_MAX_SLOW), Refusal.BUS_SILENT),
    ],
)
def test_the_verdict_on_a_line(expectation, sight, verdict):
    out = judge(expectation, sight)
    if isinstance(verdict, Refusal):
        assert isinstance(out, Refused)
        assert out.reason is verdict
        assert out.detail.startswith("line: ")
    else:
        assert out == verdict
