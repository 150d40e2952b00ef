"""A disk that refuses, at the start and under way: readings flow on from memory, and return to the disk with it."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract.messages import Reading
from contract.topics import Stream
from edge import outbox as outbox_module
from edge.config import OutboxConfig
from edge.outbox import Outbox
from edge.outbox_commands import EventRefused
from tests.edge.test_outbox import Refusing, wait_for
from tests.edge.test_outbox_events import ride

TELEMETRY = Stream.TELEMETRY
ROOT = Path(__file__).resolve().parents[2]


def sweep(second=0):
    return [Reading(1, f"s{i}", second * 1000, second, "boot-1", {"wind_speed_ms": 1.5}) for i in range(8)]


@pytest.fixture
def opened(monkeypatch):
    monkeypatch.setattr(outbox_module, "PROBE_S", 0.05)
    monkeypatch.setattr(outbox_module, "RETRY_S", 0.02)
    monkeypatch.setattr(outbox_module, "MEMORY_AFTER_S", 0.1)
    boxes = []

    def open_outbox(path, **settings):
        boxes.append(Outbox(path, OutboxConfig(commit_interval_s=0.05, **settings)))
        boxes[-1].start()
        return boxes[-1]

    yield open_outbox
    for box in boxes:
        box.stop()


def seqs(box):
    return [item.seq for item in box.read(TELEMETRY, 1, 2**62, 10**6, 10**9).result(5.0)]


def append(box, second=0):
    box.append(sweep(second), flush=True)
    box.flush().result(5.0)


def telemetry(box):
    return next(row for row in box.health() if row.stream is TELEMETRY)


def older(box):
    return box.read_older(10**6, 10**9).result(5.0)


def test_without_a_disk_at_the_start_it_goes_on_in_memory_and_says_so(opened, tmp_path):
    box = opened(tmp_path / "not-there" / "outbox.db")
    append(box)
    assert seqs(box) == list(range(1, 9)), "ready to be sent"
    assert telemetry(box).in_memory
    assert "unable to open" in telemetry(box).problem
    assert box.append_event(ride(1)).result(5.0) is EventRefused.DISK_REFUSES


def test_back_on_disk_what_has_no_receipt_comes_along_under_its_own_epoch(opened, tmp_path):
    path = tmp_path / "later" / "outbox.db"
    box = opened(path)
    append(box, 1)
    append(box, 2)
    epoch = box.state(TELEMETRY).epoch
    box.receipt(TELEMETRY, epoch, 8, 5)
    path.parent.mkdir()
    wait_for(lambda: not telemetry(box).in_memory)
    assert telemetry(box).problem is None
    append(box, 3)
    assert box.state(TELEMETRY).epoch != epoch
    batch = older(box)
    assert (batch.stream, batch.epoch, batch.oldest_seq) == (TELEMETRY, epoch, 9)
    assert [item.seq for item in batch.items] == list(range(9, 17))
    assert box.older_rows > 0
    box.stop()

    box = opened(path)
    assert [item.seq for item in older(box).items] == list(range(9, 17)), "durable"
    box.receipt(TELEMETRY, epoch, 16, 5)
    wait_for(lambda: box.older_rows == 0)
    assert older(box) is None
    assert seqs(box) == list(range(1, 9))
    assert not list(path.parent.glob("*older*"))


def test_a_disk_that_refuses_for_long_is_left_for_memory_and_taken_again(opened, tmp_path):
    box = opened(tmp_path / "outbox.db")
    append(box)
    epoch = box.state(TELEMETRY).epoch
    disk = box._file = Refusing(box._file)
    disk.probe = disk.commit
    append(box)
    wait_for(lambda: box.state(TELEMETRY).epoch != epoch)
    memory_epoch = box.state(TELEMETRY).epoch
    assert seqs(box) == list(range(1, 9)), "the sweep that the disk had refused"
    assert older(box).epoch == epoch, "what is on the disk is sent from there"
    box.receipt(TELEMETRY, epoch, 8, 5)
    wait_for(lambda: older(box) is None)
    append(box)
    disk.refuses = False
    wait_for(lambda: box.state(TELEMETRY).epoch == epoch)
    assert box.state(TELEMETRY).oldest_seq == 9, "the receipt that came meanwhile was not forgotten"
    assert [item.seq for item in older(box).items] == list(range(1, 17))
    assert older(box).epoch == memory_epoch
    append(box)
    assert seqs(box)[-1] == 16
    assert box.append_event(ride(1)).result(5.0) == 1


def test_memory_has_a_quota_too(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(outbox_module, "MEMORY_ROWS_MAX", 100)
    box = opened(tmp_path / "not-there" / "outbox.db", thin_keep_every=4)
    for second in range(60):
        append(box, second)
    assert telemetry(box).rows <= 108
    items = box.read(TELEMETRY, 1, 2**62, 10**6, 10**9).result(5.0)
    assert any(b"memory quota" in item.payload for item in items)
    known = 0
    for item in items:
        assert item.first_seq == known + 1
        known = item.seq
    assert known == 480


PROGRAM = """
import json, subprocess, sys, time
from pathlib import Path
from contract.messages import Reading
from contract.topics import Stream
from edge import outbox as module
from edge.config import OutboxConfig
from edge.outbox import Outbox
module.PROBE_S = module.RETRY_S = 0.05
module.MEMORY_AFTER_S = 0.3
folder, trouble = Path(sys.argv[1]), sys.argv[2]
mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
subprocess.run(mount, check=True)
def hurt():
    if trouble == "full":
        try:
            with (folder / "ballast").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
def heal():
    if trouble == "full":
        (folder / "ballast").unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, box.health()
        box.append([Reading(1, "s", 1, 1, "b", {"wind_speed_ms": 1.5, "noise_level_db": 40.0})] * 40, flush=True)
        appended.append(40)
        time.sleep(0.02)
def count():
    box.flush().result(5)
    found = {(box.state(Stream.TELEMETRY).epoch, item.seq) for item in box.read(Stream.TELEMETRY, 1, 2**62, 10**6, 10**9).result(5)}
    batch = box.read_older(10**6, 10**9).result(5)
    while batch is not None:
        found |= {(batch.epoch, item.seq) for item in batch.items}
        box.receipt(batch.stream, batch.epoch, batch.items[-1].seq, 1)
        batch = box.read_older(10**6, 10**9).result(5)
    return len(found)
appended = []
if sys.argv[3] == "start":
    hurt()
box = Outbox(folder / "outbox.db", OutboxConfig())
box.start()
if sys.argv[3] == "under way":
    until(lambda: len(appended) > 3)
    hurt()
until(lambda: box.health()[0].in_memory and box.state(Stream.TELEMETRY).next_seq > 80)
problem = box.problem
heal()
until(lambda: not box.health()[0].in_memory)
until(lambda: len(appended) % 10 == 0)
print(json.dumps({"appended": sum(appended), "kept": count(), "problem": problem}))
box.stop()
"""


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting needs root and unshare")
@pytest.mark.parametrize(("trouble", "moment"), [("full", "start"), ("full", "under way"), ("read-only", "start")])
def test_on_a_real_file_system_nothing_is_lost(tmp_path, trouble, moment):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["unshare", "--mount", sys.executable, "-c", PROGRAM, str(folder), trouble, moment]
    began_s = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    if "unshare" in done.stderr and "not permitted" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kept"] == result["appended"], result
    assert result["problem"]
    assert time.monotonic() - began_s < 30
