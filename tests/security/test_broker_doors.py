"""Who is let in to a real mosquitto over TLS, what each may do there, and that nobody else is disturbed by those who try more."""

import json
import socket
import ssl
import time

import pytest

from central.fleet import authority as authorities
from central.fleet import broker_files
from contract import topics
from contract.messages import BATCH_BYTES_MAX, encode
from edge.provision import keys
from tests.central.store.making import batch, readings
from tests.security.wiring import Gateway, Link, eventually, now_ms


def goes_through(gateway, central, up_to):
    """Readings 1 .. up_to of a gateway are stored and receipted: everything works for it."""
    gateway.send(batch(*readings(1, up_to)))
    eventually(lambda: gateway.up_to() >= up_to)
    assert central.stored(gateway.name) == up_to
    return True


def refused_in_the_handshake(fleet, identity):
    """Under TLS 1.3 a client hears of it at its first read, after its own handshake is done."""
    link = Link(fleet, identity, connect=False)
    try:
        try:
            link.client.connect("127.0.0.1", fleet.port)
        except (ssl.SSLError, OSError):
            return True
        link.client.loop_start()
        eventually(lambda: link.reasons or link.drops)
        return not link.accepted
    finally:
        link.close()


class TestWhoComesIn:
    def test_a_claimed_gateway_does_and_its_readings_are_stored_and_receipted(self, gateway, central):
        assert goes_through(gateway, central, 5)

    def test_without_a_certificate_nobody_does(self, fleet, gateway, central):
        assert refused_in_the_handshake(fleet, None)
        assert "peer did not return a certificate" in fleet.log()
        assert goes_through(gateway, central, 3)

    def test_a_certificate_of_a_foreign_authority_is_worth_nothing(self, fleet, gateway, central, tmp_path):
        foreign = authorities.create(tmp_path / "foreign", now_ms())
        key = keys.new_key()
        made = foreign.gateway_certificate(gateway.name, key.public_key(), now_ms(), authorities.DAY_MS)
        assert refused_in_the_handshake(fleet, fleet.forged("foreign", made, key, foreign))
        assert "certificate verify failed" in fleet.log()
        assert goes_through(gateway, central, 3)

    def test_an_expired_certificate_is_refused(self, fleet, gateway, central):
        assert refused_in_the_handshake(fleet, fleet.expired("late"))
        assert goes_through(gateway, central, 3)

    def test_a_server_certificate_is_not_a_client(self, fleet):
        key = keys.new_key()
        made = fleet.office.authority.server_certificate(
            ["good-server"], key.public_key(), now_ms(), authorities.DAY_MS
        )
        assert refused_in_the_handshake(fleet, fleet.forged("server", made, key))

    def test_plain_mqtt_is_not_spoken_here(self, fleet):
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        answers = []
        client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.on_connect = lambda c, u, f, reason, p: answers.append(reason)
        client.on_disconnect = lambda c, u, f, reason, p: answers.append("dropped")
        client.connect("127.0.0.1", fleet.port)
        client.loop_start()
        eventually(lambda: answers)
        client.loop_stop()
        assert answers[0] == "dropped"

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_an_old_tls_is_not_spoken_here(self, fleet):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", fleet.port)) as raw:
            context.wrap_socket(raw)


def test_the_brokers_own_certificate_is_renewed_without_a_restart(fleet, gateway, central):
    def shown():
        context = ssl.create_default_context(cafile=fleet.folder / "broker" / "authority.pem")
        identity = fleet.identity(gateway.name)
        context.load_cert_chain(identity.certificate, identity.key)
        with (
            socket.create_connection(("127.0.0.1", fleet.port)) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as talking,
        ):
            return talking.getpeercert()["serialNumber"]

    before = shown()
    later_ms = now_ms() + 1000
    assert broker_files.renew_server(
        fleet.folder / "broker", fleet.office.authority, ["127.0.0.1", "localhost"], later_ms
    )
    assert fleet.service.apply() is None
    eventually(lambda: shown() != before)
    assert goes_through(gateway, central, 2)
    assert not gateway.drops


class TestRevocation:
    def test_it_takes_effect_on_the_live_connection_and_on_every_later_one(self, fleet, gateway, central):
        thief = Gateway(fleet, "stolen")
        try:
            assert goes_through(thief, central, 3)
            began_s = time.monotonic()
            gone, problem = fleet.service.revoke("stolen", "device was stolen")
            assert problem is None
            assert gone.status == "revoked"
            eventually(lambda: thief.drops, timeout_s=5.0)
            took_ms = 1000 * (time.monotonic() - began_s)
            print(f"live connection ended after {took_ms:.0f} ms")
            assert took_ms < 3000
            assert refused_in_the_handshake(fleet, fleet.identity("stolen"))
            assert goes_through(gateway, central, 3), "nobody else was disconnected"
            assert not gateway.drops
        finally:
            thief.close()

    def test_from_the_reload_on_its_publishes_are_denied_even_before_the_connection_ends(self, fleet, central):
        thief = Gateway(fleet, "stolen-too")
        try:
            assert goes_through(thief, central, 2)
            fleet.office.revoke("stolen-too", "")
            reloads = fleet.log().count("Reloading config")
            assert fleet.service.apply() is None
            eventually(lambda: fleet.log().count("Reloading config") > reloads)
            thief.send(batch(*readings(3, 4)))
            assert thief.client.is_connected(), "reading the lists again alone leaves the connection open"
            eventually(lambda: "Denied PUBLISH from stolen-too" in fleet.log())
            assert central.stored("stolen-too") == 2
        finally:
            thief.close()

    def test_a_revoked_gateway_is_shown_as_offline(self, fleet, central):
        thief = Gateway(fleet, "stolen-third")
        from contract.messages import Presence

        try:
            thief.publish(topics.presence("stolen-third"), encode(Presence(1, True, "boot-1", 1)))
            online = lambda: [one.online for one in central.store.gateways() if one.gateway == "stolen-third"]  # noqa: E731
            eventually(lambda: online() == [True])
            fleet.service.revoke("stolen-third", "")
            eventually(lambda: online() == [False])
        finally:
            thief.close()


class TestForeignTopics:
    @pytest.mark.parametrize(
        "topic",
        [
            "kumagaya/v1/{other}/up/telemetry",
            "kumagaya/v1/{other}/presence",
            "kumagaya/v1/{other}/down/receipt",
            "kumagaya/v1/{me}/down/receipt",
            "kumagaya/v1/{me}/down/desired",
            "kumagaya/v1/{me}x/up/telemetry",
            "kumagaya/v1/{me}",
            "$SYS/broker/uptime",
            "elsewhere",
        ],
    )
    def test_publishing_there_is_denied_and_logged(self, fleet, gateway, central, links, topic):
        sly = links(fleet, fleet.identity("sly"))
        place = topic.format(me="sly", other=gateway.name)
        before = central.stored(gateway.name)
        sly.publish(place, encode(batch(*readings(1, 2), epoch="forged")))
        eventually(lambda: "Denied PUBLISH from sly" in fleet.log() and place in fleet.log())
        assert central.stored(gateway.name) == before
        assert goes_through(gateway, central, 2)
        assert not [s for one in central.store.gateways() for s in one.streams if s.epoch == "forged"]

    @pytest.mark.parametrize(
        "pattern",
        ["#", "kumagaya/#", "kumagaya/v1/+/down/receipt", "kumagaya/v1/+/up/#", "kumagaya/v1/{other}/down/#", "$SYS/#"],
    )
    def test_listening_there_brings_nothing(self, fleet, gateway, central, links, pattern):
        spy = links(
            fleet, fleet.identity("spy"), subscribe=[pattern.format(other=gateway.name), "kumagaya/v1/spy/down/#"]
        )
        assert goes_through(gateway, central, 3)
        # Its own receipt arrives after everything that was sent before: by then anything else would have come too.
        spy.publish("kumagaya/v1/spy/up/telemetry", encode(batch(*readings(1, 1))))
        eventually(lambda: spy.messages)
        assert {topic for topic, _ in spy.messages} == {"kumagaya/v1/spy/down/receipt"}

    def test_a_will_on_another_gateways_presence_is_not_executed(self, fleet, gateway, central):
        from contract.messages import Presence

        gateway.publish(topics.presence(gateway.name), encode(Presence(1, True, "boot-1", 1)))
        online = lambda: [one.online for one in central.store.gateways() if one.gateway == gateway.name]  # noqa: E731
        eventually(lambda: online() == [True])
        liar = Link(fleet, fleet.identity("liar"), connect=False)
        liar.client.will_set(topics.presence(gateway.name), encode(Presence(1, False, "boot-1", 2)), 1, True)
        liar.client.connect("127.0.0.1", fleet.port)
        liar.client.loop_start()
        eventually(lambda: liar.accepted)
        liar.client._sock.close()
        liar.client.loop_stop()
        time.sleep(0.5)
        assert online() == [True]

    def test_nobody_can_throw_another_out_by_its_client_id(self, fleet, gateway, central, links):
        rude = links(fleet, fleet.identity("rude"), client_id=f"kumagaya-{gateway.name}")
        ruder = links(fleet, fleet.identity("ruder"), client_id=gateway.name)
        assert rude.accepted
        assert ruder.accepted
        assert goes_through(gateway, central, 3)
        assert not gateway.drops


class TestPayloads:
    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            (b"", "not_json"),
            (b"\xff\xfe\x00", "not_json"),
            (b"[" * 100_000, "malformed"),
            (b'{"v":1,"x":' + b"[" * 100_000, "not_json"),
            (b'{"v":1}', "malformed"),
            (b'{"v":99}', "unsupported_version"),
            (
                json.dumps({"v": 1, "epoch": "e", "oldest_seq": 1, "items": [{"kind": "bomb", "seq": 1}]}).encode(),
                "malformed",
            ),
            (b" " * (BATCH_BYTES_MAX + 1), "too_large"),
        ],
        ids=["empty", "no-text", "deep", "deeper", "half", "version", "unknown-kind", "large"],
    )
    def test_what_is_no_message_is_refused_counted_and_remembered(  # noqa: PLR0917 - fixtures
        self, fleet, gateway, central, links, payload, reason
    ):
        clumsy = links(fleet, fleet.identity("clumsy"))
        before = central.count("rejected_total", reason=reason)
        clumsy.publish("kumagaya/v1/clumsy/up/telemetry", payload)
        eventually(lambda: central.count("rejected_total", reason=reason) == before + 1)
        newest = central.store.rejects(1)[0]
        assert (newest.gateway, newest.reason) == ("clumsy", reason)
        assert goes_through(gateway, central, 2)

    def test_a_packet_beyond_every_batch_ends_its_connection_alone(self, fleet, gateway, central, links):
        huge = links(fleet, fleet.identity("huge"))
        huge.client.publish("kumagaya/v1/huge/up/telemetry", b"x" * (BATCH_BYTES_MAX + 65_536), qos=1)
        eventually(lambda: huge.drops)
        assert goes_through(gateway, central, 2)
        assert not gateway.drops

    def test_a_replayed_batch_is_stored_once_and_receipted_again(self, gateway, central):
        before = central.count("duplicates_total")
        for _ in range(3):
            gateway.send(batch(*readings(1, 10)))
        eventually(lambda: central.count("duplicates_total") == before + 20)
        assert central.stored(gateway.name) == 10
        assert gateway.up_to() == 10


class TestFlood:
    def test_one_gateway_floods_and_the_others_flow(self, fleet, gateway, central):
        """20,000 messages of rubbish and 2,000 small batches as fast as they go; meanwhile a reading a tenth second for two seconds."""
        flooder = Gateway(fleet, "flooder")
        before = central.count("rejected_total", reason="not_json")
        slowest_s = 0.0
        try:
            for number in range(20_000):
                flooder.client.publish("kumagaya/v1/flooder/up/telemetry", b"rubbish %d" % number, qos=1)
                if number % 10 == 0:
                    seq = number // 10 + 1
                    one = encode(batch(*readings(seq, seq)))
                    flooder.client.publish("kumagaya/v1/flooder/up/telemetry", one, qos=1)
            for seq in range(1, 21):
                began_s = time.monotonic()
                gateway.send(batch(*readings(seq, seq)))
                eventually(lambda seq=seq: gateway.up_to() >= seq)
                slowest_s = max(slowest_s, time.monotonic() - began_s)
                time.sleep(0.05)
            print(f"slowest receipt of the other gateway during the flood: {1000 * slowest_s:.0f} ms")
            assert central.stored(gateway.name) == 20
            assert slowest_s < 5.0, "well within the receipt timeout of an uplink"
            eventually(lambda: central.count("rejected_total", reason="not_json") == before + 20_000, 60.0)
            eventually(lambda: central.stored("flooder") == 2_000, 30.0)
            assert central.store.reject_counts()["flooder", "not_json"] >= 20_000
            assert not gateway.drops
        finally:
            flooder.close()

    def test_connections_beyond_the_limit_are_refused_and_the_rest_stays(self, fleet, gateway, central):
        idle = []
        try:
            idle.extend(socket.create_connection(("127.0.0.1", fleet.port), timeout=2.0) for _ in range(80))
            time.sleep(0.3)
            assert goes_through(gateway, central, 2)
        finally:
            for one in idle:
                one.close()
        eventually(lambda: _accepted(fleet))


def _accepted(fleet):
    link = Link(fleet, fleet.identity("after"), connect=False)
    try:
        link.client.connect("127.0.0.1", fleet.port)
        link.client.loop_start()
        deadline = time.monotonic() + 2.0
        while not (link.reasons or link.drops) and time.monotonic() < deadline:
            time.sleep(0.02)
        return link.accepted
    except OSError:
        return False
    finally:
        link.close()
