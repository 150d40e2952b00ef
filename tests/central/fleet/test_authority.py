"""The authority's files, the lists it makes, and the broker's files made from the registry."""

import pytest
from cryptography import x509

from central.fleet import authority as authorities
from central.fleet import broker_files
from central.fleet.broker_log import BrokerRefusal, noise, seen, watch
from central.fleet.limits import RefusalLimit, source_of
from central.fleet.registry import Gateway, Registry, Status
from contract.errors import UserError

NOW_MS = 1_780_000_000_000


@pytest.fixture
def authority(tmp_path):
    return authorities.create(tmp_path / "a", NOW_MS)


class TestTheAuthority:
    def test_keeps_its_keys_for_its_owner_alone(self, authority, tmp_path):
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a").glob("*.key")} == {0o600}
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700

    def test_is_never_overwritten(self, authority, tmp_path):
        with pytest.raises(UserError, match="never overwritten"):
            authorities.create(tmp_path / "a", NOW_MS)

    def test_signs_without_the_roots_key(self, authority, tmp_path):
        (tmp_path / "a" / "root.key").unlink()
        again = authorities.load(tmp_path / "a")
        made = again.gateway_certificate("gw", authorities.new_key().public_key(), NOW_MS, authorities.DAY_MS)
        assert again.signed(made)
        assert again.pin == authority.pin

    def test_refuses_a_key_that_others_may_read(self, authority, tmp_path):
        (tmp_path / "a" / "issuer.key").chmod(0o644)
        with pytest.raises(UserError, match="others may read this key"):
            authorities.load(tmp_path / "a")

    @pytest.mark.parametrize(("file", "word"), [("issuer.key", "no private key"), ("root.pem", "no certificate")])
    def test_says_which_file_is_broken(self, authority, tmp_path, file, word):
        (tmp_path / "a" / file).write_text("broken")
        with pytest.raises(UserError, match=word) as error:
            authorities.load(tmp_path / "a")
        assert file in str(error.value)

    def test_without_an_authority_says_how_to_make_one(self, tmp_path):
        with pytest.raises(UserError, match="fleet init"):
            authorities.load(tmp_path / "nothing")

    def test_no_leaf_outlives_the_issuer(self, authority):
        late_ms = NOW_MS + (5 * 365 - 3) * authorities.DAY_MS
        made = authority.gateway_certificate("gw", authorities.new_key().public_key(), late_ms, 30 * authorities.DAY_MS)
        assert made.not_valid_after_utc == authority.issuer.not_valid_after_utc

    def test_an_issuer_that_ran_out_signs_nothing_until_it_is_renewed_with_the_roots_key(self, authority, tmp_path):
        late_ms = NOW_MS + 6 * 365 * authorities.DAY_MS
        key = authorities.new_key().public_key()
        old = authority.gateway_certificate("gw", key, NOW_MS, authorities.DAY_MS)
        with pytest.raises(UserError, match="renew-issuer"):
            authority.gateway_certificate("gw", key, late_ms, authorities.DAY_MS)
        renewed = authorities.renew_issuer(tmp_path / "a", tmp_path / "a" / "root.key", late_ms)
        assert renewed.signed(renewed.gateway_certificate("gw", key, late_ms, authorities.DAY_MS))
        assert renewed.signed(old), "the same key: what it signed stays good"

    def test_the_issuer_is_not_renewed_with_another_root(self, authority, tmp_path):
        authorities.create(tmp_path / "b", NOW_MS)
        with pytest.raises(UserError, match="not the key of this root"):
            authorities.renew_issuer(tmp_path / "a", tmp_path / "b" / "root.key", NOW_MS)

    def test_lists_what_is_revoked(self, authority):
        crl = x509.load_pem_x509_crl(authority.revocation_list([(7, NOW_MS), (9, NOW_MS)], 3, NOW_MS))
        assert sorted(one.serial_number for one in crl) == [7, 9]
        assert crl.is_signature_valid(authority.issuer.public_key())
        assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3


class TestTheBrokersFiles:
    def test_only_active_gateways_have_a_door_each_its_own(self):
        text = broker_files.acl(
            [
                Gateway("gw-a", "", Status.ACTIVE, 1),
                Gateway("gw-i", "", Status.INVITED, 1),
                Gateway("gw-r", "", Status.REVOKED, 1),
            ]
        )
        assert (
            "user gw-a\ntopic write kumagaya/v1/gw-a/up/#\ntopic write kumagaya/v1/gw-a/presence\ntopic read kumagaya/v1/gw-a/down/#\n"
            in text
        )
        assert "gw-i" not in text
        assert "gw-r" not in text

    def test_no_role_of_central_can_be_a_gateways_name(self, office):
        assert all(office.invite(role).reason == "gateway_id_malformed" for role in broker_files.ROLES)

    def test_servers_are_renewed_in_time_and_when_their_name_changes(self, authority, tmp_path):
        folder = tmp_path

        def renew(hosts, day):
            return broker_files.renew_server(folder, authority, hosts, NOW_MS + day * authorities.DAY_MS)

        assert renew(["127.0.0.1"], 0)
        assert not renew(["127.0.0.1"], 30)
        assert renew(["127.0.0.1"], 61)
        assert renew(["127.0.0.1", "broker.example"], 61)
        assert (folder / "server.key").stat().st_mode & 0o777 == 0o600

    def test_lists_are_numbered_upwards(self, authority, tmp_path):
        registry = Registry(tmp_path / "fleet.db")
        for expected in (1, 2, 3):
            broker_files.write_lists(tmp_path, authority, registry, NOW_MS, None)
            crl = x509.load_pem_x509_crl((tmp_path / "revoked.pem").read_bytes())
            assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == expected

    def test_an_unknown_group_is_named(self, authority, tmp_path):
        with pytest.raises(UserError, match="no group 'nobody-such'"):
            broker_files.write_lists(tmp_path, authority, Registry(tmp_path / "fleet.db"), NOW_MS, "nobody-such")


LOG = """\
2026-11-21T10:00:00: New connection from 127.0.0.1:41791 on port 18883.
2026-11-21T10:00:00: New client connected from 127.0.0.1:41791 as gw-2 (p2, c1, k60, u'gw-2').
2026-11-21T10:00:00: No will message specified.
2026-11-21T10:00:00: Received SUBSCRIBE from gw-2
2026-11-21T10:00:00: \t# (QoS 1)
2026-11-21T10:00:00: gw-2 1 #
2026-11-21T10:00:00: gw-2 1 kumagaya/v1/gw-2/down/receipt
2026-11-21T10:00:00: central.ingest 1 kumagaya/v1/+/up/+
2026-11-21T10:00:00: Denied PUBLISH from gw-2 (d0, q1, r0, m4, 'kumagaya/v1/gw-1/up/t', ... (6 bytes))
2026-11-21T10:00:00: Denied PUBLISH from gw-2 (d0, q1, r0, m5, 'it's, odd', ... (6 bytes))
2026-11-21T10:00:00: OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed
2026-11-21T10:00:00: Client connection from 192.0.2.9 failed: error:0A0000C7:SSL routines::peer did not return a certificate.
2026-11-21T10:00:00: Client connection from 192.0.2.9 failed: error:0A000126:SSL routines::unexpected eof while reading.
2026-11-21T10:00:00: Sending PUBACK to gw-2 (m4, rc135)
2026-11-21T10:00:00: Client huge disconnected due to oversize packet.
"""


class TestTheBrokersLog:
    def test_tells_who_was_refused_what(self):
        found = [what for line in LOG.splitlines() if (what := seen(line))]
        assert [(what.refusal, what.name) for what in found] == [
            (BrokerRefusal.SUBSCRIPTION_DENIED, "gw-2"),
            (BrokerRefusal.TOPIC_DENIED, "gw-2"),
            (BrokerRefusal.TOPIC_DENIED, "gw-2"),
            (BrokerRefusal.TLS_REFUSED, ""),
            (BrokerRefusal.TLS_REFUSED, ""),
            (BrokerRefusal.PACKET_REFUSED, "huge"),
        ]
        assert found[1].detail == "kumagaya/v1/gw-1/up/t"

    def test_is_thinned_and_counted(self, tmp_path):
        registry, passed = Registry(tmp_path / "fleet.db"), []
        with registry.change() as change:
            change.put_gateway(Gateway("gw-2", "", Status.ACTIVE, 1))
        watch(LOG.splitlines(keepends=True), registry, lambda: NOW_MS, passed.append)
        assert not any(noise(line) for line in passed)
        assert any("New client connected" in line for line in passed)
        with registry.view() as view:
            counts = {(one.gateway, one.reason): one.count for one in view.refusals()}
        assert counts == {
            ("gw-2", "topic_denied"): 2,
            ("gw-2", "subscription_denied"): 1,
            ("", "tls_refused"): 2,
            ("", "packet_refused"): 1,
        }


class TestTheLimit:
    def test_ten_refusals_and_then_one_every_ten_seconds(self):
        limit = RefusalLimit(burst=10, refill_s=10.0)
        for _ in range(10):
            assert limit.wait_s("a", 0.0) == 0.0
            limit.refused("a", 0.0)
        assert limit.wait_s("a", 0.0) == pytest.approx(10.0)
        assert limit.wait_s("a", 10.0) == 0.0

    def test_others_do_not_wait(self):
        limit = RefusalLimit()
        for _ in range(100):
            limit.refused("a", 0.0)
        assert limit.wait_s("b", 0.0) == 0.0

    def test_memory_is_bounded(self):
        limit = RefusalLimit()
        for number in range(20_000):
            limit.refused(str(number), 0.0)
        assert len(limit._spent) == 10_000

    @pytest.mark.parametrize(
        ("address", "source"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("x", "unknown"),
        ],
    )
    def test_a_source_is_an_address_or_a_household(self, address, source):
        assert source_of(address) == source


def test_a_registry_of_another_version_is_not_touched(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "fleet.db") as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(UserError, match="version 9"):
        Registry(tmp_path / "fleet.db")
