"""How long a cool way takes. `python bench/paths.py [--walks 40] [--frames 8]`

The built-in downtown of 1000 x 1000 cells at 14:00 on 23 July 2018: walks of about 1 km between places drawn by lot, each with all its
alternatives; then the first question of a new frame, which has to sum up the doses of all pieces of the network before it can answer.
"""

import argparse
import statistics
import time

import numpy as np

from central.city.load import load_city
from central.heat.geometry import prepare
from central.heat.land_cover import LandCover
from central.heat.step import Weather, step
from central.heat.sun import sun_position
from central.simulation.frames import LAYERS, quantise
from central.simulation.paths.cool import LAYERS_NEEDED, CoolPaths, NoPath

JST_14_MS = 1_532_322_000_000
WALK_M = (900.0, 1100.0)
MAX_DETOUR = 1.3


def places(city, rng):
    """Two places (lat, lon) about 1 km apart."""
    grid = city.grid
    while True:
        start, goal = rng.uniform((grid.x_west_m, grid.y_south_m), (grid.x_east_m, grid.y_north_m), (2, 2))
        if WALK_M[0] <= np.hypot(*(goal - start)) <= WALK_M[1]:
            return [city.frame.point_to_lonlat(*place)[::-1] for place in (start, goal)]


def timed(call):
    started_s = time.perf_counter()
    return call(), 1000.0 * (time.perf_counter() - started_s)


def told(name, took_ms):
    print(f"{name}: median {statistics.median(took_ms):.0f} ms, most {max(took_ms):.0f} ms ({len(took_ms)} times)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--walks", type=int, default=40)
    parser.add_argument("--frames", type=int, default=8)
    given = parser.parse_args()
    city, surface = load_city(None)
    geometry = prepare(surface)
    sun = sun_position(JST_14_MS, geometry.lat, geometry.lon)
    frame = step(geometry, Weather(38.0, 35.0, 2.0, 880.0), sun, land_cover=LandCover(city.land_cover))
    fields = {"utci": frame.utci_degc, "wbgt": frame.wbgt_degc, "shadow": frame.shadow}
    layers = {name: quantise(LAYERS[name], fields[name], geometry.is_ground) for name in LAYERS_NEEDED}
    rng = np.random.default_rng(20180723)
    finder = CoolPaths()

    def ask(name):
        start, goal = places(city, rng)
        return timed(lambda: finder.find(city, name, layers, start, goal, max_detour=MAX_DETOUR))

    _, made_ms = ask("frame-0")
    print(
        f"{city.grid.height} x {city.grid.width} cells; network, doses and a first walk, compiling what was not yet: {made_ms:.0f} ms"
    )
    # Where no walk joins the two the answer is quicker: it does not count.
    walks = []
    while len(walks) < given.walks:
        found, took_ms = ask("frame-0")
        if not isinstance(found, NoPath):
            walks.append((found, took_ms))
    told("a walk of 1 km with its alternatives", [took_ms for _, took_ms in walks])
    lengths = [found.paths[0].exposure.length_m for found, _ in walks]
    kinds = [len(found.paths) for found, _ in walks]
    saved = [
        1.0 - found.paths[-1].exposure.utci_dose_degc_min / found.paths[0].exposure.utci_dose_degc_min
        for found, _ in walks
    ]
    print(
        f"  shortest {min(lengths):.0f} .. {max(lengths):.0f} m, {statistics.mean(kinds):.1f} walks an answer, "
        f"the coolest has {100.0 * statistics.median(saved):.0f} % (at most {100.0 * max(saved):.0f} %) less dose"
    )
    told("the first question of a new frame", [ask(f"frame-{number}")[1] for number in range(1, given.frames + 1)])


if __name__ == "__main__":
    main()
