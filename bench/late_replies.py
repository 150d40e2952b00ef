"""What late replies do to the readings: `python -m bench.late_replies [--seconds 60]`

Eight simulated stations on one line at 9600 baud, asked once a second for twelve quantities; agent, mosquitto and central beside it.
For a while one reply in ten comes after the agent has given up waiting for it, in the way of the next question. Every answer holds
numbers that no other answer holds, so that a stored reading says which answer it was.

wrong: not what the station answered, or parts of two answers. misdated: an old answer in the place of a new one.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from bench.outages import SETTINGS, WARM_UP_S
from tests.torture import records
from tests.torture.city import City, discard
from tests.torture.counting import RESPONSE_S
from tests.torture.plan import Action, Disturbance, Target
from tests.torture.storm import LATE_S, Storm
from tests.torture.torture import come_to_rest

LATE_SHARE = 0.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="late-replies-"))
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
            answers = records.read_served(city.served)
    finally:
        discard(folder)
    late = sum(not answer.sound for answer in answers)
    print(
        f"answers={len(answers)} late={late} late_by_s={LATE_S - RESPONSE_S:.1f} stored={verdict.total('stored')}"
        f" lost={verdict.total('lost')} wrong={verdict.total('wrong')} misdated={verdict.total('misdated')}"
    )
    for violation in verdict.violations:
        print(f"  BROKEN: {violation}")
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
