"""What the person beside the agent is told: by the running one, and from what lies on disk."""

import json
import stat
import time

import msgspec
import pytest

from contract.errors import UserError
from contract.messages import DeviceHealth, OutboxHealth
from contract.topics import Stream
from contract.twin import Refusal, TwinState
from edge import status
from edge.status import LineStatus, NoAnswer, NotRunning, Status, TwinStatus, UplinkStatus
from kumagaya.cli import main
from tests.edge.test_main import agent, broker, central, stations, wait_event, write_config
from tests.processes import free_port

__all__ = ["agent", "broker", "central", "stations"]

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
WELL = DeviceHealth("s1", 10, 10, 0, 0, 0, 0, 0.0, last_good_at_ms=NOW_MS - 500)
SILENT = DeviceHealth("s2", 10, 0, 10, 0, 0, 0, 8.0, last_error="timeout")


def made(**changes):
    whole = Status(
        v=1,
        at_ms=NOW_MS,
        pid=7,
        gateway="gw",
        software="kumagaya-edge",
        boot_id="boot",
        uptime_s=100.0,
        clock_synchronised=True,
        uplink=UplinkStatus(True, "broker:1883", 1, 5, 5, 0),
        outbox=[OutboxHealth(Stream.TELEMETRY, 1, 100, 0, NOW_MS - 1000, NOW_MS)],
        lines=[LineStatus("line-a", "/dev/a", 1.0, 10, 0, 0, [WELL])],
        twin=TwinStatus(TwinState.LOCAL, 0, None, ""),
    )
    return msgspec.structs.replace(whole, **changes)


OUTBOX = OutboxHealth(Stream.TELEMETRY, 500, 100_000, 0, NOW_MS - 600_000)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"uplink": UplinkStatus(False, "broker:1883", 0, 0, 0, 0)}, ["not_connected"]),
        ({"lines": [LineStatus("line-a", "/dev/a", 1.0, 10, 0, 0, [WELL, SILENT])]}, ["device_silent"]),
        ({"stalled": ["poll line-a has not moved for 60 s (limit 45 s)"]}, ["stalled"]),
        ({"outbox": [OUTBOX]}, ["receipts_late"]),
        ({"outbox": [msgspec.structs.replace(OUTBOX, rows=1)]}, []),
        ({"outbox": [msgspec.structs.replace(OUTBOX, shed_total=3, oldest_at_ms=NOW_MS)]}, ["shed"]),
        ({"twin": TwinStatus(TwinState.ROLLED_BACK, 2, Refusal.BUS_SILENT, "line-a")}, ["desired_rolled_back"]),
        ({"twin": TwinStatus(TwinState.REFUSED, 2, Refusal.MALFORMED, "$.bus")}, ["desired_refused"]),
        ({"clock_synchronised": False}, ["clock_not_synchronised"]),
        ({"certificate_expires_at_ms": NOW_MS + 20 * DAY_MS}, []),
        ({"certificate_expires_at_ms": NOW_MS + 3 * DAY_MS}, ["certificate_expires"]),
        ({"certificate_expires_at_ms": NOW_MS - DAY_MS}, ["certificate_expired"]),
    ],
)
def test_each_problem_has_an_exact_name_and_advice(changes, names):
    found = status.problems(made(**changes), NOW_MS)
    assert [problem.name for problem in found] == names
    assert all(problem.what and problem.advice for problem in found)


def run(capsys, config, *words):
    code = main(["edge", "status", "--config", str(config), *words])
    return code, capsys.readouterr().out


def test_the_running_agent_tells_all_of_it(  # noqa: PLR0917 - fixtures
    tmp_path, stations, broker, central, agent, capsys
):
    config = write_config(tmp_path, broker.port)
    child = agent(config)
    central.wait(lambda c: c.prefix >= 8, timeout_s=30.0)
    socket_file = tmp_path / "data" / status.SOCKET_NAME
    assert stat.S_IMODE(socket_file.stat().st_mode) == 0o600
    deadline = time.monotonic() + 5.0
    while (found := run(capsys, config, "--json")) and "device_silent" in found[1] and time.monotonic() < deadline:
        time.sleep(0.1)
    code, text = found
    document = json.loads(text)
    assert (document["running"], document["pid"], document["uplink"]["connected"]) == (True, child.pid, True)
    assert [each["station"] for each in document["lines"][0]["devices"]] == ["s1", "s2", "s3", "s4"]
    assert {each["stream"] for each in document["outbox"]} == {"telemetry", "events"}
    assert document["twin"]["state"] == "local"
    # A container's kernel clock may not be disciplined: then this, and nothing else, is wrong.
    names = {problem["name"] for problem in document["problems"]}
    assert names <= {"clock_not_synchronised"}
    assert code == bool(names)
    code, text = run(capsys, config)
    assert text.startswith("gw: kumagaya-edge ")
    assert f"uplink    connected to 127.0.0.1:{broker.port}" in text
    assert "  s1 " in text
    child.terminate()
    child.wait(15.0)
    assert not socket_file.exists()


def test_without_an_agent_the_outbox_is_read_and_left_as_it_is(tmp_path, stations, agent, capsys):
    config = write_config(tmp_path, free_port())
    code, text = run(capsys, config)
    assert (code, text.splitlines()[0]) == (3, f"no agent runs on {tmp_path}/data")
    child = agent(config)
    wait_event(child, "not_connected")
    time.sleep(1.2)
    code, text = run(capsys, config, "--json")
    assert code == 1
    assert "not_connected" in [problem["name"] for problem in json.loads(text)["problems"]]
    child.kill()
    child.wait()
    before = (tmp_path / "data" / "outbox.db").read_bytes()
    code, text = run(capsys, config, "--json")
    document = json.loads(text)
    assert (code, document["running"]) == (3, False)
    waiting = {each["stream"]: each["rows"] for each in document["outbox"]}
    assert waiting["telemetry"] >= 4
    assert waiting["events"] == 0
    assert (tmp_path / "data" / "outbox.db").read_bytes() == before


def test_a_damaged_outbox_is_told_and_not_touched(tmp_path):
    (tmp_path / "outbox.db").write_bytes(b"no database, but long enough to be looked at" * 100)
    found = status.look(tmp_path)
    assert isinstance(found, NotRunning)
    assert "not a database" in str(found.problem)


def test_an_agent_that_hangs_is_told_apart_from_none(tmp_path, monkeypatch):
    monkeypatch.setattr(status, "ANSWER_S", 0.2)
    assert status.ask(tmp_path) is None
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    door = status.Door(deep, made)
    assert isinstance(status.ask(deep), NoAnswer), "it listens, deep as the folder lies, and nobody answers"
    door._socket.close()
    assert status.ask(deep) is None, "a socket that a killed agent left behind"


def test_who_may_not_ask_is_told_so(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(status.socket.socket, "connect", refuse)
    with pytest.raises(UserError, match="not allowed to ask the agent"):
        status.ask(tmp_path)


def test_the_end_of_a_certificate_is_read(tmp_path):
    assert status.certificate_expires_at_ms(tmp_path / "none.pem") is None
    (tmp_path / "bad.pem").write_text("no certificate")
    assert status.certificate_expires_at_ms(tmp_path / "bad.pem") is None
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    until = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, until - dt.timedelta(days=9), until)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "good.pem").write_bytes(pem)
    assert status.certificate_expires_at_ms(tmp_path / "good.pem") == int(until.timestamp() * 1000)
