"""Broker to committed and receipted, everything on this machine. `python -m bench.ingest [--readings 200000]`

A child process publishes (bare MQTT packets made beforehand, QoS 1, at most WINDOW unacknowledged), mosquitto passes them on, ingest and
store run in this process. The clock starts with the first byte and stops when the receipt for the last reading is back at the child.
Two figures: one reading (12 quantities) a message, and batches of 200 readings.
"""

import argparse
import contextlib
import random
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from bench.store import NAMES, START_MS, STATIONS
from central.config import MqttConfig
from central.ingest.metrics import IngestMetrics
from central.ingest.service import IngestService
from central.main import SWITCH_INTERVAL_S
from central.store.door import Resolution
from central.store.sqlite import open_store
from contract import topics
from contract.clock import SystemClock
from contract.messages import Reading, Receipt, decode, encode_item, join_batch
from contract.quantities import QUANTITIES
from contract.topics import Down, Up
from tests.processes import start_mosquitto

WINDOW = 20_000


def packet(head: int, body: bytes) -> bytes:
    """A MQTT 3.1.1 control packet: first byte, remaining length, the rest."""
    length, size = bytearray(), len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            return bytes([head]) + bytes(length) + body


def text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def connect(port: int, name: str) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", port))
    link.sendall(packet(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text(name)))
    assert link.recv(4) == b"\x20\x02\x00\x00", "the broker refused"
    return link


def publishes(gateway: str, count: int, readings_a_message: int, step_ms: int) -> list[bytes]:
    """Whole PUBLISH packets for `count` readings of eight stations."""
    topic = text(topics.up(gateway, Up.TELEMETRY))
    chance = random.Random(1)
    ranges = [(name, QUANTITIES[name].minimum, QUANTITIES[name].maximum) for name in NAMES]
    values = [{name: round(chance.uniform(low, high), 2) for name, low, high in ranges} for _ in range(97)]
    made, items = [], []
    for seq in range(1, count + 1):
        moment = START_MS + seq // 8 * step_ms
        items.append(encode_item(Reading(seq, STATIONS[seq % 8], moment, seq, "boot-1", values[seq % 97])))
        if len(items) == readings_a_message or seq == count:
            mid = (len(made) % 65_535 + 1).to_bytes(2, "big")
            made.append(packet(0x32, topic + mid + join_batch("e1", 1, items)))
            items = []
    return made


def child(port: int, gateway: str, count: int, readings_a_message: int) -> None:
    """Publishes; prints how long it took until the last receipt was back."""
    packets = publishes(gateway, count, readings_a_message, 1000)
    receipted = threading.Event()
    last = [0]
    listener = connect(port, f"bench-listener-{gateway}")
    listener.sendall(packet(0x82, b"\x00\x01" + text(topics.down(gateway, Down.RECEIPT)) + b"\x00"))

    def listen() -> None:
        stream = listener.makefile("rb")
        while last[0] < count:
            head = stream.read(1)[0]
            size, shift = 0, 0
            while True:
                digit = stream.read(1)[0]
                size |= (digit & 127) << shift
                shift += 7
                if digit < 128:
                    break
            body = stream.read(size)
            if head >> 4 == 3:
                receipt = decode(Receipt, body[2 + int.from_bytes(body[:2], "big") :])
                assert isinstance(receipt, Receipt), receipt
                last[0] = max(last[0], receipt.up_to_seq)
        receipted.set()

    threading.Thread(target=listen, daemon=True).start()
    link = connect(port, f"bench-{gateway}")
    link.settimeout(60)
    time.sleep(0.3)
    began = time.perf_counter()
    sent = acked_bytes = 0
    while sent < len(packets):
        room = min(WINDOW - (sent - acked_bytes // 4), 500)
        if room > 0:
            link.sendall(b"".join(packets[sent : sent + room]))
            sent += len(packets[sent : sent + room])
            link.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                acked_bytes += len(link.recv(65_536))
            link.settimeout(60)
        else:
            acked_bytes += len(link.recv(65_536))
    while acked_bytes // 4 < len(packets):
        acked_bytes += len(link.recv(65_536))
    if not receipted.wait(120):
        raise SystemExit(f"receipts only up to {last[0]} of {count}")
    print(time.perf_counter() - began, len(packets), flush=True)


def measure(count: int, readings_a_message: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="kumagaya-bench-"))
    broker = start_mosquitto(folder / "broker")
    store = open_store(folder / "central.db", SystemClock())
    service = IngestService(
        store, SystemClock(), MqttConfig(port=broker.port), IngestMetrics(CollectorRegistry()), random.Random(1)
    )
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    service.start()
    try:
        while not service.state.connected:
            time.sleep(0.01)
        before = resource.getrusage(resource.RUSAGE_SELF)
        arguments = [sys.executable, "-m", "bench.ingest", "--child", str(broker.port), "--readings", str(count)]
        done = subprocess.run(
            [*arguments, "--batch", str(readings_a_message)], stdout=subprocess.PIPE, check=True, timeout=300
        )
        after = resource.getrusage(resource.RUSAGE_SELF)
        seconds, messages = done.stdout.split()
        wall_s, cpu_s = float(seconds), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        (stream,) = store.gateways()[0].streams
        rows = sum(row[-1] for name in STATIONS for row in store.readings(name, 0, 2**42, Resolution.DAY).rows)
        assert stream.stored == count == rows, f"{stream.stored} stored, {rows} in the roll-ups, {count} sent"
        print(
            f"readings_a_message={readings_a_message} messages_per_s={int(messages) / wall_s:.0f}"
            f" readings_per_s={count / wall_s:.0f} wall_s={wall_s:.2f} central_cpu_us_per_reading={cpu_s / count * 1e6:.1f}"
            f" stored={stream.stored} duplicates={stream.duplicates}"
        )
    finally:
        service.stop()
        store.close()
        broker.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=0, help="readings a message; default: measures 1 and 200")
    parser.add_argument("--child", type=int, metavar="PORT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, "gw-bench", arguments.readings, arguments.batch)
        return
    for size in [arguments.batch] if arguments.batch else [1, 200]:
        measure(arguments.readings, size)


if __name__ == "__main__":
    main()
