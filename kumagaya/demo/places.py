"""Where the eight stations stand: the listed places of the built-in downtown, or places spread over a given city.

Run as a program (`python -m kumagaya.demo.places CITY`) it prints them as JSON: a city model is read in a process of its own, so that the
supervisor stays small.
"""

import subprocess
import sys
from pathlib import Path

import msgspec

from contract.errors import UserError
from kumagaya.demo.plan import Place

FAILED = 3
"""Exit code of the program for a UserError; its line is on stdout."""


def places_of(city: Path | None, shipped: Path) -> tuple[Place, ...]:
    """The eight places. Raises UserError for a city that cannot be read."""
    if city is None:
        return listed_places(shipped / "stations.toml")
    done = subprocess.run(
        [sys.executable, "-m", "kumagaya.demo.places", str(city)],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == FAILED:
        raise UserError(done.stdout.decode().strip())
    if done.returncode != 0:
        raise UserError(
            f"the city could not be read: {done.stderr.decode(errors='replace').strip()[-400:]}", where=str(city)
        )
    return msgspec.json.decode(done.stdout, type=tuple[Place, ...])


def listed_places(path: Path) -> tuple[Place, ...]:
    from central.city.stations import read_stations

    return tuple(
        Place(site.id, site.name_ja, site.name_en, site.lat, site.lon, site.surface) for site in read_stations(path)
    )


def _spread(city: Path) -> tuple[Place, ...]:
    from central.city.load import load_city
    from central.city.stations import place_stations

    model, _surface = load_city(city)
    return tuple(
        Place(site.id, site.name_ja, site.name_en, site.lat, site.lon, site.surface) for site in place_stations(model)
    )


def main() -> int:
    try:
        sys.stdout.buffer.write(msgspec.json.encode(_spread(Path(sys.argv[1]))))
    except UserError as error:
        print(error)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
