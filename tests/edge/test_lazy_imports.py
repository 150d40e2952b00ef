"""The agent stays light: what a Raspberry Pi must never load."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "scipy", "pandas", "numba", "fastapi", "uvicorn", "rasterio", "pvlib", "lxml", "hypothesis", "pytest")


@pytest.mark.parametrize(
    "program", ["import edge.main", "from kumagaya.cli import build_parser; build_parser('edge'); import edge.main"]
)
def test_a_fresh_interpreter_loads_nothing_heavy_and_nothing_of_other_rooms(program):
    listing = f"{program}; import sys; print(' '.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "minimalmodbus" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint({"central", "firmware_sim"})
