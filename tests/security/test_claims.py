"""The claim service as devices and attackers meet it: over HTTPS, with the fleet's own process behind it."""

import base64
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import closing, suppress

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from central.fleet import authority as authorities
from central.fleet.authority import DAY_MS
from central.fleet.broker_log import watch
from contract.errors import UserError
from contract.provisioning import (
    CLAIM_PATH,
    RENEW_PATH,
    ClaimRequest,
    Issued,
    Refused,
    RenewalRequest,
    certificate_topic,
    decode_answer,
    encode,
    renew_topic,
    renewal_to_sign,
)
from edge.provision import keys, provisioning, renewal
from edge.provision.https import PinnedCentral
from edge.provision.identity import IdentityFolder
from tests.processes import free_port, wait_for_port
from tests.security.wiring import ROOT, Link, eventually, now_ms


@pytest.fixture
def invite(server):
    return server.service.office.invite


@pytest.fixture
def device(tmp_path):
    return IdentityFolder(tmp_path / "identity")


@pytest.fixture
def post(server):
    """A raw POST, as anybody can make one; (status, headers, body)."""

    def send(path, body, source="127.0.0.1"):
        context = ssl.create_default_context(cadata=server.service.office.authority.root_pem)
        port = server.service.office.config.listen_port
        with closing(
            http.client.HTTPSConnection("127.0.0.1", port, context=context, source_address=(source, 0), timeout=10.0)
        ) as connection:
            connection.request("POST", path, body)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()

    return send


def claim_body(gateway, code, csr=None):
    return encode(ClaimRequest(1, gateway, code, csr or keys.signing_request(gateway, keys.new_key())))


def claim(device, ticket, when=now_ms, **more):
    central = PinnedCentral(ticket.url, ticket.pin, when)
    return provisioning.claim(device, ticket.gateway, ticket, central, when(), **more)


class TestAClaim:
    def test_from_the_ticket_to_a_connection_that_works(self, fleet, invite, device, links):
        done = claim(device, invite("claimed-01"))
        link = links(fleet, done.identity, subscribe=["kumagaya/v1/claimed-01/down/#"])
        assert link.accepted
        link.publish("kumagaya/v1/claimed-01/up/hello", b"{}")
        assert "Denied PUBLISH from claimed-01" not in fleet.log()

    def test_with_a_clock_that_stands_at_1970(self, invite, device):
        assert not isinstance(claim(device, invite("claimed-02"), when=lambda: 0), Refused)

    def test_with_a_clock_beyond_centrals_certificate_says_so(self, invite, device):
        with pytest.raises(UserError, match="central's certificate ran out"):
            claim(device, invite("claimed-03"), when=lambda: now_ms() + 100 * DAY_MS)

    def test_ends_the_device_whose_place_it_takes_live(self, fleet, invite, device, tmp_path, links):
        old = links(fleet, claim(device, invite("claimed-04")).identity)
        assert old.accepted
        claim(IdentityFolder(tmp_path / "second"), invite("claimed-04", replace=True))
        eventually(lambda: old.drops)
        again = Link(fleet, device.current(), connect=False)
        try:
            again.client.connect("127.0.0.1", fleet.port)
            again.client.loop_start()
            eventually(lambda: again.reasons or again.drops)
        except ssl.SSLError:
            pass
        assert not again.accepted
        again.close()


class TestAnImpostorOfCentral:
    """Somebody answers at central's address. The code must not reach him."""

    @pytest.fixture
    def impostor(self, tmp_path):
        """Shows any certificate and any root it likes, and remembers all that is said to it."""

        class Impostor:
            def __init__(self):
                self.heard, self.root_pem = b"", ""
                self._listener = socket.create_server(("127.0.0.1", 0))
                self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
                self.authority = authorities.create(tmp_path / "impostor", now_ms())
                key = keys.new_key()
                made = self.authority.server_certificate(["127.0.0.1"], key.public_key(), now_ms(), DAY_MS)
                path = tmp_path / "impostor.pem"
                path.write_bytes(self.authority.chain_pem(made).encode() + keys.key_pem(key))
                self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._context.load_cert_chain(path)
                self._thread = threading.Thread(target=self._serve, daemon=True)
                self._thread.start()

            def _serve(self):
                while True:
                    try:
                        raw, _ = self._listener.accept()
                    except OSError:
                        return
                    try:
                        with self._context.wrap_socket(raw, server_side=True) as talking:
                            self.heard += talking.recv(65_536)
                            body = self.root_pem.encode()
                            talking.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                    except OSError:
                        pass

            def close(self):
                # A thread in accept() does not notice a close alone.
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
                self._thread.join(5.0)

        one = Impostor()
        yield one
        one.close()

    def test_with_a_root_of_his_own_is_found_out_by_the_pin(self, invite, device, impostor):
        impostor.root_pem = impostor.authority.root_pem
        ticket = msgspec.structs.replace(invite("spied-01"), url=impostor.url)
        with pytest.raises(UserError, match="somebody may be in between"):
            claim(device, ticket)
        assert ticket.code.encode() not in impostor.heard
        assert b"POST" not in impostor.heard

    def test_who_shows_the_true_root_cannot_finish_the_handshake(self, fleet, invite, device, impostor):
        impostor.root_pem = fleet.office.authority.root_pem
        ticket = msgspec.structs.replace(invite("spied-02"), url=impostor.url)
        with pytest.raises(UserError, match="central's certificate is refused"):
            claim(device, ticket)
        assert ticket.code.encode() not in impostor.heard

    def test_who_talks_rubbish_is_no_claim_service(self, invite, device, impostor):
        impostor.root_pem = "hello"
        ticket = msgspec.structs.replace(invite("spied-03"), url=impostor.url)
        with pytest.raises(UserError, match="no claim service"):
            claim(device, ticket)

    def test_nobody_there_is_one_clear_line(self, invite, device):
        ticket = msgspec.structs.replace(invite("spied-04"), url=f"https://127.0.0.1:{free_port()}")
        with pytest.raises(UserError, match="cannot be reached"):
            claim(device, ticket)


class TestRefusals:
    """From addresses of their own: each test has its ten attempts."""

    def test_a_used_code_a_foreign_code_and_a_wrong_one_are_told_apart(self, invite, post):
        mine, other = invite("asked-01"), invite("asked-02")
        send = lambda gateway, code: post(CLAIM_PATH, claim_body(gateway, code), "127.0.1.1")  # noqa: E731
        assert send("asked-01", mine.code)[0] == 200
        for gateway, code, reason in (
            ("asked-01", mine.code, "claim_code_used"),
            ("asked-01", other.code, "claim_code_other_gateway"),
            ("asked-01", "0" * 26, "claim_code_unknown"),
            ("../../x", "0" * 26, "gateway_id_malformed"),
        ):
            status, headers, body = send(gateway, code)
            problem = json.loads(body)
            assert (status, problem["reason"]) == (403, reason)
            assert headers["content-type"] == "application/problem+json"
            assert problem["type"] == f"/problems/{reason.replace('_', '-')}"
            assert decode_answer(body).reason == reason
        assert send("asked-02", other.code)[0] == 200, "the code of the other is still good"

    @pytest.mark.parametrize(
        ("body", "status", "reason"),
        [
            (b"", 400, "malformed"),
            (b"[]", 400, "malformed"),
            (b"\xff" * 100, 400, "malformed"),
            (b'{"v":7}', 400, "unsupported_version"),
            (b'{"v":1,"gateway":1}', 400, "malformed"),
            (b" " * 200_000, 413, "too_large"),
        ],
    )
    @pytest.mark.parametrize("path", [CLAIM_PATH, RENEW_PATH])
    def test_rubbish(self, post, path, body, status, reason):
        source = f"127.0.2.{(len(body) * 7 + len(path)) % 250 + 1}"
        answer = post(path, body, source)
        assert (answer[0], json.loads(answer[2])["reason"]) == (status, reason)

    def test_codes_cannot_be_searched_and_the_search_hinders_nobody_else(self, server, invite, post):
        ticket = invite("sought")
        statuses = [post(CLAIM_PATH, claim_body("sought", f"{guess:026d}"), "127.0.3.1")[0] for guess in range(40)]
        assert statuses == [403] * 10 + [429] * 30
        status, headers, body = post(CLAIM_PATH, claim_body("sought", ticket.code), "127.0.3.1")
        assert status == 429, "not even with the right one, from there"
        assert 1 <= int(headers["retry-after"]) <= 10
        assert decode_answer(body).retry_after_s == int(headers["retry-after"])
        server.service.tend()
        with server.service.office.registry.view() as view:
            counts = {(one.gateway, one.reason): one.count for one in view.refusals()}
        assert counts["sought", "claim_code_unknown"] == 10
        assert counts["", "too_many_attempts"] >= 31
        assert post(CLAIM_PATH, claim_body("sought", ticket.code), "127.0.3.2")[0] == 200

    def test_no_log_ever_holds_a_code_or_a_key(self, invite, post, capsys):
        ticket = invite("quiet")
        post(CLAIM_PATH, claim_body("other-name", ticket.code), "127.0.4.1")
        post(CLAIM_PATH, b'{"v":1,"gateway":"quiet","csr_pem":[],"code":"%s"}' % ticket.code.encode(), "127.0.4.1")
        post(CLAIM_PATH, claim_body("quiet", ticket.code), "127.0.4.1")
        said = "".join(capsys.readouterr())
        assert "claim_code_other_gateway" in said
        assert ticket.code not in said
        assert "PRIVATE" not in said

    def test_nothing_else_is_served(self, server, post):
        assert post("/openapi.json", b"", "127.0.4.2")[0] == 404
        assert post("/v1/stations", b"", "127.0.4.2")[0] == 404


def renewal_of(fleet, name, key_of=None, gateway=None):
    """A renewal by the files of a gateway; signed by another's key with `key_of`."""
    identity = fleet.identity(name)
    gateway = gateway or name
    csr = keys.signing_request(gateway, keys.new_key())
    signer = keys.load_key(fleet.identity(key_of or name).key)
    proof = base64.b64encode(signer.sign(renewal_to_sign(gateway, csr), ec.ECDSA(hashes.SHA256()))).decode()
    return encode(RenewalRequest(1, gateway, csr, identity.certificate.read_text(), proof))


class TestARenewal:
    def test_over_the_gateways_own_link_and_the_new_certificate_works(self, fleet, server, invite, device, links):
        identity = claim(device, invite("renewing")).identity
        link = links(fleet, identity, subscribe=[certificate_topic("renewing")])
        link.publish(renew_topic("renewing"), renewal.request(device, identity))
        eventually(lambda: link.messages)
        topic, payload = link.messages[0]
        assert topic == certificate_topic("renewing")
        before = identity.certificate.read_text()
        assert not isinstance(renewal.take(device, identity, payload, now_ms()), Refused)
        assert device.current().certificate.read_text() != before
        assert links(fleet, device.current()).accepted

    def test_for_another_gateway_is_refused_on_ones_own_topic(self, fleet, server, links):
        fleet.identity("victim")
        sly = links(fleet, fleet.identity("sly-renewer"), subscribe=[certificate_topic("sly-renewer")])
        sly.publish(renew_topic("sly-renewer"), renewal_of(fleet, "victim", key_of="sly-renewer"))
        eventually(lambda: sly.messages)
        assert decode_answer(sly.messages[0][1]).reason == "certificate_unknown"

    def test_on_another_gateways_topic_does_not_even_arrive(self, fleet, server, links):
        fleet.identity("victim")
        victim = links(fleet, fleet.identity("victim"), subscribe=[certificate_topic("victim")])
        sly = links(fleet, fleet.identity("sly-renewer"))
        sly.publish(renew_topic("victim"), renewal_of(fleet, "victim", key_of="sly-renewer"))
        victim.publish(renew_topic("victim"), renewal_of(fleet, "victim"))
        eventually(lambda: victim.messages)
        assert isinstance(decode_answer(victim.messages[0][1]), Issued)
        assert len(victim.messages) == 1

    def test_with_another_key_is_refused(self, fleet, post):
        fleet.identity("victim")
        fleet.identity("sly-renewer")
        status, _, body = post(RENEW_PATH, renewal_of(fleet, "victim", key_of="sly-renewer"), "127.0.5.1")
        assert (status, decode_answer(body).reason) == (403, "proof_invalid")

    def test_asked_a_hundred_times_with_rubbish_only_the_asker_waits(self, fleet, server, links):
        fleet.identity("patient")
        noisy = links(fleet, fleet.identity("noisy"), subscribe=[certificate_topic("noisy")])
        for _ in range(100):
            noisy.client.publish(renew_topic("noisy"), b"rubbish", qos=1)
        eventually(lambda: len(noisy.messages) == 100)
        reasons = [decode_answer(payload).reason for _, payload in noisy.messages]
        assert reasons.count("too_many_attempts") == 90
        patient = links(fleet, fleet.identity("patient"), subscribe=[certificate_topic("patient")])
        patient.publish(renew_topic("patient"), renewal_of(fleet, "patient"))
        eventually(lambda: patient.messages)
        assert isinstance(decode_answer(patient.messages[0][1]), Issued)

    def test_by_https_when_the_certificate_has_run_out(self, fleet, server, device, invite, monkeypatch):
        """As a device does that was in store: its own certificate opens no link any more."""
        office = server.service.office
        ticket = invite("stored-away")
        with monkeypatch.context() as patched:
            patched.setattr(office, "now_ms", lambda: now_ms() - 60 * DAY_MS)
            ticket = invite("stored-away")
            pending = device.ask("stored-away", "claim x")
            issued = office.claim(ClaimRequest(1, "stored-away", ticket.code, pending.csr_pem))
            identity = device.install(issued, pending, "stored-away", ticket.pin, now_ms() - 60 * DAY_MS)
        assert renewal.expired(identity, now_ms())
        central = PinnedCentral(office.config.claim_url, identity.pin, now_ms)
        renewed = renewal.renew_if_due(device, now_ms(), lambda body: central.post(RENEW_PATH, body))
        assert not isinstance(renewed, Refused)
        assert not renewal.expired(renewed, now_ms())
        link = Link(fleet, renewed)
        assert link.accepted
        link.close()


def test_what_the_broker_refused_is_counted_from_its_log(fleet, server, links):
    fleet.identity("prober")
    prober = links(fleet, fleet.identity("prober"), subscribe=["kumagaya/v1/+/down/#"])
    for _ in range(3):
        prober.publish("kumagaya/v1/somebody/up/telemetry", b"x")
    prober.client.publish("kumagaya/v1/prober/up/telemetry", b"x" * 400_000, qos=1)
    eventually(lambda: prober.drops)
    context = ssl.create_default_context(cafile=fleet.folder / "broker" / "authority.pem")
    # Under TLS 1.3 the refusal comes after our half of the handshake: with the first read, or as a reset.
    with suppress(OSError), socket.create_connection(("127.0.0.1", fleet.port)) as raw:
        context.wrap_socket(raw, server_hostname="127.0.0.1").recv(1)
    eventually(lambda: "peer did not return a certificate" in fleet.log())
    eventually(lambda: fleet.log().count("Denied PUBLISH from prober") == 3)
    passed = []
    watch(fleet.log().splitlines(keepends=True), server.service.office.registry, now_ms, passed.append)
    with server.service.office.registry.view() as view:
        counts = {(one.gateway, one.reason): one.count for one in view.refusals()}
    assert counts["prober", "topic_denied"] == 3
    assert counts["prober", "subscription_denied"] == 1
    assert counts["prober", "packet_refused"] == 1
    assert counts["", "tls_refused"] >= 1
    assert "Sending PUBACK" in fleet.log()
    assert not any("Sending PUBACK" in line for line in passed)


@pytest.mark.system
class TestTheProcess:
    @pytest.fixture
    def city(self, tmp_path):
        port = free_port()
        path = tmp_path / "central.toml"
        path.write_text(
            f'data_dir = "."\n[fleet]\nclaim_url = "https://127.0.0.1:{port}"\nlisten_port = {port}\nbroker_port = {free_port()}\n'
        )
        return path, port

    def run(self, path, *words):
        command = [sys.executable, "-m", "kumagaya", "central", "fleet", *words, "--config", str(path)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)

    def test_serves_without_a_broker_and_stops_at_a_signal(self, city):
        path, port = city
        assert self.run(path, "init").wait(60.0) == 0
        child = self.run(path, "serve")
        try:
            wait_for_port(port, 60.0)
            child.terminate()
            said = child.communicate(timeout=15.0)[1]
        finally:
            child.kill()
        assert child.returncode == 0, said
        assert "claims are taken" in said

    def test_a_port_in_use_is_one_line(self, city):
        path, port = city
        assert self.run(path, "init").wait(60.0) == 0
        with socket.create_server(("127.0.0.1", port)):
            child = self.run(path, "serve")
            said = child.communicate(timeout=60.0)[1]
        assert child.returncode == 2
        assert said.startswith("kumagaya central: fleet.listen_host 127.0.0.1")
        assert len(said.splitlines()) == 1
