"""The weather of one moment, and what follows from it when only part of it was measured."""

import math
from dataclasses import dataclass

from central.heat.radiation.clearness import Irradiance, clearness_index, haurwitz_wm2, split
from central.heat.sun import Sun

TWILIGHT_DEG = -6.0
"""Sun below which a pyranometer's reading is an offset, not light."""

OFFSET_WM2 = 20.0
"""What a good pyranometer may show in the dark, either way."""

RANGES = {
    "air_temperature_degc": (-50.0, 50.0),
    "relative_humidity_pct": (0.0, 100.0),
    "wind_speed_ms": (0.0, 75.0),
    "air_pressure_hpa": (500.0, 1100.0),
    "global_radiation_wm2": (-20.0, 1500.0),
    "direct_normal_wm2": (-20.0, 1500.0),
    "diffuse_horizontal_wm2": (-20.0, 1500.0),
    "clearness": (0.0, 1.0),
}


@dataclass(frozen=True)
class Weather:
    """Weather over the whole city at one moment.

    Radiation is given as direct and diffuse, or as global alone, which is then split; with none of the three the sky
    is taken as cloudless.

    Raises:
        ValueError: a value is NaN or out of its range, or only one of direct and diffuse is given; names the field.
    """

    air_temperature_degc: float
    relative_humidity_pct: float
    wind_speed_ms: float
    """At 10 m above open ground."""
    global_radiation_wm2: float | None = None
    """On a level plane in the open."""
    direct_normal_wm2: float | None = None
    """Of the sun alone, on a plane that faces it."""
    diffuse_horizontal_wm2: float | None = None
    """Of the sky alone, on a level plane."""
    air_pressure_hpa: float = 1013.25
    """At the city, not reduced to sea level."""
    clearness: float | None = None
    """1 cloudless .. 0 overcast; from the radiation by day and 1 at night where left out."""

    def __post_init__(self) -> None:
        for name, (lowest, highest) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not lowest <= value <= highest:
                raise ValueError(f"{name} is {value:g}, must lie in {lowest:g} .. {highest:g}")
        if (self.direct_normal_wm2 is None) != (self.diffuse_horizontal_wm2 is None):
            missing = "direct_normal_wm2" if self.direct_normal_wm2 is None else "diffuse_horizontal_wm2"
            raise ValueError(f"{missing} is missing: direct and diffuse radiation are given together or not at all")


def irradiance_of(weather: Weather, sun: Sun) -> Irradiance:
    """The weather's radiation as direct and diffuse; whatever is missing is filled in, see ``Weather``."""
    if sun.altitude_deg < TWILIGHT_DEG:
        return Irradiance(0.0, 0.0, 0.0)
    if weather.direct_normal_wm2 is not None and weather.diffuse_horizontal_wm2 is not None:
        direct = max(weather.direct_normal_wm2, 0.0) if sun.is_up else 0.0
        diffuse = max(weather.diffuse_horizontal_wm2, 0.0)
        level = direct * math.sin(math.radians(max(sun.altitude_deg, 0.0))) + diffuse
        return Irradiance(level, direct, diffuse)
    measured = weather.global_radiation_wm2 if weather.global_radiation_wm2 is not None else haurwitz_wm2(sun)
    return split(measured, sun, weather.air_temperature_degc, weather.relative_humidity_pct)


def unused_radiation(weather: Weather, sun: Sun) -> dict[str, tuple[str, ...]]:
    """Given radiation that the step leaves aside although it says something else than what is used.

    Returns:
        by reason, the fields of ``weather``; empty where all that was given is used or agrees with it to a tenth.
    """
    given = {name: getattr(weather, name) for name in RANGES if name.endswith("_wm2")}
    lit = tuple(name for name, value in given.items() if value is not None and value > OFFSET_WM2)
    below = f"the sun stands {-sun.altitude_deg:.1f} deg below the horizon"
    if sun.altitude_deg < TWILIGHT_DEG:
        return {below: lit} if lit else {}
    unused: dict[str, tuple[str, ...]] = {}
    if "direct_normal_wm2" in lit and not sun.is_up:
        unused[below] = ("direct_normal_wm2",)
    measured, used = weather.global_radiation_wm2, irradiance_of(weather, sun).global_wm2
    if (
        weather.direct_normal_wm2 is not None
        and measured is not None
        and abs(measured - used) > max(OFFSET_WM2, 0.1 * used)
    ):
        unused[f"direct and diffuse radiation are given, which make {used:.0f} W/m2"] = ("global_radiation_wm2",)
    return unused


def clearness_of(weather: Weather, sun: Sun, irradiance: Irradiance) -> float:
    """How clear the sky is, 1 to 0: as given, or from the radiation."""
    if weather.clearness is not None:
        return weather.clearness
    return clearness_index(
        sun,
        irradiance.global_wm2,
        weather.air_temperature_degc,
        weather.relative_humidity_pct,
        weather.air_pressure_hpa,
    )
