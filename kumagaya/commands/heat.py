"""`kumagaya heat`: the heat simulation on files."""

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import UserError
from contract.whole_file import asked_for
from kumagaya.commands.heat_import import add_import_parser
from kumagaya.commands.heat_paths import add_paths_parser
from kumagaya.commands.heat_whatif import add_whatif_parser

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from rich.progress import Progress

    from central.heat.geometry import Geometry
    from central.heat.step import Weather
    from central.heat.sun import Sun

OPTION_OF_FIELD = {
    "air_temperature_degc": "--ta",
    "relative_humidity_pct": "--rh",
    "wind_speed_ms": "--wind",
    "global_radiation_wm2": "--ghi",
    "direct_normal_wm2": "--dni",
    "diffuse_horizontal_wm2": "--dhi",
    "air_pressure_hpa": "--pressure",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "heat", help="heat simulation on files: import, prepare, geometry, step, bench, comfort"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    add_import_parser(verbs)
    add_paths_parser(verbs)
    add_whatif_parser(verbs)

    prepare = verbs.add_parser("prepare", help="look around from every cell of a surface, once per city")
    prepare.add_argument("surface", type=Path, metavar="SURFACE.npz")
    prepare.add_argument("--out", type=Path, required=True, metavar="CITY", help="prepared city to write")
    prepare.set_defaults(run=_prepare)

    geometry = verbs.add_parser("geometry", help="sky view factors and walls of a prepared city as maps")
    geometry.add_argument("city", type=Path, metavar="CITY", help="prepared city")
    geometry.add_argument("--out", type=Path, required=True, metavar="MAPS.npz")
    geometry.set_defaults(run=_geometry)

    step = verbs.add_parser("step", help="maps of one moment")
    _add_weather(step, required=True)
    step.add_argument("--out", type=Path, required=True, metavar="FRAME.npz")
    step.set_defaults(run=_step)

    bench = verbs.add_parser("bench", help="how long a step takes")
    _add_weather(bench, required=False)
    bench.add_argument("--repeat", type=int, default=20, metavar="N", help="steps to time (default: 20)")
    bench.set_defaults(run=_bench)

    comfort = verbs.add_parser("comfort", help="UTCI and WBGT for the rows of a table")
    comfort.add_argument("points", type=Path, metavar="POINTS.csv")
    comfort.add_argument("--out", type=Path, required=True, metavar="OUT.csv")
    comfort.set_defaults(run=_comfort)


def _add_weather(parser: argparse.ArgumentParser, *, required: bool) -> None:
    def default(value: object) -> object:
        return None if required else value

    parser.add_argument("city", type=Path, metavar="CITY", help="prepared city")
    parser.add_argument(
        "--time",
        required=required,
        default=default("2018-07-23T12:00+09:00"),
        metavar="ISO",
        help="with its UTC offset",
    )
    parser.add_argument(
        "--ta", type=float, required=required, default=default(38.0), metavar="C", help="air temperature"
    )
    parser.add_argument(
        "--rh", type=float, required=required, default=default(33.0), metavar="%", help="relative humidity"
    )
    parser.add_argument("--wind", type=float, required=required, default=default(2.0), metavar="M/S", help="at 10 m")
    parser.add_argument(
        "--ghi", type=float, default=default(930.0), metavar="W/M2", help="global radiation; left out: cloudless sky"
    )
    parser.add_argument("--dni", type=float, metavar="W/M2", help="direct normal radiation, with --dhi")
    parser.add_argument("--dhi", type=float, metavar="W/M2", help="diffuse radiation, with --dni")
    parser.add_argument("--pressure", type=float, default=1013.25, metavar="HPA", help="at the city (default: 1013.25)")


def _prepare(arguments: argparse.Namespace) -> int:
    from central.simulation.cityfile import load_surface
    from central.simulation.cityprepare import prepare_city

    surface = load_surface(arguments.surface)
    started_s = time.perf_counter()
    with _progress() as bar:
        task = bar.add_task("sky seen from every cell", total=1.0)
        geometry = prepare_city(arguments.out, surface, lambda share: bar.update(task, completed=share))
    seconds = time.perf_counter() - started_s
    print(
        f"{arguments.out}: {geometry.rows} x {geometry.columns} cells of {geometry.pixel_size_m:g} m, "
        f"{geometry.resident_bytes / 1e6:.0f} MB, {seconds:.1f} s"
    )
    return 0


def _progress() -> "Progress":
    """A bar on a terminal; where nobody watches, one would leave an empty line."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _geometry(arguments: argparse.Namespace) -> int:

    from central.heat.geometry.walls import walls
    from central.simulation.cityfile import load_city

    geometry = load_city(arguments.city)
    height_m, aspect_deg = walls(geometry.solid_m)
    maps = {"svf": geometry.sky_view, "svf_buildings": geometry.sky_view_buildings}
    for name, azimuth_deg in (("north", 0.0), ("east", 90.0), ("south", 180.0), ("west", 270.0)):
        maps[f"svf_{name}"], maps[f"svf_{name}_buildings"] = geometry.sky_view_towards(azimuth_deg)
    maps |= {"wall_height_m": height_m, "wall_aspect_deg": aspect_deg}
    _save_maps(arguments.out, maps)
    walkable = geometry.is_ground
    seen = f"sky view on the ground {geometry.sky_view[walkable].mean():.2f} in the mean, " if walkable.any() else ""
    print(f"{arguments.out}: {seen}walls at the foot of buildings {(height_m > 0).mean():.0%} of the cells")
    return 0


def _save_maps(path: Path, maps: "dict[str, npt.NDArray[np.float32]]") -> None:
    import numpy as np

    with asked_for(path) as part, part.open("wb") as file:
        np.savez(file, **{name: np.ascontiguousarray(values) for name, values in maps.items()})  # type: ignore[arg-type]


def _step(arguments: argparse.Namespace) -> int:
    from central.heat.step import step
    from central.heat.weather import unused_radiation

    geometry, weather, sun = _given(arguments)
    try:
        frame = step(geometry, weather, sun)
    except ValueError as error:
        raise _as_user_error(error) from None
    for reason, fields in unused_radiation(weather, sun).items():
        options = ", ".join(f"{OPTION_OF_FIELD[field]} {getattr(weather, field):g}" for field in fields)
        print(f"kumagaya heat: {options} not used: {reason}", file=sys.stderr)
    maps = {"tmrt": frame.tmrt_degc, "utci": frame.utci_degc, "wbgt": frame.wbgt_degc, "shadow": frame.shadow}
    _save_maps(arguments.out, {**maps, "svf": geometry.sky_view})
    walkable = geometry.is_ground
    print(
        f"{arguments.out}: sun {sun.altitude_deg:.1f} deg high in {sun.azimuth_deg:.1f} deg; on the ground "
        + ", ".join(
            f"{name} {values[walkable].min():.1f} .. {values[walkable].max():.1f}"
            for name, values in (("Tmrt", frame.tmrt_degc), ("UTCI", frame.utci_degc), ("WBGT", frame.wbgt_degc))
            if walkable.any()
        )
    )
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    import statistics

    from central.heat.compiled import thread_count
    from central.heat.step import Frame, step

    if arguments.repeat < 1:
        raise UserError(f"is {arguments.repeat}, must be 1 or more", where="--repeat")
    geometry, weather, sun = _given(arguments)
    out = Frame.empty(geometry.shape)
    took_ms = []
    try:
        step(geometry, weather, sun, out)
        for _ in range(arguments.repeat):
            started_s = time.perf_counter()
            step(geometry, weather, sun, out)
            took_ms.append(1000.0 * (time.perf_counter() - started_s))
    except ValueError as error:
        raise _as_user_error(error) from None
    print(f"step_ms_median={statistics.median(took_ms):.3f}")
    print(f"step_ms_min={min(took_ms):.3f}")
    print(f"threads={thread_count()}")
    return 0


def _comfort(arguments: argparse.Namespace) -> int:
    from central.simulation.comfort_table import add_indices

    made = add_indices(arguments.points, arguments.out)
    if made.note:
        print(f"kumagaya heat: {made.note}", file=sys.stderr)
    print(f"{arguments.out}: {made.rows} rows, added {', '.join(made.columns)}")
    return 0


def _given(arguments: argparse.Namespace) -> "tuple[Geometry, Weather, Sun]":
    """City, weather and sun that the options name."""
    from central.heat.sun import sun_position
    from central.simulation.cityfile import load_city

    unix_ms = _unix_ms(arguments.time)
    weather = _weather(arguments, direct_normal_wm2=arguments.dni, diffuse_horizontal_wm2=arguments.dhi)
    geometry = load_city(arguments.city)
    return geometry, weather, sun_position(unix_ms, geometry.lat, geometry.lon)


def _weather(arguments: argparse.Namespace, **measured_wm2: float | None) -> "Weather":
    """The weather that the options name; ``measured_wm2``: the radiation that not every verb has an option for."""
    from central.heat.step import Weather

    try:
        return Weather(
            air_temperature_degc=arguments.ta,
            relative_humidity_pct=arguments.rh,
            wind_speed_ms=arguments.wind,
            global_radiation_wm2=arguments.ghi,
            air_pressure_hpa=arguments.pressure,
            **measured_wm2,
        )
    except ValueError as error:
        raise _as_user_error(error) from None


def _unix_ms(text: str) -> int:
    from central.heat.sun import END_UNIX_MS, FIRST_UNIX_MS, FIRST_YEAR, LAST_YEAR

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{text!r} is not a time", where="--time", hint="write it as 2018-07-23T12:00+09:00") from None
    if moment.tzinfo is None:
        raise UserError(f"{text!r} has no UTC offset", where="--time", hint=f"for Japan write {text}+09:00")
    unix_ms = round(moment.timestamp() * 1000)
    if not FIRST_UNIX_MS <= unix_ms < END_UNIX_MS:
        raise UserError(
            f"{text!r} is too far off: the sun's place is computed from {FIRST_YEAR} to {LAST_YEAR}", where="--time"
        )
    return unix_ms


def _as_user_error(error: ValueError) -> UserError:
    """The simulation's refusal with the option in front that holds the value."""
    field = next((name for name in OPTION_OF_FIELD if name in str(error)), "")
    return UserError(str(error), where=OPTION_OF_FIELD.get(field, ""))
