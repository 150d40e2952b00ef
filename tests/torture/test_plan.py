"""What is planned: from a seed, the same every time, with so many kills, and never two hands on one thing."""

from itertools import pairwise

import pytest

from tests.torture.plan import CALM_EVERY_S, CALM_S, KILLS, OUTAGE_S, PROCESSES, Abilities, Action, Target, plan

ALL = Abilities(stations=("s01", "s02"))


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_plan(seed):
    assert plan(seed, 50, ALL) == plan(seed, 50, ALL)
    assert plan(seed, 50, ALL) != plan(seed + 1, 50, ALL)


@pytest.mark.parametrize("kills", [1, 30, 1000])
def test_a_plan_holds_as_many_kills_as_were_asked_for(kills):
    assert sum(one.action in KILLS for one in plan(3, kills, ALL)) == kills


def test_no_two_disturbances_touch_one_target_at_a_time():
    for target in Target:
        mine = [one for one in plan(4, 300, ALL) if one.target is target]
        assert all(before.at_s + before.for_s <= after.at_s + 1e-3 for before, after in pairwise(mine)), target


def test_a_thousand_kills_try_everything_on_everybody():
    tried = {(one.target, one.action) for one in plan(5, 1000, ALL)}
    assert {target for target, _ in tried} == set(Target)
    assert {action for _, action in tried} == set(Action)
    assert all((target, Action.KILL) in tried for target in PROCESSES)


def test_during_an_outage_the_agent_is_left_in_peace_to_fill_its_outbox():
    steps = plan(5, 1000, ALL)
    outages = [one for one in steps if one.target is Target.CENTRAL_LINK and one.for_s == OUTAGE_S]
    assert len(outages) >= 4
    for outage in outages:
        assert not [
            one
            for one in steps
            if one.target in {Target.EDGE, Target.STATIONS, Target.DISK}
            and one.at_s < outage.at_s + outage.for_s
            and one.at_s + one.for_s > outage.at_s
        ]


def test_now_and_then_nothing_begins_for_a_while():
    begun = [one.at_s for one in plan(6, 300, ALL)]
    assert not [at_s for at_s in begun if at_s > CALM_EVERY_S and at_s % CALM_EVERY_S < CALM_S - 1e-3]


def test_what_a_machine_cannot_do_is_not_planned():
    targets = {one.target for one in plan(7, 300, Abilities(disk=False))}
    assert Target.DISK not in targets
    assert Target.LINE not in targets
