"""What is given up first when the quota is full."""

from edge.shedding import Pack, plan, thin, tombstone


def packs(count, items=8, first_seq=1, **changes):
    return [
        Pack(first_seq + i * items, first_seq + (i + 1) * items - 1, 1000 * i, 1000 * i + 500, **changes)
        for i in range(count)
    ]


def ranges(runs):
    return [(run[0].first_seq, run[-1].last_seq) for run in runs]


def test_one_in_so_many_is_kept_and_each_run_between_is_given_up():
    assert ranges(thin(packs(7), keep_every=3)) == [(9, 24), (33, 48)]


def test_tombstones_and_what_was_kept_before_end_a_run():
    grave = Pack(9, 24, 0, 0, shed=16)
    kept = Pack(25, 32, 0, 0, thinned=True)
    assert ranges(thin([*packs(1), grave, kept, *packs(3, first_seq=33)], keep_every=4)) == [(33, 56)]


def test_a_tombstone_adds_up_readings_and_older_tombstones():
    grave = tombstone([Pack(1, 8, 50, 90), Pack(9, 24, 10, 40, shed=16), Pack(25, 32, 95, 99)])
    assert (grave.first_seq, grave.last_seq, grave.shed, grave.first_at_ms, grave.last_at_ms) == (1, 32, 32, 10, 99)


def test_a_fresh_stretch_is_thinned_and_a_thinned_one_dropped_whole():
    fresh = packs(6)
    assert ranges(plan(fresh, keep_every=3)) == [(9, 24), (33, 48)]
    settled = [Pack(1, 8, 0, 0, thinned=True), Pack(9, 24, 0, 0, shed=16), Pack(25, 32, 0, 0, thinned=True)]
    assert ranges(plan(settled, keep_every=3)) == [(1, 32)]


def test_nothing_is_planned_for_nothing():
    assert plan([], keep_every=3) == []
