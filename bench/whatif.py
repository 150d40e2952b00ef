"""How long a scenario takes, beside computing the whole city twice. `python bench/whatif.py [--repeat 3]`

The built-in downtown of 1000 x 1000 cells at 14:00 on 23 July 2018: a grove and a tower on the widest open place near the middle. The whole
city is computed before and after in the same run, and both ways have to agree to the last bit.
"""

import argparse
import statistics
import time

import numpy as np
import shapely
from scipy import ndimage

from central.city.load import load_city
from central.heat.geometry import prepare
from central.heat.land_cover import LandCover
from central.heat.step import Weather, step
from central.heat.sun import sun_position
from central.simulation.whatif.city import walks_of
from central.simulation.whatif.compare import Moment, compare
from central.simulation.whatif.edit import Change
from central.simulation.whatif.surface import apply_changes

JST_14_MS = 1_532_322_000_000
WEATHER = Weather(38.0, 35.0, 2.0, 880.0)
NEAR_M = 500.0
EDITS = (
    ("a grove of 40 m x 40 m, 8 m high", "tree", 8.0, 40.0),
    ("a tower of 30 m x 30 m, 60 m high", "building", 60.0, 30.0),
)
ROOF, UNKNOWN = 2, 255


def open_place(city, surface):
    """(x, y) [m] of the middle of the widest open ground within NEAR_M of the city's middle."""
    is_open = (surface.dsm - surface.dem < 1.0) & (surface.cdsm == 0.0)
    reach = round(NEAR_M / city.grid.pixel_size_m)
    middle = city.grid.height // 2, city.grid.width // 2
    near = np.zeros(is_open.shape, bool)
    near[middle[0] - reach : middle[0] + reach, middle[1] - reach : middle[1] + reach] = True
    row, column = np.unravel_index(np.argmax(ndimage.distance_transform_edt(is_open) * near), is_open.shape)
    size = city.grid.pixel_size_m
    return city.grid.x_west_m + (column + 0.5) * size, city.grid.y_north_m - (row + 0.5) * size


def whole_city(surface, land_cover):
    """The maps of all cells. Where a building went nobody knows what comes; here none goes."""
    geometry = prepare(surface)
    cover = np.where((land_cover == ROOF) & geometry.is_ground, np.uint8(UNKNOWN), land_cover)
    sun = sun_position(JST_14_MS, surface.lat, surface.lon)
    return step(geometry, WEATHER, sun, land_cover=LandCover(cover), blank_utci=True)


def timed(call, repeat):
    took_s = []
    for _ in range(repeat):
        started_s = time.perf_counter()
        result = call()
        took_s.append(time.perf_counter() - started_s)
    return result, f"{statistics.median(took_s):.2f} s median, {min(took_s):.2f} s least"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    city, surface = load_city(None)
    whole_city(surface, city.land_cover)  # compiles what was not yet
    x_m, y_m = open_place(city, surface)
    walks = walks_of(city, surface)
    print(f"{city.grid.height} x {city.grid.width} cells")
    for name, kind, height_m, side_m in EDITS:
        outline = shapely.box(x_m - side_m / 2, y_m - side_m / 2, x_m + side_m / 2, y_m + side_m / 2)

        def scenario(change):
            edited = apply_changes(surface, city.grid, [change])
            moments = [Moment(JST_14_MS, WEATHER)]
            return edited, compare(
                surface, edited.surface, edited.is_changed, moments, walks, land_cover=city.land_cover
            )

        change = Change("add", kind, outline, height_m, 0)
        (edited, found), took = timed(lambda change=change: scenario(change), given.repeat)
        (before, after), whole_took = timed(
            lambda edited=edited: [whole_city(one, city.land_cover) for one in (surface, edited.surface)], given.repeat
        )
        box = found.windows.dirty
        for quick, whole, ground in (
            (found.maps[0].before, before, found.is_ground_before),
            (found.maps[0].after, after, found.is_ground_after),
        ):
            assert np.array_equal(quick["tmrt"][ground], whole.tmrt_degc[box.slices][ground]), (
                "the window tells something else"
            )
        print(f"{name}: {took}; the whole city twice {whole_took}; window {box.shape[0]} x {box.shape[1]}")


if __name__ == "__main__":
    main()
