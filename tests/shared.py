"""Where the reference material lies that checks use and a user's machine does not have.

The folder stands beside the repository (or where KUMAGAYA_SHARED points). A test that needs a file which is not
there skips and says which; every such gate also has a small case of our own inside the repository.
"""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("KUMAGAYA_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared_path(relative: str) -> Path:
    """The path of a shared file; skips the calling test when the file is absent."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"reference material not on this machine: {relative}")
    return path
