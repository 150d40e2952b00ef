"""A physical weather model small enough to read: sun, drifting clouds, the day's temperature, moisture, pressure, wind and showers.

Every value is a function of (seed, site, time) alone. Nothing is stepped, so a demonstration may run at any speed, stop, jump back and
give the same day again.
"""

import math
from collections.abc import Iterator

from firmware_sim.day import DayCharacter, Shower, date_of, day_character, day_number, hour_of_day
from firmware_sim.noise import key_of, octaves, smooth
from firmware_sim.sites import REFERENCE_SITE, SURFACE_EFFECTS, Site
from firmware_sim.sun import clear_sky_global_wm2, sun_position
from firmware_sim.weather import Sample

CLEAR_SKY_FULL_WM2 = 1000.0
LUMINOUS_EFFICACY_LM_W = 115.0
"""Of global daylight; 100..120 lm/W by sky (Littlefair 1985, Lighting Research & Technology 17, 162-182)."""

_PEAK_K, _PEAK_MINUTES = 0.6, 4.0
_FLUCTUATION_K = 0.35
_SHOWER_COOLING_K = 6.0


def vapour_pressure_hpa(dew_point_degc: float) -> float:
    """Saturation vapour pressure over water [hPa]: Magnus with the coefficients of WMO-No. 8, vol. I, annex 4.B."""
    return 6.112 * math.exp(17.62 * dew_point_degc / (243.12 + dew_point_degc))


def relative_humidity_pct(temperature_degc: float, dew_point_degc: float) -> float:
    return min(100.0, 100.0 * vapour_pressure_hpa(dew_point_degc) / vapour_pressure_hpa(temperature_degc))


class PhysicalWeather:
    """The model at one site; a `WeatherSource`. `name` keeps the small-scale turbulence of neighbours apart."""

    def __init__(self, site: Site, *, seed: int = 0, name: str = "") -> None:
        self.site = site
        self._seed = seed
        self._name = name
        # Metres east and north of the reference site: clouds and showers arrive with the delay of their drift.
        self._east_m = (site.lon - REFERENCE_SITE.lon) * 111_320.0 * math.cos(math.radians(REFERENCE_SITE.lat))
        self._north_m = (site.lat - REFERENCE_SITE.lat) * 110_940.0

    def at(self, unix_ms: int) -> Sample:
        day = self._day(unix_ms)
        hour = hour_of_day(unix_ms)
        radiation, sunlit = self._radiation(unix_ms, day)
        temperature = self._temperature(unix_ms, day, hour, sunlit)
        dew_point = min(self._dew_point(unix_ms, day, hour), temperature - 0.2)
        speed, gust, direction = self._wind(unix_ms, hour)
        rain_mmh, rain_mm = self._rain(unix_ms, day, hour)
        dust = 14.0 * math.exp(0.5 * octaves(self._key("dust", local=False), unix_ms / 7.2e6, 3))
        bustle = 50.0 + 9.0 * math.sin(math.pi * (hour - 6.0) / 16.0) if 6.0 <= hour <= 22.0 else 50.0
        return {
            "air_temperature_degc": temperature,
            "relative_humidity_pct": relative_humidity_pct(temperature, dew_point),
            "air_pressure_hpa": self._pressure(unix_ms, hour, temperature),
            "wind_speed_ms": speed,
            "wind_gust_ms": gust,
            "wind_direction_deg": direction,
            "global_radiation_wm2": radiation,
            "illuminance_lx": max(0.0, radiation) * LUMINOUS_EFFICACY_LM_W,
            "dew_point_degc": dew_point,
            "rain_accumulated_mm": rain_mm,
            "rain_intensity_mmh": rain_mmh,
            "noise_level_db": bustle
            + 3.0 * octaves(self._key("noise"), unix_ms / 20_000, 2)
            + min(8.0, rain_mmh / 5.0),
            "pm2_5_ugm3": dust,
            "pm10_ugm3": 1.7 * dust,
            "supply_voltage_v": 24.0 + 0.15 * smooth(self._key("supply"), unix_ms / 6e5),
        }

    def _key(self, what: str, *, local: bool = True) -> int:
        return key_of(self._seed, f"{self._name}/{what}" if local else what)

    def _day(self, unix_ms: int) -> DayCharacter:
        return day_character(self._seed, day_number(unix_ms))

    def _radiation(self, unix_ms: int, day: DayCharacter) -> tuple[float, float]:
        """Global radiation [W/m2], and how much of full sun the ground gets, 0..1."""
        sun = sun_position(unix_ms, self.site.lat, self.site.lon)
        clear = clear_sky_global_wm2(sun.elevation_deg)
        if clear <= 0.0:
            # A pyranometer's dome cools against the night sky and reads a little below zero.
            return -1.5 + 0.5 * smooth(self._key("offset"), unix_ms / 3e5), 0.0
        # A field of cumulus, some 2 km across, drifting with 6 m/s from the south-east.
        along_m = 6.0 * unix_ms / 1000.0 + 0.7 * (self._east_m - self._north_m)
        field = 0.5 + 0.5 * octaves(self._key("cloud", local=False), along_m / 2000.0, 3)
        threshold = 1.0 - day.cloudiness
        cloud = min(1.0, max(0.0, (field - threshold) / 0.12 + 0.5))
        if day.shower is not None:
            hour = hour_of_day(unix_ms)
            distance_h = max(
                day.shower.starts_h - 0.5 - hour, hour - day.shower.starts_h - day.shower.lasts_h - 0.3, 0.0
            )
            cloud = max(cloud, 1.0 - distance_h / 0.3)
        diffuse_clear = clear * (0.14 + 0.25 * math.exp(-sun.elevation_deg / 15.0))
        beam = (clear - diffuse_clear) * (1.0 - 0.92 * cloud)
        # Thin and broken clouds brighten the sky; thick ones darken it again.
        diffuse = diffuse_clear * (1.0 + 1.6 * cloud * (1.0 - 0.5 * cloud))
        if self.site.in_shade(sun.azimuth_deg, sun.elevation_deg):
            beam = 0.0
        total = beam + diffuse * self.site.sky_view
        return total, min(1.0, total / CLEAR_SKY_FULL_WM2)

    def _temperature(self, unix_ms: int, day: DayCharacter, hour: float, sunlit: float) -> float:
        base = self._diurnal(unix_ms, day, hour)
        minutes = (hour - day.maximum_h) * 60.0
        # The day's maximum is one warm parcel of air, as in a real minute record; eddies stay below it.
        parcel = _PEAK_K * math.exp(-((minutes / _PEAK_MINUTES) ** 2))
        calm = 1.0 - math.exp(-((minutes / (2.0 * _PEAK_MINUTES)) ** 2))
        eddies = _FLUCTUATION_K * octaves(self._key("eddies"), unix_ms / 240_000, 3) * calm * (0.3 + 0.7 * sunlit)
        effect = SURFACE_EFFECTS[self.site.surface]
        ground = effect.night_k + (effect.day_k - effect.night_k) * math.sqrt(sunlit)
        lapse = -0.0065 * (self.site.altitude_m - REFERENCE_SITE.altitude_m)
        return base + parcel + eddies + ground + lapse - self._shower_cooling_k(day, hour)

    def _diurnal(self, unix_ms: int, day: DayCharacter, hour: float) -> float:
        """A half cosine up to the maximum, another down to the next day's minimum: continuous over midnight."""
        if hour < day.minimum_h:
            before = self._day(unix_ms - 86_400_000)
            span = 24.0 - before.maximum_h + day.minimum_h
            return _between(before.maximum_degc - _PEAK_K, day.minimum_degc, (24.0 - before.maximum_h + hour) / span)
        if hour < day.maximum_h:
            part = (hour - day.minimum_h) / (day.maximum_h - day.minimum_h)
            return _between(day.minimum_degc, day.maximum_degc - _PEAK_K, part)
        after = self._day(unix_ms + 86_400_000)
        span = 24.0 - day.maximum_h + after.minimum_h
        return _between(day.maximum_degc - _PEAK_K, after.minimum_degc, (hour - day.maximum_h) / span)

    def _shower_cooling_k(self, day: DayCharacter, hour: float) -> float:
        """Cold outflow: down within twenty minutes of the first drops, fading over hours and gone by midnight."""
        if day.shower is None or hour <= day.shower.starts_h:
            return 0.0
        since = hour - day.shower.starts_h
        fade = math.exp(-since / 2.5) * (24.0 - hour) / (24.0 - day.shower.starts_h)
        return _SHOWER_COOLING_K * (1.0 - math.exp(-since / 0.15)) * fade

    def _dew_point(self, unix_ms: int, day: DayCharacter, hour: float) -> float:
        # Joined over midnight, where the day's character changes.
        neighbour = self._day(unix_ms + (86_400_000 if hour >= 12.0 else -86_400_000))
        share = abs(hour - 12.0) / 24.0
        mean = day.dew_point_degc * (1.0 - share) + neighbour.dew_point_degc * share
        slow = 0.8 * octaves(self._key("moisture", local=False), unix_ms / 5.4e6, 2)
        quick = 0.25 * octaves(self._key("moisture"), unix_ms / 3e5, 2)
        return mean + slow + quick + SURFACE_EFFECTS[self.site.surface].dew_point_k

    def _pressure(self, unix_ms: int, hour: float, temperature_degc: float) -> float:
        """At the station. The tide's two waves are of mid-latitude size, with maxima near 10 and 22 h (WMO-No. 8, vol. I, 3)."""
        days = unix_ms / 86_400_000
        season = 1013.0 - 4.5 * math.cos(2.0 * math.pi * (days % 365.25 - 200.0) / 365.25)
        tide = 0.9 * math.cos(4.0 * math.pi * (hour - 10.0) / 24.0) + 0.6 * math.cos(
            2.0 * math.pi * (hour - 8.0) / 24.0
        )
        sea_level = season + tide + 5.0 * octaves(self._key("pressure", local=False), days / 3.0, 2)
        return sea_level * math.exp(-9.80665 * self.site.altitude_m / (287.05 * (temperature_degc + 273.15)))

    def _wind(self, unix_ms: int, hour: float) -> tuple[float, float, float]:
        """Speed [m/s], gust of the last three seconds' kind [m/s], direction it comes from [deg]."""
        seconds = unix_ms / 1000.0
        breeze = 0.5 - 0.5 * math.cos(2.0 * math.pi * (hour - 3.0) / 24.0)
        mean = (1.1 + 2.4 * breeze) * math.exp(0.45 * octaves(self._key("wind", local=False), seconds / 5400.0, 3))
        turbulence = 0.35 * octaves(self._key("turbulence"), seconds / 45.0, 4) + 0.12 * smooth(
            self._key("puffs"), seconds / 5.0
        )
        speed = max(0.0, mean * (1.0 + turbulence)) * self.site.exposure
        gust = speed * (1.25 + 0.35 * (0.5 + 0.5 * smooth(self._key("gusts"), seconds / 20.0)))
        # By night from the north-west along the Ara river, by day the bay breeze from the east-south-east.
        drift = 40.0 * octaves(self._key("veer", local=False), seconds / 7200.0, 3)
        swing = 28.0 * octaves(self._key("swing"), seconds / 60.0, 3)
        direction = 310.0 + 160.0 * breeze + drift + swing + self.site.wind_turn_deg
        return speed, gust, direction % 360.0

    def _rain(self, unix_ms: int, day: DayCharacter, hour: float) -> tuple[float, float]:
        """Intensity [mm/h] and the gauge's count [mm] since 1 January; one site gets more of a shower than the next."""
        number = day_number(unix_ms)
        first = number - date_of(number).timetuple().tm_yday + 1
        earlier = sum(self._catch(past) * shower.fallen_mm(24.0) for past, shower in self._showers(first, number))
        if day.shower is None:
            return 0.0, earlier
        share = self._catch(number)
        return share * day.shower.intensity_mmh(hour), earlier + share * day.shower.fallen_mm(hour)

    def _showers(self, first: int, last: int) -> Iterator[tuple[int, Shower]]:
        for number in range(first, last):
            shower = day_character(self._seed, number).shower
            if shower is not None:
                yield number, shower

    def _catch(self, number: int) -> float:
        return 1.0 + 0.25 * smooth(self._key("catch"), number + 0.5)


def _between(start: float, end: float, part: float) -> float:
    """From start to end along a half cosine, flat at both."""
    return start + (end - start) * (0.5 - 0.5 * math.cos(math.pi * part))
