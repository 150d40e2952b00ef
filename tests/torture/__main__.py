"""`python -m tests.torture --kills 1000 [--seed N]`: exit code 0 when every rule held, 1 when one was broken."""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.processes import MOSQUITTO
from tests.torture.city import discard
from tests.torture.plan import Abilities, plan
from tests.torture.storm import HopelessError
from tests.torture.torture import Verdict, torture


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="SIGKILLs in this run")
    parser.add_argument("--seed", type=int, help="repeats the plan of an earlier run; left out: a new one, printed")
    parser.add_argument("--folder", type=Path, help="kept afterwards; left out: a temporary one, kept only on failure")
    parser.add_argument("--plan", action="store_true", help="only print the plan")
    parser.add_argument("--verbose", action="store_true", help="every disturbance as it begins")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    if options.plan:
        print(*plan(seed, options.kills, Abilities(stations=tuple(f"s{n:02d}" for n in range(1, 9)))), sep="\n")
        return 0
    if MOSQUITTO is None:
        print("mosquitto is not installed (apt-get install mosquitto)", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    print(f"seed {seed}: python -m tests.torture --kills {options.kills} --seed {seed}", flush=True)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="torture-"))
    try:
        verdict = torture(seed, options.kills, folder, _Teller(verbose=options.verbose))
    except HopelessError as error:
        print(f"VIOLATION {error}\nkept for a look: {folder}")
        return 1
    _report(verdict)
    if verdict.violations:
        print(f"kept for a look: {folder}")
        return 1
    if options.folder is None:
        discard(folder)
    return 0


class _Teller:
    """Every disturbance, or one line now and then."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._told = 0
        self._told_at_s = 0.0

    def __call__(self, line: str) -> None:
        self._told += 1
        if self._verbose or self._told <= 2 or time.monotonic() - self._told_at_s >= 30:
            self._told_at_s = time.monotonic()
            print(line, flush=True)


def _report(verdict: Verdict) -> None:
    record = verdict.record
    kills = ", ".join(f"{target} {count}" for target, count in sorted(record.kills.items()))
    print(f"raged {verdict.rage_s:.0f} s; kills: {record.kills.total()} ({kills})")
    for (target, action), count in sorted(record.done.items()):
        print(f"  {target:<12} {action:<18} {count:5d}")
    figures = {
        name: verdict.total(name)
        for name in (
            "served",
            "stored",
            "parts",
            "spoiled",
            "in_flight",
            "trouble",
            "in_memory",
            "shed",
            "undated",
            "lost",
        )
    }
    figures |= {name: verdict.total(name) for name in ("duplicated", "wrong", "misdated", "disordered")}
    figures |= {"epochs": len(verdict.streams), "shed by tombstone": sum(one.shed for one in verdict.streams)}
    figures |= {"gaps": verdict.gaps, "outbox bytes max": record.outbox_bytes_max}
    if verdict.events is not None:
        events = verdict.events
        figures |= {"events taken": events.taken, "events stored": events.stored, "events lost": len(events.lost)}
    for name, value in figures.items():
        print(f"  {name:<30} {value}")
    drained = "never" if verdict.drained_s is None else f"{verdict.drained_s:.1f} s"
    print(f"  drained after {drained}; the machine stood still for {record.stalled_s:.1f} s")
    print(json.dumps({"seed": verdict.seed, "kills": record.kills.total(), **figures}))
    for violation in verdict.violations:
        print(f"VIOLATION {violation}")
    print("every rule held" if not verdict.violations else f"{len(verdict.violations)} rules broken")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
