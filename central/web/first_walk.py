"""Makes the network of cool ways before the first visitor asks: that takes seconds once, later questions take milliseconds."""

import threading
import time
from typing import Final

import structlog

from central.simulation.paths.cool import LAYERS_NEEDED, CoolPaths
from central.web.services import Services

LOOK_EVERY_S: Final = 1.0
JOIN_S: Final = 0.2

log = structlog.get_logger("central.web.paths")


class FirstWalk:
    """A thread that waits for the first frame, asks one question of the finder of walks, and ends."""

    def __init__(self, services: Services, paths: CoolPaths) -> None:
        self._services = services
        self._paths = paths
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        # A daemon: a compiler in the middle of its work cannot be told to stop.
        self._thread = threading.Thread(target=self._run, name="first-walk", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def look(self) -> bool:
        """One look; True when there is nothing more to do."""
        city, frame = self._services.simulation.place.city, self._services.latest_frame()
        if city is None or frame is None:
            return False
        library = self._services.simulation.library
        layers = {name: layer for name in LAYERS_NEEDED if (layer := library.layer(frame, name)) is not None}
        if len(layers) < len(LAYERS_NEEDED):
            return False
        began_s = time.perf_counter()
        self._paths.find(city, frame.id, layers, city.center, city.center)
        log.info("walks can be asked for", took_s=round(time.perf_counter() - began_s, 2))
        return True

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and not self.look():
                self._stopping.wait(LOOK_EVERY_S)
        except Exception:
            # The first question will meet the same fault and be answered with it.
            log.exception("the network of walks could not be made")
