"""A series from anywhere is laid over the city's day so that its noon is the city's noon."""

import math
from array import array
from dataclasses import dataclass, field

import pytest

from firmware_sim.recording_files import load_recording
from kumagaya.demo.replay import CITY_NOON_UTC_MS, DAY_MS, first_morning_ms, measured_noon_utc_ms, shift_ms
from tests.shared import shared_path

HOUR_MS = 3_600_000


@dataclass
class Rows:
    times_ms: list[int]
    columns: dict = field(default_factory=dict)


def sunny_day(noon_utc_h: float) -> Rows:
    times = list(range(0, DAY_MS, 600_000))
    sun = [1000 * math.cos(2 * math.pi * (at / DAY_MS - noon_utc_h / 24)) for at in times]
    return Rows(times, {"global_radiation_wm2": array("d", [value if value > 0 else float("nan") for value in sun])})


@pytest.mark.parametrize("noon_utc_h", [0.0, 2.7, 11.16, 19.5, 23.9])
def test_the_measured_sun_tells_the_longitude(noon_utc_h):
    noon = measured_noon_utc_ms([sunny_day(noon_utc_h)])
    apart = (noon - noon_utc_h * HOUR_MS + DAY_MS / 2) % DAY_MS - DAY_MS / 2
    assert abs(apart) < 5 * 60_000


def test_without_measured_radiation_nothing_is_shifted():
    assert measured_noon_utc_ms([Rows([0], {"air_temperature_degc": array("d", [30.0])})]) is None
    assert shift_ms(None) == 0


@pytest.mark.parametrize(
    ("noon_h", "shift_h"),
    [(2.7, 0.0), (2.9, 0.0), (11.16, 8.4), (19.06, -7.6), (CITY_NOON_UTC_MS / HOUR_MS + 12, -12.0)],
)
def test_a_series_of_another_longitude_is_shifted_by_the_hours_between(noon_h, shift_h):
    assert shift_ms(round(noon_h * HOUR_MS)) / HOUR_MS == pytest.approx(shift_h, abs=0.1)


def test_a_replay_begins_on_its_first_morning():
    morning = first_morning_ms(0, 5 * DAY_MS, 0)
    assert morning % DAY_MS == HOUR_MS  # 10:00 JST
    assert 0 <= morning < DAY_MS
    assert first_morning_ms(0, HOUR_MS // 2, 0) == 0


def test_the_danish_series_is_known_by_its_noon():
    recording = load_recording(shared_path("data/weather/dtu_1min_2018_07.csv.gz"), lenient=True)
    noon = measured_noon_utc_ms(recording.series.values())
    assert noon / HOUR_MS == pytest.approx(12 - 12.525 / 15 + 0.1, abs=0.35)
