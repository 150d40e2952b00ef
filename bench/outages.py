"""What is lost in an outage: `python -m bench.outages [SCENARIO ...]`

Eight simulated stations on one line at 9600 baud, asked once a second for twelve quantities; the agent, mosquitto and central as they are
shipped, each a process. Each scenario starts from nothing, runs a while, does what its name says, and waits until all is well again. Then
every answer that a station gave is looked for in the store.

lost: answered, not stored, and not under way at a SIGKILL of the agent. in_flight: answered within the sweep that the kill cut short.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.torture.city import City, Settings, discard
from tests.torture.plan import Action, Disturbance, Target
from tests.torture.storm import Storm
from tests.torture.torture import come_to_rest

WARM_UP_S = 12.0
OUTAGE_S = 30.0
SETTINGS = Settings(
    lines=1,
    stations_a_line=8,
    baud=9600,
    interval_s=1.0,
    response_time_s=0.02,
    rows_max=2_000_000,
    bytes_max=512 * 1024 * 1024,
    patience_s=10.0,
    backoff_max_s=30.0,
    small_disk=False,
    true_clock=True,
    links=False,
)


def _one(target: Target, action: Action, for_s: float = 1.0, at_s: float = WARM_UP_S) -> Disturbance:
    return Disturbance(at_s, target, action, for_s)


SCENARIOS = {
    "broker stopped 30 s": [_one(Target.BROKER, Action.STOP, OUTAGE_S)],
    "broker stopped 30 s, agent SIGKILLed meanwhile": [
        _one(Target.BROKER, Action.STOP, OUTAGE_S),
        _one(Target.EDGE, Action.KILL, at_s=WARM_UP_S + 15.4),
    ],
    "broker SIGKILLed": [_one(Target.BROKER, Action.KILL)],
    "agent SIGKILLed online": [_one(Target.EDGE, Action.KILL, at_s=WARM_UP_S + 0.4)],
    "broker frozen 27 s, then SIGKILLed": [_one(Target.BROKER, Action.FREEZE_KILL, 27.0)],
    "central SIGKILLed": [_one(Target.CENTRAL, Action.KILL)],
}


def run(name: str, tell: Callable[[str], None]) -> bool:
    """Whether nothing was lost, duplicated or wrong."""
    folder = Path(tempfile.mkdtemp(prefix="outage-"))
    try:
        with City(folder, SETTINGS) as city:
            storm = Storm(city, lambda _: None)
            city.start()
            storm.rage(SCENARIOS[name])
            # What comes after an outage belongs to it.
            storm.watch(WARM_UP_S)
            verdict = come_to_rest(city, storm)
    finally:
        discard(folder)
    tell(
        f"{name}: served={verdict.total('served')} stored={verdict.total('stored')} lost={verdict.total('lost')}"
        f" duplicated={verdict.total('duplicated')} wrong={verdict.total('wrong')} in_flight={verdict.total('in_flight')}"
        f" unreadable={verdict.total('trouble') + verdict.total('spoiled')}"
    )
    for violation in verdict.violations:
        tell(f"  BROKEN: {violation}")
    return not verdict.violations


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", default=list(SCENARIOS), metavar="SCENARIO", help=", ".join(SCENARIOS))
    options = parser.parse_args()
    for name in options.scenario:
        if name not in SCENARIOS:
            parser.error(f"no scenario {name!r}; known: {', '.join(SCENARIOS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    held = [run(name, lambda line: print(line, flush=True)) for name in options.scenario]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
