"""What becomes of a document: tried, kept, rolled back, refused, remembered."""

import json

import pytest

from contract import twin as contract
from contract.clock import SystemClock
from contract.twin import DesiredBus, Quota, Refusal, TwinState
from edge.twin import keeper, memory
from edge.twin.keeper import Twin, recalled
from edge.twin.merging import changed_buses, merge
from tests.edge.twin_making import FakeLines, desired, local, profile, station

ANSWERS = {("line-a", 1, "bench"), ("line-a", 2, "bench"), ("line-b", 1, "bench")}


def begin(folder, plan=None, answers=ANSWERS):
    twin = Twin(plan or local(), folder, SystemClock(), "boot")
    lines = FakeLines(twin.plan, answers)
    twin.begin(lines)
    twin.news = []
    twin.changed = lambda: twin.news.append(twin.reported().state)
    return twin, lines


def offer(twin, document):
    twin.offer(contract.encode(document))


def sweep(twin, lines, times=1):
    for _ in range(times):
        lines.sweeps += 1
        twin.tick()


def test_a_new_station_is_tried_and_kept(tmp_path):
    twin, lines = begin(tmp_path)
    assert twin.reported().state is TwinState.LOCAL
    offer(twin, desired(3, station("s1", 1), station("s2", 2), health_interval_s=7.0, outbox=Quota(70_000, 99)))
    assert lines.puts == [(3, ["line-a"])], "the other line is not touched"
    during = twin.reported()
    assert (during.state, during.applied_version, len(during.bus[0].station)) == (TwinState.TRYING, 0, 2)
    sweep(twin, lines)
    report = twin.reported()
    assert (report.state, report.applied_version, report.seen_version) == (TwinState.APPLIED, 3, 3)
    assert (report.health_interval_s, report.outbox, report.silent) == (7.0, Quota(70_000, 99), [])
    assert [each.id for each in report.bus[1].station] == ["x1"], (
        "a line the document does not speak of stays as it was"
    )
    assert twin.news == [TwinState.TRYING, TwinState.APPLIED]


def test_it_is_remembered_over_a_restart_without_a_network(tmp_path):
    twin, lines = begin(tmp_path)
    offer(twin, desired(3, station("s1", 1), station("s2", 2)))
    sweep(twin, lines)
    again, _ = begin(tmp_path)
    assert [each.id for each in again.plan.bus("line-a").station] == ["s1", "s2"]
    assert (again.reported().state, again.reported().applied_version) == (TwinState.APPLIED, 3)
    assert recalled(local(), tmp_path) == again.plan
    offer(again, desired(3, station("s1", 1), station("s2", 2)))
    assert again.news == [], "the same document again is no news"


def test_a_wrong_address_is_rolled_back_with_the_reason_and_not_tried_again(tmp_path):
    twin, lines = begin(tmp_path)
    wrong = desired(4, station("s1", 9))
    offer(twin, wrong)
    sweep(twin, lines, 4)
    assert twin.reported().state is TwinState.TRYING
    sweep(twin, lines)
    report = twin.reported()
    assert (report.state, report.reason, report.applied_version) == (TwinState.ROLLED_BACK, Refusal.BUS_SILENT, 0)
    assert "s1" in report.detail
    assert lines.puts == [(4, ["line-a"]), (0, ["line-a"])]
    assert [each.unit_address for each in report.bus[0].station] == [1]
    offer(twin, wrong)
    again, more = begin(tmp_path)
    offer(again, wrong)
    assert (again.reported().state, again.reported().reason) == (TwinState.ROLLED_BACK, Refusal.BUS_SILENT)
    assert len(lines.puts) == 2
    assert more.puts == []
    offer(again, desired(5, station("s1", 1), station("s2", 2)))
    sweep(again, more)
    assert again.reported().applied_version == 5


def test_one_wrong_address_among_others_is_rolled_back_too(tmp_path):
    twin, lines = begin(tmp_path, local(stations=(("s1", 1), ("s2", 2))))
    offer(twin, desired(1, station("s1", 1), station("s2", 9)))
    sweep(twin, lines, 5)
    assert twin.reported().reason is Refusal.STATION_SILENT
    assert "s2" in twin.reported().detail


def test_a_station_that_is_not_mounted_yet_is_told_and_not_rolled_back(tmp_path):
    twin, lines = begin(tmp_path)
    offer(twin, desired(1, station("s1", 1), station("s7", 7)))
    sweep(twin, lines, 5)
    assert (twin.reported().state, twin.reported().silent) == (TwinState.APPLIED, ["s7"])


def test_older_is_ignored_and_the_same_number_with_other_content_is_refused(tmp_path):
    twin, lines = begin(tmp_path)
    offer(twin, desired(5))
    sweep(twin, lines)
    offer(twin, desired(4, station("s1", 2)))
    assert (twin.reported().state, twin.ignored_older) == (TwinState.APPLIED, 1)
    offer(twin, desired(5, station("s1", 2)))
    assert twin.reported().reason is Refusal.VERSION_REUSED
    assert twin.plan.bus("line-a").station[0].unit_address == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", Refusal.NOT_JSON),
        (b" " * (contract.DESIRED_BYTES_MAX + 1), Refusal.TOO_LARGE),
        (contract.encode(desired(bus="line-z")), Refusal.UNKNOWN_BUS),
        (contract.encode(desired(1, station("x1", 3))), Refusal.DUPLICATE_STATION),
    ],
)
def test_what_is_refused_changes_nothing(tmp_path, payload, reason):
    twin, lines = begin(tmp_path)
    before = twin.reported().bus
    twin.offer(payload)
    report = twin.reported()
    assert (report.state, report.reason, report.applied_version) == (TwinState.REFUSED, reason, 0)
    assert report.bus == before
    assert lines.puts == []


def test_an_empty_payload_only_clears_what_the_broker_kept(tmp_path):
    twin, lines = begin(tmp_path)
    twin.offer(b"")
    assert (twin.news, lines.puts) == ([], [])


def test_the_newest_waits_for_the_verdict_on_the_one_before(tmp_path):
    twin, lines = begin(tmp_path)
    offer(twin, desired(1, station("s1", 9)))
    offer(twin, desired(2, station("s1", 1), station("s2", 2)))
    offer(twin, desired(3, station("s1", 1), interval_s=2.0))
    assert lines.puts == [(1, ["line-a"])]
    sweep(twin, lines, 5)
    sweep(twin, lines)
    assert lines.puts == [(1, ["line-a"]), (0, ["line-a"]), (3, ["line-a"])]
    assert twin.reported().applied_version == 3


def test_a_line_that_has_not_taken_the_plan_is_not_judged(tmp_path):
    twin, lines = begin(tmp_path)
    lines.taken = False
    offer(twin, desired(1, station("s1", 9)))
    sweep(twin, lines, 50)
    assert twin.reported().state is TwinState.TRYING


def test_without_a_changed_line_there_is_nothing_to_try(tmp_path):
    twin, lines = begin(tmp_path)
    offer(twin, desired(2, health_interval_s=5.0))
    assert (twin.reported().state, twin.reported().health_interval_s) == (TwinState.APPLIED, 5.0)
    assert lines.puts == [(2, [])]


def test_a_changed_profile_is_a_changed_line_and_needs_an_answer(tmp_path):
    other = profile("other", address=200)
    twin, lines = begin(tmp_path)
    offer(twin, desired(1, station("s1", 1, "other"), profiles=[other]))
    sweep(twin, lines, 5)
    assert twin.reported().reason is Refusal.BUS_SILENT
    moved = merge(local(), desired(1, profiles=[profile(address=101)]))
    assert changed_buses(local(), moved) == ["line-a"], "the same name, other registers"
    assert changed_buses(local(), merge(local(), desired())) == []


def test_an_agent_that_dies_again_and_again_under_a_document_gives_it_up(tmp_path):
    document = desired(6, station("s1", 1), station("s2", 2))
    for _ in range(keeper.STARTS_MAX):
        twin, lines = begin(tmp_path)
        offer(twin, document)
        assert lines.puts == [(6, ["line-a"])]
    twin, lines = begin(tmp_path)
    offer(twin, document)
    assert (twin.reported().reason, lines.puts) == (Refusal.AGENT_DIED, [])


def test_a_clean_stop_is_no_proof_against_a_document(tmp_path):
    for _ in range(keeper.STARTS_MAX + 2):
        twin, lines = begin(tmp_path)
        offer(twin, desired(6, station("s1", 1), station("s2", 2)))
        assert lines.puts
        twin.close()


@pytest.mark.parametrize("text", ["", "{", '{"applied": 7}', "\x00" * 100])
def test_a_damaged_memory_is_no_memory(tmp_path, text):
    (tmp_path / memory.FILE_NAME).write_text(text)
    twin, lines = begin(tmp_path)
    assert twin.plan.version == 0
    offer(twin, desired(2))
    sweep(twin, lines)
    assert json.loads((tmp_path / memory.FILE_NAME).read_text())["applied"]["version"] == 2
    assert (tmp_path / memory.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_local_file_that_no_longer_fits_wins_over_the_memory(tmp_path):
    twin, lines = begin(tmp_path)
    offer(twin, desired(2, station("s1", 1), station("s2", 2)))
    sweep(twin, lines)
    again, _ = begin(tmp_path, local(other=(("s2", 1),)))
    report = again.reported()
    assert (report.state, report.applied_version) == (TwinState.REFUSED, 0)
    assert report.reason is Refusal.DUPLICATE_STATION
    assert again.plan.bus("line-b").station[0].id == "s2"


def test_a_disk_that_refuses_costs_only_the_memory(tmp_path):
    now = [0.0]
    folder = tmp_path / "gone"
    twin = Twin(local(), folder, SystemClock(), "boot", lambda: now[0])
    lines = FakeLines(twin.plan, ANSWERS)
    twin.begin(lines)
    offer(twin, desired(2, buses=(DesiredBus("line-b", 5.0, (station("x1", 1),)),)))
    sweep(twin, lines)
    assert (twin.reported().state, twin.reported().on_disk) == (TwinState.APPLIED, False)
    folder.mkdir()
    now[0] = keeper.SAVE_AGAIN_S + 1
    twin.tick()
    assert twin.reported().on_disk
    assert recalled(local(), folder).version == 2
