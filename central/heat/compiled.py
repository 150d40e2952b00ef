"""How kernels are compiled: cached on disk where that is possible, safe to call from several threads.

A kernel compiled on one start is loaded from Numba's cache on the next. Numba looks for a writable place beside the
source, then in the user's cache folder; where both are read-only (a hardened service) it would refuse to define the
function at all, so a private folder under the system's temporary directory takes their place.
"""

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

PARALLEL = threading.Lock()
"""Held while a parallel kernel runs: Numba's fallback thread pool aborts the process when entered twice."""


def _is_writable(folder: Path) -> bool:
    """Whether files can be made in the folder, or in its nearest parent when it does not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


def ensure_cache_folder() -> None:
    """Point Numba to a private temporary folder when neither the source tree nor the user's cache can be written."""
    settings: Any = numba.config
    if settings.CACHE_DIR:
        return
    beside_source = Path(__file__).parent / "__pycache__"
    of_user = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache")  # noqa: PTH111 - never raises
    if not _is_writable(beside_source) and not _is_writable(of_user):
        settings.CACHE_DIR = tempfile.mkdtemp(prefix="kumagaya-numba-")


ensure_cache_folder()


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
