"""The renewal beside the agent's other tasks: asks when due, by the way that is open, and never falls over."""

import asyncio

import pytest

from contract.errors import UserError
from contract.provisioning import RENEW_PATH, RefusalReason, Refused, encode, renew_topic
from edge.provision import agent, provisioning
from edge.provision.identity import IdentityFolder
from tests.edge.provision.central import DAY_MS, NOW_MS, Central


class Agent:
    """Runs a Renewer for a moment; `said` is what went over the link, `posted` what went over HTTPS."""

    def __init__(self, folder, central, now_ms, *, link=True, https=True):
        self.central, self.link, self.https = central, link, https
        self.said, self.posted, self.renewed, self.pauses = [], [], [], []
        self.now_ms = now_ms
        self.renewer = agent.Renewer(
            folder, lambda: self.now_ms, self.say, self.renewed.append, self.uniform, self.post, look_every_s=0.005
        )

    def uniform(self, low, high):
        self.pauses.append((low, high))
        return low / 1000.0

    async def say(self, topic, payload):
        if self.link:
            self.said.append((topic, payload))
        return self.link

    def post(self, identity, payload):
        self.posted.append(payload)
        if not self.https:
            raise UserError("central cannot be reached")
        self.central.now_ms = self.now_ms
        return self.central.post(RENEW_PATH, payload)

    def run(self, until=None):
        """Until the condition holds (at most ten seconds), or for a few looks."""

        async def live():
            task = asyncio.create_task(self.renewer.run())
            for _ in range(1000 if until else 5):
                await asyncio.sleep(0.01)
                if until and until():
                    break
            assert not task.done(), task
            task.cancel()

        asyncio.run(live())
        return self


@pytest.fixture
def central():
    return Central()


@pytest.fixture
def folder(tmp_path, central):
    folder = IdentityFolder(tmp_path / "identity")
    provisioning.claim(folder, "gw-01", central.ticket(), central, NOW_MS)
    return folder


def test_is_silent_while_nothing_is_due(folder, central):
    one = Agent(folder, central, NOW_MS + 19 * DAY_MS).run()
    assert (one.said, one.posted) == ([], [])


def test_asks_over_the_link_and_takes_the_answer(folder, central):
    one = Agent(folder, central, NOW_MS + 21 * DAY_MS)
    one.run(until=lambda: one.said)
    topic, question = one.said[0]
    assert topic == renew_topic("gw-01")
    central.now_ms = one.now_ms
    one.renewer.take(central.post(RENEW_PATH, question))
    assert [identity.issued.not_before_ms for identity in one.renewed] == [one.now_ms]
    assert one.posted == []
    assert one.pauses[0] == (0.5, 1.5), "questions are spread"


def test_waits_for_the_link_when_there_is_none(folder, central):
    one = Agent(folder, central, NOW_MS + 21 * DAY_MS, link=False).run()
    assert (one.said, one.posted, one.pauses) == ([], [], [])


def test_asks_by_https_once_the_certificate_has_run_out(folder, central):
    one = Agent(folder, central, NOW_MS + 40 * DAY_MS)
    one.run(until=lambda: one.renewed)
    assert len(one.posted) == 1, "renewed with the first answer"
    assert one.said == []
    assert folder.current().issued.not_after_ms == NOW_MS + 70 * DAY_MS


def test_goes_on_when_central_cannot_be_reached(folder, central):
    one = Agent(folder, central, NOW_MS + 40 * DAY_MS, https=False)
    one.run(until=lambda: len(one.posted) == 2)
    assert one.renewed == []
    one.https = True
    one.run(until=lambda: one.renewed)
    assert one.renewed


def test_says_when_it_is_refused_and_keeps_what_it_has(folder, central, capsys):
    one = Agent(folder, central, NOW_MS + 21 * DAY_MS)
    before = folder.current()
    one.run(until=lambda: one.said)
    one.renewer.take(encode(Refused(1, RefusalReason.GATEWAY_REVOKED, "revoked")))
    one.renewer.take(b"rubbish")
    assert folder.current() == before
    assert "gateway_revoked" in "".join(capsys.readouterr())
    assert one.renewed == []


def test_goes_on_with_a_damaged_identity(folder, central):
    (folder.path / "current" / "issued.json").write_text("{")
    one = Agent(folder, central, NOW_MS + 21 * DAY_MS).run()
    one.renewer.take(b"x")
    assert one.said == []


def test_without_an_identity_it_has_nothing_to_do(tmp_path, central):
    assert Agent(IdentityFolder(tmp_path / "none"), central, NOW_MS).run().said == []
