import pytest

from contract import topics


def test_topics_are_written_as_the_design_says():
    assert topics.up("gw-1", topics.Up.TELEMETRY) == "kumagaya/v1/gw-1/up/telemetry"
    assert topics.down("gw-1", topics.Down.RECEIPT) == "kumagaya/v1/gw-1/down/receipt"
    assert topics.presence("gw-1") == "kumagaya/v1/gw-1/presence"


@pytest.mark.parametrize(
    ("topic", "parsed"),
    [
        ("kumagaya/v1/gw-1/up/telemetry", ("gw-1", "up/telemetry")),
        ("kumagaya/v1/gw-1/presence", ("gw-1", "presence")),
        ("kumagaya/v2/gw-1/presence", None),
        ("kumagaya/v1//presence", None),
        ("kumagaya/v1/gw-1", None),
        ("kumagaya/v1/GW 1/up/telemetry", None),
        ("kumagaya/v1/" + "g" * 33 + "/presence", None),
        ("", None),
    ],
)
def test_a_foreign_topic_is_none(topic, parsed):
    assert topics.parse(topic) == parsed
