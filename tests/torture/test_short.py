"""A short storm on the real processes: nothing is lost, duplicated, wrong or out of order.

The long one is `python -m tests.torture --kills 1000`. A process of its own, because it mounts a small disk and sends signals.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import MOSQUITTO

pytestmark = [pytest.mark.system, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

ROOT = Path(__file__).parents[2]
KILLS = 24


@pytest.mark.parametrize("seed", [2213])
def test_nothing_is_lost_in_a_short_storm(seed, tmp_path):
    command = [sys.executable, "-m", "tests.torture", "--kills", str(KILLS), "--seed", str(seed), "--verbose"]
    guard = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    command += ["--folder", str(tmp_path / "city")]
    run = subprocess.run([*guard, *command], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    print(run.stdout, run.stderr)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
    figures = json.loads(next(line for line in run.stdout.splitlines() if line.startswith("{")))
    assert figures["kills"] == KILLS
    assert figures["stored"] > 8 * KILLS
