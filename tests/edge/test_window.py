"""Sending, receipts, silence: one stream's window as a dialogue of moments."""

from hypothesis import given
from hypothesis import strategies as st

from edge.window import Send, Wait, Window

TIMEOUT_S = 10.0


def window(oldest=1, next_seq=1, batches=4, live_gap=100):
    fresh = Window(batches, TIMEOUT_S, live_gap)
    fresh.reconnected("epoch", oldest, next_seq, now_s=0.0)
    return fresh


def test_new_items_go_out_and_a_receipt_moves_on():
    sender = window()
    assert sender.plan(1, 0.0) == Wait(None)
    assert sender.plan(9, 1.0) == Send(1, 9)
    sender.sent(1, 8, 1.0)
    assert sender.plan(9, 1.1) == Wait(TIMEOUT_S - 0.1)
    assert sender.receipted(8, 1.2)
    assert sender.plan(9, 1.3) == Wait(None)
    assert sender.oldest == 9


def test_the_window_of_unreceipted_batches_is_limited():
    sender = window(next_seq=101, batches=2)
    sender.sent(1, 50, 0.0)
    sender.sent(51, 60, 0.0)
    assert isinstance(sender.plan(101, 0.1), Wait)
    sender.receipted(50, 0.2)
    assert sender.plan(101, 0.2) == Send(61, 101)


def test_a_receipt_for_what_was_never_sent_is_not_believed():
    sender = window(next_seq=51)
    sender.sent(1, 20, 0.0)
    assert not sender.receipted(21, 0.1)
    assert sender.receipts_ahead == 1
    assert sender.oldest == 1


def test_an_old_receipt_again_changes_nothing():
    sender = window(next_seq=51)
    sender.sent(1, 20, 0.0)
    sender.receipted(20, 0.1)
    assert sender.receipted(5, 0.2)
    assert (sender.oldest, sender.cursor) == (21, 21)


def test_without_receipts_but_it_sends_again_ever_more_patiently():
    sender = window(next_seq=9)
    sender.sent(1, 8, 0.0)
    now_s, moments = 0.0, []
    while len(moments) < 5:
        now_s += 1.0
        if sender.plan(9, now_s) == Send(1, 9):
            sender.sent(1, 8, now_s)
            moments.append(now_s)
    assert moments == [10.0, 30.0, 70.0, 130.0, 190.0]
    assert sender.receipted(8, now_s)
    assert sender.plan(17, now_s) == Send(9, 17)


def test_while_central_is_silent_only_one_batch_is_repeated():
    sender = window(next_seq=500)
    for first in range(1, 401, 100):
        sender.sent(first, first + 99, 0.0)
    assert isinstance(sender.plan(500, 10.0), Send)
    sender.sent(1, 100, 10.0)
    assert isinstance(sender.plan(600, 10.1), Wait)


def test_after_a_reconnect_everything_unreceipted_goes_again():
    sender = window(next_seq=41)
    sender.sent(1, 20, 0.0)
    sender.sent(21, 40, 0.0)
    sender.receipted(20, 0.1)
    sender.reconnected("epoch", 21, 41, 5.0)
    assert sender.plan(41, 5.0) == Send(21, 41)


def test_live_items_overtake_a_backlog_and_are_not_sent_twice():
    sender = window(next_seq=1001)
    assert sender.plan(1001, 0.0) == Send(1, 1001)
    sender.sent(1, 400, 0.0)
    # Eight new ones are committed: they go before the rest of the backlog.
    assert sender.plan(1009, 1.0) == Send(1001, 1009)
    sender.sent(1001, 1008, 1.0)
    assert sender.plan(1009, 1.0) == Send(401, 1001)
    assert not sender.receipted(1008, 1.0), "central cannot have a contiguous prefix up to there"
    sender.sent(401, 1000, 1.0)
    # The backlog has met the live stretch: what comes next follows it.
    assert sender.plan(1017, 2.0) == Send(1009, 1017)
    assert sender.receipted(1008, 2.0)


def test_live_items_also_flow_while_the_window_is_full():
    sender = window(next_seq=1001, batches=1)
    sender.sent(1, 400, 0.0)
    assert sender.plan(1009, 1.0) == Send(1001, 1009)


def test_a_range_without_items_ends_the_live_stretch():
    sender = window(next_seq=1001)
    sender.sent(1, 400, 0.0)
    sender.nothing_there()
    assert sender.plan(1009, 1.0) == Send(401, 1009)


def test_a_new_epoch_begins_at_its_own_beginning():
    sender = window(next_seq=1001)
    sender.sent(1, 400, 0.0)
    sender.reconnected("other", 1, 9, 1.0)
    assert sender.plan(9, 1.0) == Send(1, 9)
    assert not sender.receipted(400, 1.0)


@given(st.lists(st.sampled_from(["commit", "send", "lose", "deliver", "silence", "reconnect"]), max_size=60))
def test_whatever_happens_nothing_is_forgotten_that_central_does_not_have(steps):
    """Central keeps a set and receipts its contiguous prefix; batches may be lost; the window must never run ahead of it."""
    sender = window(live_gap=20)
    next_seq, now_s, stored = 1, 0.0, set()
    for step in [*steps, "reconnect", *["deliver"] * 40]:
        now_s += 1.0
        if step == "commit":
            next_seq += 8
        elif step == "silence":
            now_s += 20.0
        elif step == "reconnect":
            sender.reconnected("epoch", sender.oldest, next_seq, now_s)
        else:
            plan = sender.plan(next_seq, now_s)
            if isinstance(plan, Send):
                last = min(plan.from_seq + 9, plan.until_seq - 1)
                sender.sent(plan.from_seq, last, now_s)
                if step != "lose":
                    stored |= set(range(plan.from_seq, last + 1))
            if step == "deliver":
                prefix = 0
                while prefix + 1 in stored:
                    prefix += 1
                sender.receipted(prefix, now_s)
        assert set(range(1, sender.oldest)) <= stored
    assert stored == set(range(1, next_seq)), "a quiet end delivers everything"
