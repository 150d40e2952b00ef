"""How kernels are compiled: cached on disk where that is possible, safe to call from several threads.

A kernel compiled on one start is loaded from Numba's cache on the next. Numba itself looks no further than the file that a
kernel stands in: it would go on using machine code in which an older version of another file is inlined, and stumble over
names that a newer version no longer has. So each state of the sources has a folder of its own, in the folder that
``NUMBA_CACHE_DIR`` names, or beside the source, or in the user's cache; where none of them can be written (a hardened
service) in a private one under the system's temporary directory.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

PARALLEL = threading.Lock()
"""Held while a parallel kernel runs: Numba's fallback thread pool aborts the process when entered twice."""

HAS_KERNELS = b"central.heat.compiled"
KEPT_S = 7 * 86_400.0
"""How long the folder of other sources stays after its last use: an older version may still run beside a newer one."""


def digest_of(folder: Path, elsewhere: Path) -> str:
    """Names one state of all Python sources under a folder, and of those elsewhere that have kernels of their own."""
    digest = hashlib.sha256()
    for path in sorted(elsewhere.rglob("*.py")):
        source = path.read_bytes()
        if path.is_relative_to(folder) or HAS_KERNELS in source:
            digest.update(path.relative_to(elsewhere).as_posix().encode() + b"\0" + source + b"\0")
    return digest.hexdigest()[:16]


def cache_folder(candidates: list[Path], digest: str, now_s: float) -> Path | None:
    """The folder for one state of the sources in the first candidate that can be written; None where none can.

    Folders of other states that nobody used for a week are removed.
    """
    for candidate in candidates:
        folder = candidate / f"kernels-{digest}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
            os.utime(folder, (now_s, now_s))
        except OSError:
            continue
        for other in candidate.glob("kernels-*"):
            with contextlib.suppress(OSError):  # another process may be faster
                if other.stat().st_mtime < now_s - KEPT_S:
                    shutil.rmtree(other)
        return folder
    return None


def use_cache_folder() -> None:
    """Point Numba to the folder of the sources as they are now."""
    settings: Any = numba.config
    here = Path(__file__).parent
    of_user = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache")  # noqa: PTH111 - never raises
    given = [Path(settings.CACHE_DIR)] if settings.CACHE_DIR else [here / "__pycache__", of_user / "kumagaya"]
    folder = cache_folder(given, digest_of(here, here.parent), time.time())
    settings.CACHE_DIR = str(folder or tempfile.mkdtemp(prefix="kumagaya-numba-"))


use_cache_folder()


def kernel(*, parallel: bool = False, fastmath: bool | set[str] = True, inline: str = "never") -> Callable[[F], F]:
    """Compile a function on its first call, keep the machine code on disk, release the interpreter lock while it runs.

    ``fastmath`` lets the compiler reorder sums and assume that no value is NaN: callers check their input first. A set of LLVM's
    names allows those liberties alone.
    """
    compiler: Any = numba.njit
    decorate: Callable[[F], F] = compiler(
        cache=True, nogil=True, parallel=parallel, fastmath=fastmath, inline=inline, error_model="numpy"
    )
    return decorate


def thread_count() -> int:
    """Threads that a parallel kernel uses."""
    return int(numba.get_num_threads())
