"""The walking lines of the city that is served: a file that is read once, before there is a city to lay it on."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from central.city.model import City
from central.city.projection import LocalFrame
from central.city.walking import WalkingLines, read_overpass

READ_IN: Final = LocalFrame(36.0, 138.0)
"""The file is read before the city is known, so its places are kept in metres round the middle of Japan at first; going over to the
city's own metres costs less than a micrometre."""

log = structlog.get_logger("paths")


class WalkingFile:
    """An Overpass answer, read and checked when it is made.

    Raises:
        UserError: the file cannot be read or is no Overpass answer; see `read_overpass`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = read_overpass(path, READ_IN)
        self._lock = threading.Lock()
        self._laid: tuple[City, WalkingLines] | None = None

    def lines(self, city: City) -> WalkingLines | None:
        """The lines on this city's map in its own metres; None, and one line in the log, where it has none there."""
        with self._lock:
            if self._laid is None or self._laid[0] is not city:
                x, y = city.frame.to_local(*READ_IN.to_lonlat(self._read.x_m, self._read.y_m))
                laid = replace(self._read, x_m=x, y_m=y).within(city.grid)
                self._laid = city, laid
                if laid.edge_from.size:
                    log.info("streets to walk on", file=str(self.path), pieces=int(laid.edge_from.size))
                else:
                    hint = "ask Overpass for the bounds that /v1/city tells"
                    log.error(
                        "no way of this file lies on the map: the city itself is walked", file=str(self.path), hint=hint
                    )
            found = self._laid[1]
            return found if found.edge_from.size else None

    def check(self, city: City | None) -> tuple[bool, str]:
        """For /healthz: whether the file has lines on the map."""
        if city is None:
            return True, f"{self._read.ways} ways in {self.path.name}, waiting for the city"
        lines = self.lines(city)
        if lines is None:
            return False, f"no way of {self.path.name} lies on the map of {city.name_en}: the file is of another place"
        return True, f"{lines.edge_from.size} pieces of way of {self.path.name} on the map"
