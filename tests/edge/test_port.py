"""One request on a line that misbehaves: the answer, or the name of the fault, and never longer than needed."""

import itertools
import time

import minimalmodbus
import pytest

from edge.fieldbus.frames import Fault
from edge.fieldbus.port import BusFaultError, GuardedPort, PortLostError
from tests.edge.slave import Slave, answer, exception, frame

WORDS = (11, 22, 33)
RESPONSE_S = 0.25


def good(request):
    return answer(request, WORDS)


def bad_crc(request):
    return answer(request, WORDS)[:-1] + b"\x00"


def ask(script, registers=3):
    """One read of unit 7 on a line with this script: (words or the raised error, seconds it took)."""
    with Slave(script) as slave:
        port = GuardedPort(slave.port, 115_200, "N", 1)
        port.response_s = RESPONSE_S
        instrument = minimalmodbus.Instrument(port, 7)
        began_s = time.monotonic()
        try:
            outcome = instrument.read_registers(100, registers, functioncode=3)
        except (BusFaultError, minimalmodbus.ModbusException) as error:
            outcome = error
        took_s = time.monotonic() - began_s
        port.close()
        return outcome, took_s


@pytest.mark.parametrize(
    ("behaviour", "script"),
    [
        ("answers", lambda _, request: [(0.01, good(request))]),
        ("answers at the last moment", lambda _, request: [(RESPONSE_S - 0.05, good(request))]),
        ("echoes, then answers", lambda _, request: [(0.0, request), (0.03, good(request))]),
        ("echo and answer together", lambda _, request: [(0.01, request + good(request))]),
        (
            "answers byte by byte",
            lambda _, request: [(0.01 + 0.002 * i, bytes([b])) for i, b in enumerate(good(request))],
        ),
        ("glitch before the answer", lambda _, request: [(0.01, b"\x00" + good(request))]),
        (
            "another's late answer first",
            lambda _, request: [(0.01, answer(frame(9, 3, 0, 0, 0, 3), (7, 7, 7))), (0.1, good(request))],
        ),
        (
            "an own late answer of another length first",
            lambda _, request: [(0.01, answer(request, (7, 7))), (0.1, good(request))],
        ),
    ],
)
def test_answers(behaviour, script):
    outcome, _ = ask(script)
    assert outcome == list(WORDS), behaviour


@pytest.mark.parametrize(
    ("behaviour", "script", "fault", "within_s"),
    [
        ("silence", lambda *_: [], Fault.TIMEOUT, RESPONSE_S + 0.2),
        ("echo only", lambda _, request: [(0.0, request)], Fault.TIMEOUT, RESPONSE_S + 0.2),
        ("broken checksum", lambda _, request: [(0.01, bad_crc(request))], Fault.CHECKSUM, 0.15),
        ("cut short", lambda _, request: [(0.01, good(request)[:6])], Fault.TRUNCATED, 0.15),
        ("noise", lambda *_: [(0.01, b"\xaa\x55" * 5)], Fault.NOISE, 0.15),
        ("endless noise", lambda *_: [(0.005 * i, b"\xaa" * 200) for i in range(60)], Fault.NOISE, RESPONSE_S + 0.2),
        (
            "another unit",
            lambda *_: [(0.01, answer(frame(9, 3, 0, 0, 0, 3), WORDS))],
            Fault.WRONG_UNIT,
            RESPONSE_S + 0.2,
        ),
        (
            "another function",
            lambda *_: [(0.01, answer(frame(7, 4, 0, 0, 0, 3), WORDS))],
            Fault.WRONG_FUNCTION,
            RESPONSE_S + 0.2,
        ),
        (
            "another count",
            lambda *_: [(0.01, answer(frame(7, 3, 0, 0, 0, 2), (1, 2)))],
            Fault.WRONG_BYTE_COUNT,
            RESPONSE_S + 0.2,
        ),
    ],
)
def test_faults(behaviour, script, fault, within_s):
    outcome, took_s = ask(script)
    assert isinstance(outcome, BusFaultError), behaviour
    assert outcome.fault is fault
    assert took_s < within_s


def test_an_exception_is_handled_at_once():
    outcome, took_s = ask(lambda _, request: [(0.01, exception(request, 2))])
    assert isinstance(outcome, minimalmodbus.IllegalRequestError)
    assert took_s < 0.1


def test_a_single_register_is_not_mistaken_for_an_echo():
    outcome, _ = ask(lambda _, request: [(0.01, answer(request, (5,)))], registers=1)
    assert outcome == [5]


def test_requests_are_3_5_characters_apart():
    with Slave(lambda _, request: [(0.0, good(request))]) as slave:
        port = GuardedPort(slave.port, 1200, "N", 1)
        instrument = minimalmodbus.Instrument(port, 7)
        for _ in range(4):
            instrument.read_registers(100, 3)
        moments = [at_s for at_s, _ in slave.requests]
        port.close()
    assert min(later - earlier for earlier, later in itertools.pairwise(moments)) >= 3.5 * 11 / 1200


def test_draining_waits_for_the_silence_and_counts_what_it_threw_away():
    with Slave(lambda *_: [(0.1, b"\x01" * 7)]) as slave:
        port = GuardedPort(slave.port, 115_200, "N", 1)
        port.write(frame(7, 3, 0, 0, 0, 1))
        began_s = time.monotonic()
        port.drain(0.2)
        took_s = time.monotonic() - began_s
        assert port.strays == 7
        port.close()
    assert 0.19 < took_s < 0.35


def test_a_port_that_does_not_exist_says_why():
    with pytest.raises(PortLostError, match="no such file"):
        GuardedPort("/dev/ttyKUMAGAYA", 9600, "N", 1)


def test_a_port_in_use_is_not_shared():
    with Slave(lambda *_: []) as slave:
        first = GuardedPort(slave.port, 9600, "N", 1)
        with pytest.raises(PortLostError):
            GuardedPort(slave.port, 9600, "N", 1)
        first.close()


def test_a_pulled_adapter_is_noticed():
    with Slave(lambda *_: []) as slave:
        port = GuardedPort(slave.port, 9600, "N", 1)
        slave.unplug()
        instrument = minimalmodbus.Instrument(port, 7)
        with pytest.raises(PortLostError):
            instrument.read_registers(100, 3)
        port.close()
