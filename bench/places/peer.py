"""The best peer in an environment of its own: GPL, run as a reference, never a part of ours."""

import subprocess
import venv
from pathlib import Path

PEER = "solweig==0.1.0b96"


def peer_python(folder: Path) -> Path:
    """The Python of a throwaway environment under a folder, with the peer from PyPI."""
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--pre", PEER], check=True, stderr=subprocess.DEVNULL)
    return python
