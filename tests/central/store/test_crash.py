"""A writer killed in mid-stream: whatever it had acknowledged is there, and nothing twice."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from central.store.door import Resolution
from central.store.sqlite import open_store
from contract.topics import Stream
from tests.central.store.making import FixedClock, batch, readings

BATCH = 7

CHILD = """
import sys
from pathlib import Path
from central.store.sqlite import open_store
from contract.topics import Stream
from tests.central.store.making import FixedClock, batch, readings

store = open_store(Path(sys.argv[1]), FixedClock(0))
first = int(sys.argv[2])
while True:
    futures = []
    for _ in range(5):
        # Overlaps what came before: duplicates are part of the stream.
        futures.append(store.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(max(1, first - 3), first + 6))))
        first += 7
    for future in futures:
        print(future.result().up_to_seq, flush=True)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_acknowledged_survives_sigkill(tmp_path, seed):
    chance, path, acknowledged = random.Random(seed), tmp_path / "central.db", 0
    for _ in range(4):
        log = tmp_path / "acknowledged.txt"
        with log.open("wb") as out:
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD, str(path), str(acknowledged + 1)],
                stdout=out,
                cwd=Path(__file__).resolve().parents[3],
            )
            deadline = time.monotonic() + 20
            while log.stat().st_size == 0 and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.3))
            child.kill()
            child.wait(10)
        # The last line may be cut by the kill.
        acknowledged = int(log.read_text().rpartition("\n")[0].splitlines()[-1])
        store = open_store(path, FixedClock(0))
        rows = store.readings("kmg-01", -(2**40), 2**42, Resolution.RAW, 100_000).rows
        (stream,) = store.gateways()[0].streams
        minutes = store.readings("kmg-01", -(2**40), 2**42, limit=100_000).rows
        store.close()
        assert stream.up_to_seq >= acknowledged
        assert stream.stored == len(rows) == len({row[0] for row in rows}) == stream.up_to_seq
        # Roll-ups are part of the same commits.
        assert sum(row[-1] for row in minutes) == len(rows)
        acknowledged = stream.up_to_seq
    assert acknowledged > 4 * BATCH


def test_after_a_crash_the_gateway_sends_again_and_all_is_known(tmp_path):
    for expected in [(20, 0), (0, 20)]:
        store = open_store(tmp_path / "central.db", FixedClock(0))
        done = store.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(1, 20))).result(5)
        store.close()
        assert (done.stored, done.duplicates) == expected
        assert done.up_to_seq == 20
