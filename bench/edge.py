"""What the agent costs: `python -m bench.edge [--seconds 60]`

Eight simulated stations on one line at 9600 baud, asked once a second for twelve quantities in 14 registers; broker and central beside it.
First on a sound line: memory, processor time, bytes written to disk, polls a second, all of the agent's process alone (/proc). Then with
late replies, one in ten, each later than the agent waits: values that are not what the station said at that moment.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.outages import SETTINGS
from tests.torture import books
from tests.torture.city import City, discard
from tests.torture.counting import RESPONSE_S
from tests.torture.plan import Action, Disturbance, Target
from tests.torture.storm import LATE_S, Storm
from tests.torture.torture import come_to_rest

WARM_UP_S = 15.0
LATE_SHARE = 0.1
TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def from_proc(pid: int, file: str, key: str) -> int:
    """A number of /proc/PID/FILE: kB from `status`, bytes from `io`."""
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0])
    raise KeyError(key)


def served(city: City) -> int:
    return sum(len(path.read_bytes().splitlines()) for path in city.served.glob("*.jsonl"))


def cost(seconds: float) -> bool:
    folder = Path(tempfile.mkdtemp(prefix="edge-cost-"))
    try:
        with City(folder, SETTINGS) as city:
            storm = Storm(city, lambda _: None)
            city.start()
            storm.watch(WARM_UP_S)
            pid = city.processes[Target.EDGE].pid
            assert pid is not None
            began_s, before = time.monotonic(), (cpu_s(pid), from_proc(pid, "io", "write_bytes"), served(city))
            time.sleep(seconds)
            after = (cpu_s(pid), from_proc(pid, "io", "write_bytes"), served(city))
            took_s = time.monotonic() - began_s
            resident_mb, peak_mb = (from_proc(pid, "status", key) / 1024 for key in ("VmRSS", "VmHWM"))
            verdict = come_to_rest(city, storm)
    finally:
        discard(folder)
    polls = after[2] - before[2]
    print(
        f"sound line: polls_per_s={polls / took_s:.2f} rss_mb={resident_mb:.1f} peak_mb={peak_mb:.1f}"
        f" cpu_pct={100 * (after[0] - before[0]) / took_s:.2f} written_bytes_per_message={(after[1] - before[1]) / polls:.0f}"
        f" lost={verdict.total('lost')} wrong={verdict.total('wrong')}",
        flush=True,
    )
    return not verdict.violations


def late(seconds: float) -> bool:
    folder = Path(tempfile.mkdtemp(prefix="edge-late-"))
    try:
        with City(folder, SETTINGS) as city:
            storm = Storm(city, lambda _: None)
            city.start()
            storm.rage(
                [
                    Disturbance(WARM_UP_S, Target.LINE, Action.FAULT, seconds, LATE_SHARE, f"late {station}")
                    for station in city.station_ids
                ]
            )
            storm.watch(seconds)
            verdict = come_to_rest(city, storm)
            answers = books.read_served(city.served)
    finally:
        discard(folder)
    print(
        f"late replies: late={sum(not one.sound for one in answers)} of {len(answers)} answers, each {LATE_S - RESPONSE_S:.1f} s too late:"
        f" stored={verdict.total('stored')} wrong={verdict.total('wrong')} misdated={verdict.total('misdated')}",
        flush=True,
    )
    return not verdict.violations


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="each of the two measurements")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return 0 if all([cost(options.seconds), late(options.seconds)]) else 1


if __name__ == "__main__":
    sys.exit(main())
