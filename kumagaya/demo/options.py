"""What can be asked of a demonstration, checked."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from contract.errors import UserError

CITY_ZONE: Final = ZoneInfo("Asia/Tokyo")
RECORD_DAY_MORNING: Final = "2018-07-23T10:00"
"""Four hours before 41.1 degC, so that a visitor sees the heat rise within minutes."""
SPEED_DEFAULT: Final = 60.0
SPEED_MAX: Final = 3600.0


@dataclass(frozen=True)
class Options:
    """The demonstration as asked for.

    Attributes:
        city: a CityGML tile or a folder of them, None for the built-in downtown.
        walking: streets of OpenStreetMap of that city, None for its own roads and ground.
        weather: a measured series to replay, None for the weather model.
        start: city time at which it begins, None for the default (the record day, or the series' first noon).
        speed: city seconds in a real second.
        faults: lets some stations misbehave, as real ones do.
        lenient: what is no number in the measured series is a gap instead of an error.
    """

    host: str
    port: int
    data_dir: Path
    city: Path | None
    weather: Path | None
    start: datetime | None
    speed: float
    seed: int
    faults: bool
    lenient: bool = False
    walking: Path | None = None


def default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "kumagaya" / "demo"


def parse_start(text: str) -> datetime:
    """An ISO 8601 time; without an offset it is the city's. Raises UserError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{text!r} is no time", where="--start", hint="such as 2018-07-23T10:00+09:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CITY_ZONE)


def check(options: Options) -> None:
    """Raises UserError for what cannot be used, before anything is started."""
    if not 0 < options.speed <= SPEED_MAX:
        raise UserError(f"is {options.speed:g}, must be more than 0 and at most {SPEED_MAX:g}", where="--speed")
    if not 0 < options.port < 65536:
        raise UserError(f"{options.port} is no port", where="--port", hint="1 .. 65535")
    if options.city is not None and not options.city.exists():
        raise UserError("no such file or folder", where=f"--city {options.city}")
    if options.walking is not None and options.city is None:
        raise UserError("needs a real city", where="--walking", hint="name its model with --city")
    if options.walking is not None and not options.walking.is_file():
        raise UserError("no such file", where=f"--walking {options.walking}")
    if options.weather is not None and not options.weather.is_file():
        raise UserError("no such file", where=f"--weather {options.weather}")
